using BatchGen.Dashboard.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace BatchGen.Dashboard.Live;

/// <summary>The stream that open pages listen to.</summary>
internal static class LiveEndpoints
{
    /// <summary>Maps the stream.</summary>
    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapGet("/live", (HttpContext context, LiveStream stream) => stream.SendAsync(context, tick => tick.Page))
            .RequireAuthorization(Policies.See).RequireRateLimiting(StreamLimits.Pages).ExcludeFromDescription();
}
