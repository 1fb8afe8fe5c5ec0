using System.Text;
using BatchGen.Dashboard.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;

namespace BatchGen.Dashboard.Live;

/// <summary>The stream that open pages listen to.</summary>
internal static class LiveEndpoints
{
    /// <summary>Maps it.</summary>
    public static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/live", async (HttpContext context, LiveHub hub) =>
    {
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        context.Response.ContentType = "text/event-stream";
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers["X-Accel-Buffering"] = "no"; // nginx would hold the stream back.
        try
        {
            await context.Response.WriteAsync("retry: 3000\n\n", context.RequestAborted);
            await foreach (var tick in hub.SubscribeAsync(context.RequestAborted))
            {
                await context.Response.Body.WriteAsync(tick.Page, context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
            }
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The viewer left.
            return;
        }
    }).RequireAuthorization(Policies.See).ExcludeFromDescription();

    /// <summary>One event in the stream's form: every line of the data has its own prefix.</summary>
    internal static string Format(LiveMessage message)
    {
        var text = new StringBuilder("event: ").Append(message.Name).Append('\n');
        foreach (var line in message.Data.ReplaceLineEndings("\n").Split('\n')) text.Append("data: ").Append(line).Append('\n');
        return text.Append('\n').ToString();
    }
}
