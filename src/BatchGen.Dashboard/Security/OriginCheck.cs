using BatchGen.Dashboard.Api;
using BatchGen.Dashboard.Pages;
using BatchGen.Dashboard.Pages.Message;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace BatchGen.Dashboard.Security;

/// <summary>Refuses changes that a page of another site, or of another address of the same site, has a browser send.</summary>
/// <remarks>
/// A browser sends the cookie of a login along with such a request, and a request to this machine needs none before there are accounts.
/// Forms carry a token besides; the calls of the HTTP API do not, so for them this check is the only one.
/// </remarks>
internal static class OriginCheck
{
    /// <summary>Adds the check to every request that may change something, whatever endpoint it is for.</summary>
    public static void Use(IApplicationBuilder app) => app.Use(async (context, next) =>
    {
        var request = context.Request;
        var method = request.Method;
        var onlyReads = HttpMethods.IsGet(method) || HttpMethods.IsHead(method) || HttpMethods.IsOptions(method);
        if (onlyReads || Fault(request) is not { } fault)
        {
            await next(context);
            return;
        }

        await (request.Path.StartsWithSegments("/api")
            ? Problem.Of(statusCode: StatusCodes.Status403Forbidden, title: "From another site", detail: fault)
            : Page.Message(MessageModel.RefusedTitle, fault, StatusCodes.Status403Forbidden)).ExecuteAsync(context);
    });

    // Only browsers send Sec-Fetch-Site, and no page can choose it. Programs with a key may send an Origin of their own: a browser adds a
    // key to no request by itself.
    private static string? Fault(HttpRequest request)
    {
        if (request.Headers["Sec-Fetch-Site"] is { Count: > 0 } site && site.ToString() is not ("same-origin" or "none"))
            return $"The browser says that a page of another site sent this ('Sec-Fetch-Site: {site}'). Changes come from this server's "
                + "own pages only.";
        if (AccessLookup.KeyOf(request) is not null || request.Headers.Origin is not { Count: > 0 } origin) return null;
        return IsOwn(origin.ToString(), request) ? null
            : $"A page of '{origin}' sent this, and this server was asked as '{request.Scheme}://{request.Host}'. Changes come from "
                + "this server's own pages only. Behind a reverse proxy, let it pass the header Host on as it came.";
    }

    // A proxy may end TLS: then the page is https and the request is not. A page without TLS never changes what has it.
    private static bool IsOwn(string origin, HttpRequest request) =>
        Uri.TryCreate(origin, UriKind.Absolute, out var from)
        && (from.Scheme == Uri.UriSchemeHttps || (from.Scheme == Uri.UriSchemeHttp && !request.IsHttps))
        && request.Host.HasValue
        && string.Equals(from.Host, request.Host.Host, StringComparison.OrdinalIgnoreCase)
        && from.Port == (request.Host.Port ?? (from.Scheme == Uri.UriSchemeHttps ? 443 : 80));
}
