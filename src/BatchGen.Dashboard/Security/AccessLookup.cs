using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using BatchGen.Queue.Access;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Http;

namespace BatchGen.Dashboard.Security;

/// <summary>Finds who sends a request.</summary>
/// <remarks>Looked up at every request, so that a removed account is out at once, and a changed role counts from the next click.</remarks>
internal sealed class AccessLookup(AccessStore store, LocalAccess local)
{
    private const string Bearer = "Bearer ";
    private const string StampClaim = "stamp";

    /// <summary>Looks at the request's key or login.</summary>
    public async Task<AuthenticateResult> FindAsync(HttpContext context, CancellationToken cancellationToken)
    {
        var header = context.Request.Headers.Authorization.ToString();
        if (header.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase))
            return await ByKeyAsync(header[Bearer.Length..].Trim(), cancellationToken);
        var cookie = await context.AuthenticateAsync(CookieAuthenticationDefaults.AuthenticationScheme);
        if (cookie.Succeeded && await ByLoginAsync(cookie.Principal, cancellationToken) is { } account)
            return Success(account.Name, account.Role, null);
        return await local.NeedsNoLoginAsync(context)
            ? Success(AccessAuthentication.LocalName, Roles.Operator, null)
            : AuthenticateResult.NoResult();
    }

    /// <summary>The identity that the cookie of a login holds.</summary>
    public static ClaimsPrincipal Login(StoredAccount account) => new(new ClaimsIdentity(
        [new Claim(ClaimTypes.Name, account.Name), new Claim(ClaimTypes.Role, account.Role), new Claim(StampClaim, StampOf(account))],
        CookieAuthenticationDefaults.AuthenticationScheme));

    /// <summary>The tenant whose jobs a submitter's key may see; null for people and keys that see the jobs of all.</summary>
    public static string? TenantOf(ClaimsPrincipal user) => user.FindFirst(Policies.TenantClaim)?.Value;

    private async Task<AuthenticateResult> ByKeyAsync(string key, CancellationToken cancellationToken)
    {
        if (!key.StartsWith(ApiKey.Prefix, StringComparison.Ordinal)) return AuthenticateResult.Fail("not an API key");
        var stored = await store.FindKeyAsync(ApiKey.Hash(key), cancellationToken);
        return stored is null
            ? AuthenticateResult.Fail("unknown or revoked API key")
            : Success(stored.Name, stored.Role, stored.Tenant);
    }

    // The name alone would let a login outlive the password with which it was made, and count again for the next account of that name.
    private async Task<StoredAccount?> ByLoginAsync(ClaimsPrincipal login, CancellationToken cancellationToken) =>
        login.Identity?.Name is { } name
        && await store.FindAccountAsync(name, cancellationToken) is { } account
        && login.HasClaim(StampClaim, StampOf(account))
            ? account
            : null;

    // Differs for every password set, because each hash has a salt of its own, and reveals nothing of the password.
    private static string StampOf(StoredAccount account) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(account.PasswordHash)));

    private static AuthenticateResult Success(string name, string role, string? tenant)
    {
        List<Claim> claims = [new(ClaimTypes.Name, name), new(ClaimTypes.Role, role)];
        if (tenant is not null) claims.Add(new Claim(Policies.TenantClaim, tenant));
        return AuthenticateResult.Success(new AuthenticationTicket(
            new ClaimsPrincipal(new ClaimsIdentity(claims, AccessAuthentication.SchemeName)), AccessAuthentication.SchemeName));
    }
}
