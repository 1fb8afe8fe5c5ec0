using BatchGen.Dashboard.Live;
using BatchGen.Dashboard.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace BatchGen.Dashboard.Pages.Tonight;

/// <summary>The first page.</summary>
internal static class TonightEndpoints
{
    /// <summary>Maps it.</summary>
    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapGet("/", async (LiveSource source, CancellationToken cancellationToken) => Page.Of<TonightPage>(await source.GetAsync(cancellationToken)))
            .RequireAuthorization(Policies.See).ExcludeFromDescription();
}
