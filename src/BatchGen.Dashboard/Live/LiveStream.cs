using System.Text;
using BatchGen.Dashboard.Security;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace BatchGen.Dashboard.Live;

/// <summary>Sends changes to one viewer, until they leave, lose their access, or the program stops.</summary>
internal sealed class LiveStream(LiveHub hub, StreamAccess access, TimeProvider clock)
{
    private static readonly ReadOnlyMemory<byte> Ping = Encoding.UTF8.GetBytes(new LiveMessage(SignOfLife.Name, "").Format());

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
            // A tick in which nothing is for this viewer is silence.
            var chosen = hub.SubscribeAsync(end).Select(choose).Where(part => !part.IsEmpty);
            await foreach (var part in chosen.WithPingsAsync(Ping, clock, end))
            {
                await context.Response.Body.WriteAsync(part, end);
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
