using BatchGen.Dashboard.Security;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Hosting;

namespace BatchGen.Dashboard.Live;

/// <summary>Sends changes to one viewer, until they leave, lose their access, or the program stops.</summary>
internal sealed class LiveStream(
    LiveHub hub, AccessLookup access, IAuthorizationService authorization, IHostApplicationLifetime lifetime, TimeProvider clock)
{
    // A stream is one request that may last for days: the viewer's access is looked up again this often, before anything more is sent.
    private static readonly TimeSpan AccessCheck = TimeSpan.FromSeconds(30);

    /// <summary>Answers the request.</summary>
    /// <param name="context">The request.</param>
    /// <param name="choose">Which part of a tick the viewer gets; nothing is sent when it is empty.</param>
    public async Task SendAsync(HttpContext context, Func<LiveTick, ReadOnlyMemory<byte>> choose)
    {
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        context.Response.ContentType = "text/event-stream";
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers["X-Accel-Buffering"] = "no"; // nginx would hold the stream back.
        // The web server stops when its requests have ended, and this one would not.
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
        var checkedAt = clock.GetTimestamp();
        try
        {
            await context.Response.WriteAsync("retry: 3000\n\n", end.Token);
            await foreach (var tick in hub.SubscribeAsync(end.Token))
            {
                if (clock.GetElapsedTime(checkedAt) >= AccessCheck)
                {
                    if (!await IsAllowedAsync(context, end.Token)) return;
                    checkedAt = clock.GetTimestamp();
                }

                var chosen = choose(tick);
                if (chosen.IsEmpty) continue;
                await context.Response.Body.WriteAsync(chosen, end.Token);
                await context.Response.Body.FlushAsync(end.Token);
            }
        }
        catch (OperationCanceledException) when (end.IsCancellationRequested)
        {
            // The viewer left, or the program stops.
            return;
        }
    }

    private async Task<bool> IsAllowedAsync(HttpContext context, CancellationToken cancellationToken) =>
        await access.FindAsync(context, cancellationToken) is { Succeeded: true } viewer
        && (await authorization.AuthorizeAsync(viewer.Principal, Policies.See)).Succeeded;
}
