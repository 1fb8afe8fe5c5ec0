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
internal sealed class AccessLookup(AccessStore store, LocalAccess local, DashboardOptions options, TimeProvider clock)
{
    private const string Bearer = "Bearer ";
    private const string StampClaim = "stamp";
    private const string SessionClaim = "session";

    /// <summary>Looks at the request's key or login.</summary>
    public async Task<AuthenticateResult> FindAsync(HttpContext context, CancellationToken cancellationToken) =>
        await FindAsync(await CredentialsOfAsync(context), cancellationToken);

    /// <summary>What a request shows of who sends it; a stream keeps it, to look its access up again.</summary>
    public async Task<Credentials> CredentialsOfAsync(HttpContext context)
    {
        if (KeyOf(context.Request) is { } key) return new Credentials(key, null, MayBeLocal: false);
        var cookie = await context.AuthenticateAsync(CookieAuthenticationDefaults.AuthenticationScheme);
        return new Credentials(null, cookie.Succeeded ? cookie.Ticket : null, local.MayNeedNoLogin(context));
    }

    /// <summary>Looks up whose credentials they are now.</summary>
    public async Task<AuthenticateResult> FindAsync(Credentials credentials, CancellationToken cancellationToken)
    {
        if (credentials.Key is { } key) return await ByKeyAsync(key, cancellationToken);
        if (credentials.Login is { } login && await ByLoginAsync(login, cancellationToken) is { } account)
            return Success(account.Name, account.Role, null);
        return credentials.MayBeLocal && await local.HasNoAccountAsync(cancellationToken)
            ? Success(AccessAuthentication.LocalName, Roles.Operator, null)
            : AuthenticateResult.NoResult();
    }

    /// <summary>Begins a login of a person.</summary>
    /// <returns>The identity that the cookie of the login holds.</returns>
    public async Task<ClaimsPrincipal> LogInAsync(StoredAccount account, CancellationToken cancellationToken)
    {
        var session = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        await store.AddSessionAsync(HashOf(session), account.Name, options.MaxSessionLifetime, cancellationToken);
        return new ClaimsPrincipal(new ClaimsIdentity(
            [
                new Claim(ClaimTypes.Name, account.Name), new Claim(ClaimTypes.Role, account.Role),
                new Claim(StampClaim, StampOf(account)), new Claim(SessionClaim, session),
            ],
            CookieAuthenticationDefaults.AuthenticationScheme));
    }

    /// <summary>Ends the login of a request on the server, so that copies of its cookie no longer count.</summary>
    public async Task LogOutAsync(HttpContext context, CancellationToken cancellationToken)
    {
        var cookie = await context.AuthenticateAsync(CookieAuthenticationDefaults.AuthenticationScheme);
        if (cookie.Principal?.FindFirst(SessionClaim) is { Value: var session })
            await store.EndSessionAsync(HashOf(session), cancellationToken);
    }

    /// <summary>The tenant whose jobs a submitter's key may see; null for people and keys that see the jobs of all.</summary>
    public static string? TenantOf(ClaimsPrincipal user) => user.FindFirst(Policies.TenantClaim)?.Value;

    /// <summary>The API key that a request carries, or null: then a cookie may say who sends it.</summary>
    public static string? KeyOf(HttpRequest request) =>
        request.Headers.Authorization.ToString() is var header && header.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase)
            ? header[Bearer.Length..].Trim()
            : null;

    private async Task<AuthenticateResult> ByKeyAsync(string key, CancellationToken cancellationToken)
    {
        if (!key.StartsWith(ApiKey.Prefix, StringComparison.Ordinal)) return AuthenticateResult.Fail("not an API key");
        var stored = await store.FindKeyAsync(ApiKey.Hash(key), cancellationToken);
        return stored is null
            ? AuthenticateResult.Fail("unknown or revoked API key")
            : Success(stored.Name, stored.Role, stored.Tenant);
    }

    // The session says that the login was not ended; the stamp, that the password is still the one with which it was made.
    private async Task<StoredAccount?> ByLoginAsync(AuthenticationTicket login, CancellationToken cancellationToken) =>
        // The cookie itself is not read again while a stream is open.
        (login.Properties.ExpiresUtc is not { } expiry || expiry > clock.GetUtcNow())
        && login.Principal.FindFirst(SessionClaim) is { Value: var session }
        && await store.FindSessionAsync(HashOf(session), options.MaxSessionLifetime, cancellationToken) is { } account
        && login.Principal.HasClaim(StampClaim, StampOf(account))
            ? account
            : null;

    // Differs for every password set, because each hash has a salt of its own, and reveals nothing of the password.
    private static string StampOf(StoredAccount account) => Convert.ToHexStringLower(HashOf(account.PasswordHash));

    private static byte[] HashOf(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));

    private static AuthenticateResult Success(string name, string role, string? tenant)
    {
        List<Claim> claims = [new(ClaimTypes.Name, name), new(ClaimTypes.Role, role)];
        if (tenant is not null) claims.Add(new Claim(Policies.TenantClaim, tenant));
        return AuthenticateResult.Success(new AuthenticationTicket(
            new ClaimsPrincipal(new ClaimsIdentity(claims, AccessAuthentication.SchemeName)), AccessAuthentication.SchemeName));
    }
}

/// <summary>What a request shows of who sends it.</summary>
/// <param name="Key">An API key, right or wrong; with one nothing else counts.</param>
/// <param name="Login">What the cookie of a login holds; null without a cookie that is whole and in time.</param>
/// <param name="MayBeLocal">Whether it is the local operator's as long as there is no account.</param>
internal sealed record Credentials(string? Key, AuthenticationTicket? Login, bool MayBeLocal);
