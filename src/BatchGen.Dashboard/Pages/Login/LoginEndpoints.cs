using BatchGen.Dashboard.Requests;
using BatchGen.Dashboard.Security;
using BatchGen.Queue.Access;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace BatchGen.Dashboard.Pages.Login;

/// <summary>Login and logout.</summary>
internal static class LoginEndpoints
{
    /// <summary>Name of the limit on login attempts.</summary>
    public const string RateLimit = "login";

    // The longest name that the database takes.
    private const int MaxNameLength = 100;

    /// <summary>Maps the login page, the login itself and the logout.</summary>
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/login", ([FromQuery(Name = "return")] string? returnTo) =>
            Page.Of<LoginPage, LoginModel>(new LoginModel(LocalPath(returnTo), null))).AllowAnonymous().ExcludeFromDescription();
        routes.MapPost("/login", LogInAsync).AllowAnonymous().ExcludeFromDescription().RequireRateLimiting(RateLimit)
            .WithMetadata(BodyLimit.OfLogin);
        routes.MapPost("/logout", LogOutAsync).AllowAnonymous().ExcludeFromDescription().WithMetadata(BodyLimit.OfLogin);
    }

    private static async Task<IResult> LogInAsync(
        HttpContext context,
        AccessStore store,
        AccessLookup access,
        LoginAttempts attempts,
        [FromForm] string? name,
        [FromForm] string? password,
        [FromForm(Name = "return")] string? returnTo,
        CancellationToken cancellationToken)
    {
        QueryText.CheckAddress("return", returnTo);
        var mayExist = name is { Length: > 0 and <= MaxNameLength };
        if (mayExist && !attempts.MayTry(name!))
        {
            RetryAfter.Set(context.Response, LoginAttempts.Window);
            return Results.StatusCode(StatusCodes.Status429TooManyRequests);
        }

        var account = !mayExist ? null : await store.FindAccountAsync(name!, cancellationToken);
        if (!PasswordHash.Matches(password ?? "", account?.PasswordHash))
        {
            var model = new LoginModel(LocalPath(returnTo), "Name or password is wrong.");
            return Page.Of<LoginPage, LoginModel>(model, StatusCodes.Status401Unauthorized);
        }

        var login = await access.LogInAsync(account!, cancellationToken);
        await context.SignInAsync(CookieAuthenticationDefaults.AuthenticationScheme, login);
        return Results.LocalRedirect(LocalPath(returnTo));
    }

    // The unused field makes the request a form, which carries a token.
    private static async Task<IResult> LogOutAsync(
        HttpContext context, AccessLookup access, [FromForm] string? unused, CancellationToken cancellationToken)
    {
        await access.LogOutAsync(context, cancellationToken);
        await context.SignOutAsync(CookieAuthenticationDefaults.AuthenticationScheme);
        return Results.Redirect("/login");
    }

    // A login leads back to a page of this server only; "//host" would leave it.
    private static string LocalPath(string? path) => path is ['/', not ('/' or '\\'), ..] ? path : "/";
}
