using BatchGen.Dashboard.Live;
using BatchGen.Dashboard.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace BatchGen.Dashboard.Pages.Tonight;

/// <summary>The first page. Its model is the live snapshot, so that the parts that are replaced while it is open show the same.</summary>
internal static class TonightEndpoints
{
    /// <summary>Maps the page.</summary>
    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapGet("/", ShowAsync).RequireAuthorization(Policies.See).ExcludeFromDescription();

    private static async Task<IResult> ShowAsync(LiveSource source, CancellationToken cancellationToken) =>
        Page.Of<TonightPage, LiveSnapshot>(await source.GetAsync(cancellationToken));
}
