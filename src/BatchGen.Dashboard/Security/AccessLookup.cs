using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using BatchGen.Queue.Access;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Http;

namespace BatchGen.Dashboard.Security;

/// <summary>Finds who asks: looked up at every call, so that who was removed is out at once, and a changed role counts from the next click.</summary>
internal sealed class AccessLookup(AccessStore store, OpenDoor door)
{
    private const string Bearer = "Bearer ";
    private const string StampClaim = "stamp";

    /// <summary>Looks at the request's key or login.</summary>
    public async Task<AuthenticateResult> FindAsync(HttpContext context, CancellationToken cancellationToken)
    {
        var header = context.Request.Headers.Authorization.ToString();
        if (header.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase)) return await ByKeyAsync(header[Bearer.Length..].Trim(), cancellationToken);
        var cookie = await context.AuthenticateAsync(CookieAuthenticationDefaults.AuthenticationScheme);
        if (cookie.Succeeded && await ByLoginAsync(cookie.Principal, cancellationToken) is { } account) return Success(account.Name, account.Role, null);
        return await door.IsOpenAsync(context) ? Success(AccessAuthentication.LocalName, Roles.Operator, null) : AuthenticateResult.NoResult();
    }

    /// <summary>What a login's cookie holds.</summary>
    public static ClaimsPrincipal Login(StoredAccount account) => new(new ClaimsIdentity(
        [new Claim(ClaimTypes.Name, account.Name), new Claim(ClaimTypes.Role, account.Role), new Claim(StampClaim, StampOf(account))], CookieAuthenticationDefaults.AuthenticationScheme));

    private async Task<AuthenticateResult> ByKeyAsync(string key, CancellationToken cancellationToken)
    {
        if (!key.StartsWith(ApiKey.Prefix, StringComparison.Ordinal)) return AuthenticateResult.Fail("not an API key");
        var stored = await store.FindKeyAsync(ApiKey.Hash(key), cancellationToken);
        return stored is null ? AuthenticateResult.Fail("unknown or revoked API key") : Success(stored.Name, stored.Role, stored.Tenant);
    }

    // The name alone would let a login outlive the password it was made with, and come back with the next account of that name.
    private async Task<StoredAccount?> ByLoginAsync(ClaimsPrincipal login, CancellationToken cancellationToken) =>
        login.Identity?.Name is { } name && await store.FindAccountAsync(name, cancellationToken) is { } account && login.HasClaim(StampClaim, StampOf(account)) ? account : null;

    // Differs for every password set, because each hash has a salt of its own, and tells nothing of it.
    private static string StampOf(StoredAccount account) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(account.PasswordHash)));

    private static AuthenticateResult Success(string name, string role, string? tenant)
    {
        List<Claim> claims = [new(ClaimTypes.Name, name), new(ClaimTypes.Role, role)];
        if (tenant is not null) claims.Add(new Claim(Policies.TenantClaim, tenant));
        return AuthenticateResult.Success(new AuthenticationTicket(
            new ClaimsPrincipal(new ClaimsIdentity(claims, AccessAuthentication.SchemeName)), AccessAuthentication.SchemeName));
    }
}
