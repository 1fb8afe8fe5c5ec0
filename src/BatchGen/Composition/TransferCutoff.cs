using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Hosting;

namespace BatchGen.Composition;

/// <summary>Cuts off transfers that go on while the program stops.</summary>
/// <remarks>
/// The web server waits for open requests as long as the host lets it, which is as long as workers may need to unload; a zip of a campaign
/// or an upload takes longer still.
/// </remarks>
internal static class TransferCutoff
{
    // A page or a short call has ended by then.
    private static readonly TimeSpan GracePeriod = TimeSpan.FromSeconds(5);

    /// <summary>Adds the cut-off; must be called before anything is added that answers requests.</summary>
    public static void Use(WebApplication app, TimeProvider clock)
    {
        var cutoff = new CancellationTokenSource(Timeout.InfiniteTimeSpan, clock);
        app.Lifetime.ApplicationStopping.Register(() => cutoff.CancelAfter(GracePeriod));
        app.Use(async (context, next) =>
        {
            await using var cut = cutoff.Token.Register(context.Abort);
            await next(context);
        });
    }
}
