using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace BatchGen.Dashboard.Security;

/// <summary>Tells who sends a request: the bearer of an API key, a person who logged in, or (on this machine alone, before there are
/// accounts) the local operator.</summary>
internal sealed class AccessAuthentication(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder, AccessLookup access)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    /// <summary>Name of the scheme.</summary>
    public const string SchemeName = "BatchGen";

    /// <summary>Name of the person who needs no login.</summary>
    public const string LocalName = "local operator";

    /// <inheritdoc/>
    protected override Task<AuthenticateResult> HandleAuthenticateAsync() => access.FindAsync(Context, Context.RequestAborted);

    /// <inheritdoc/>
    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        if (IsApi(Request))
        {
            Response.StatusCode = StatusCodes.Status401Unauthorized;
            Response.Headers.WWWAuthenticate = "Bearer";
            return Results.Problem(
                statusCode: StatusCodes.Status401Unauthorized,
                title: "An API key is needed",
                detail: "Send it as 'Authorization: Bearer bgk_...'; 'batchgen keys add' makes one.").ExecuteAsync(Context);
        }

        Response.Redirect("/login?return=" + Uri.EscapeDataString(Request.Path + Request.QueryString));
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    protected override Task HandleForbiddenAsync(AuthenticationProperties properties) =>
        (IsApi(Request)
            ? Results.Problem(statusCode: StatusCodes.Status403Forbidden, title: "Not allowed", detail: "This key's role may not do that.")
            : Pages.Page.Message(
                "Not allowed", "Your role may look, but not change anything. Ask an operator.", StatusCodes.Status403Forbidden))
        .ExecuteAsync(Context);

    // Programs ask here, which would take a page for an answer.
    private static bool IsApi(HttpRequest request) =>
        request.Path.StartsWithSegments("/api") || request.Path.StartsWithSegments("/metrics");
}
