using System.Text;
using BatchGen.Dashboard.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace BatchGen.Dashboard.Live;

/// <summary>The stream that open pages listen to.</summary>
internal static class LiveEndpoints
{
    /// <summary>Maps it.</summary>
    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapGet("/live", (HttpContext context, LiveStream stream) => stream.SendAsync(context, tick => tick.Page)).RequireAuthorization(Policies.See).ExcludeFromDescription();

    /// <summary>One event in the stream's form: every line of the data has its own prefix.</summary>
    internal static string Format(LiveMessage message)
    {
        var text = new StringBuilder("event: ").Append(message.Name).Append('\n');
        foreach (var line in message.Data.ReplaceLineEndings("\n").Split('\n')) text.Append("data: ").Append(line).Append('\n');
        return text.Append('\n').ToString();
    }
}
