using System.Security.Claims;
using System.Text.Encodings.Web;
using BatchGen.Queue.Access;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace BatchGen.Dashboard.Security;

/// <summary>Who asks: the bearer of an API key, a person who logged in, or (on this machine alone, before there are accounts) the local operator.</summary>
internal sealed class AccessAuthentication(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder, AccessStore store, OpenDoor door)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    /// <summary>Name of the scheme.</summary>
    public const string SchemeName = "BatchGen";

    private const string Bearer = "Bearer ";

    /// <summary>Name of the person who needs no login.</summary>
    public const string LocalName = "local operator";

    /// <inheritdoc/>
    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        var header = Request.Headers.Authorization.ToString();
        if (header.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase)) return await ByKeyAsync(header[Bearer.Length..].Trim());
        var cookie = await Context.AuthenticateAsync(CookieAuthenticationDefaults.AuthenticationScheme);
        // Looked up each time: who was removed is out at once, and a changed role counts from the next click.
        if (cookie.Succeeded && cookie.Principal.Identity?.Name is { } name && await store.FindAccountAsync(name, Context.RequestAborted) is { } account)
            return Success(account.Name, account.Role, null);
        return await door.IsOpenAsync(Context) ? Success(LocalName, Roles.Operator, null) : AuthenticateResult.NoResult();
    }

    /// <inheritdoc/>
    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        if (IsApi(Request))
        {
            Response.StatusCode = StatusCodes.Status401Unauthorized;
            Response.Headers.WWWAuthenticate = "Bearer";
            return Results.Problem(
                statusCode: StatusCodes.Status401Unauthorized, title: "An API key is needed", detail: "Send it as 'Authorization: Bearer bgk_...'; 'batchgen keys add' makes one.")
                .ExecuteAsync(Context);
        }

        Response.Redirect("/login?return=" + Uri.EscapeDataString(Request.Path + Request.QueryString));
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    protected override Task HandleForbiddenAsync(AuthenticationProperties properties) =>
        (IsApi(Request)
            ? Results.Problem(statusCode: StatusCodes.Status403Forbidden, title: "Not allowed", detail: "This key's role may not do that.")
            : Pages.Page.Of<Pages.MessagePage>(new Pages.MessageModel("Not allowed", "Your role may look, but not change anything. Ask an operator."), StatusCodes.Status403Forbidden))
        .ExecuteAsync(Context);

    private async Task<AuthenticateResult> ByKeyAsync(string key)
    {
        if (!key.StartsWith(ApiKey.Prefix, StringComparison.Ordinal)) return AuthenticateResult.Fail("not an API key");
        var stored = await store.FindKeyAsync(ApiKey.Hash(key), Context.RequestAborted);
        return stored is null ? AuthenticateResult.Fail("unknown or revoked API key") : Success(stored.Name, stored.Role, stored.Tenant);
    }

    private static AuthenticateResult Success(string name, string role, string? tenant)
    {
        List<Claim> claims = [new(ClaimTypes.Name, name), new(ClaimTypes.Role, role)];
        if (tenant is not null) claims.Add(new Claim(Policies.TenantClaim, tenant));
        return AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(new ClaimsIdentity(claims, SchemeName)), SchemeName));
    }

    private static bool IsApi(HttpRequest request) => request.Path.StartsWithSegments("/api");
}
