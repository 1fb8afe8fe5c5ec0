using BatchGen.Dashboard.Pages;
using BatchGen.Queue.Access;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace BatchGen.Dashboard.Security;

/// <summary>Login and logout.</summary>
internal static class LoginEndpoints
{
    /// <summary>Name of the rate limit.</summary>
    public const string RateLimit = "login";

    // The longest that the database takes.
    private const int MaxNameLength = 100;

    /// <summary>Maps them.</summary>
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/login", ([FromQuery(Name = "return")] string? returnTo) => Page.Of<LoginPage>(new LoginModel(Local(returnTo), null))).AllowAnonymous().ExcludeFromDescription();
        routes.MapPost("/login", LoginAsync).AllowAnonymous().ExcludeFromDescription().RequireRateLimiting(RateLimit);
        routes.MapPost("/logout", async (HttpContext context, [FromForm] string? unused) =>
        {
            await context.SignOutAsync(CookieAuthenticationDefaults.AuthenticationScheme);
            return Results.Redirect("/login");
        }).AllowAnonymous().ExcludeFromDescription();
    }

    private static async Task<IResult> LoginAsync(
        HttpContext context, AccessStore store, LoginAttempts attempts, [FromForm] string? name, [FromForm] string? password, [FromForm(Name = "return")] string? returnTo, CancellationToken cancellationToken)
    {
        var known = name is { Length: > 0 and <= MaxNameLength };
        if (known && !attempts.MayTry(name!)) return Results.StatusCode(StatusCodes.Status429TooManyRequests);
        var account = !known ? null : await store.FindAccountAsync(name!, cancellationToken);
        if (!PasswordHash.Matches(password ?? "", account?.PasswordHash))
            return Page.Of<LoginPage>(new LoginModel(Local(returnTo), "Name or password is wrong."), StatusCodes.Status401Unauthorized);
        await context.SignInAsync(CookieAuthenticationDefaults.AuthenticationScheme, AccessLookup.Login(account!));
        return Results.LocalRedirect(Local(returnTo));
    }

    // Only back to a page of ours; "//host" would leave.
    private static string Local(string? path) => path is ['/', not ('/' or '\\'), ..] ? path : "/";
}

/// <summary>The login form.</summary>
/// <param name="ReturnTo">Where to go afterwards.</param>
/// <param name="Problem">What went wrong, or null.</param>
internal sealed record LoginModel(string ReturnTo, string? Problem);
