using BatchGen.Dashboard.Security;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace BatchGen.Dashboard.Live;

/// <summary>Sends changes to one viewer, until they leave, lose their access, or the program stops.</summary>
internal sealed class LiveStream(LiveHub hub, StreamAccess access)
{
    /// <summary>Answers the request.</summary>
    /// <param name="context">The request.</param>
    /// <param name="choose">Which part of a tick the viewer gets; nothing is sent when it is empty.</param>
    public async Task SendAsync(HttpContext context, Func<LiveTick, ReadOnlyMemory<byte>> choose)
    {
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        context.Response.ContentType = "text/event-stream";
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers["X-Accel-Buffering"] = "no"; // nginx would hold the stream back.
        var end = await access.WatchAsync(context, Policies.See);
        try
        {
            await context.Response.WriteAsync("retry: 3000\n\n", end);
            await foreach (var tick in hub.SubscribeAsync(end))
            {
                var chosen = choose(tick);
                if (chosen.IsEmpty) continue;
                await context.Response.Body.WriteAsync(chosen, end);
                await context.Response.Body.FlushAsync(end);
            }
        }
        catch (OperationCanceledException) when (end.IsCancellationRequested)
        {
            // The viewer left or lost access, or the program stops.
            return;
        }
    }
}
