using BatchGen.Dashboard.Security;
using Hangfire.Dashboard;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace BatchGen.Dashboard.Scheduling;

/// <summary>Refuses requests for Hangfire's pages that Hangfire would take without the token of forms, or would fail at.</summary>
internal static class HangfireRequests
{
    // Hangfire answers these with something to look at; all else that it knows does something, whatever the method. It names no kind of
    // them publicly, and one that it adds counts as doing something.
    private static readonly string[] Looks =
        ["RazorPageDispatcher", "EmbeddedResourceDispatcher", "CombinedResourceDispatcher"];

    /// <summary>Adds the check; before Hangfire's pages.</summary>
    /// <param name="app">The program.</param>
    /// <param name="pages">Where Hangfire's pages are.</param>
    public static void UseCheck(WebApplication app, PathString pages) => app.Use(async (context, next) =>
    {
        if (!context.Request.Path.StartsWithSegments(pages, out var rest))
        {
            await next(context);
            return;
        }

        var doesSomething = DashboardRoutes.Routes.FindDispatcher(rest.Value is { Length: > 0 } path ? path : "/") is { Item1: { } found }
            && !Looks.Contains(found.GetType().Name, StringComparer.Ordinal);
        // The token is looked for in a POST; Hangfire itself reads a form of any method.
        if (doesSomething && !HttpMethods.IsPost(context.Request.Method))
        {
            context.Response.StatusCode = StatusCodes.Status405MethodNotAllowed;
            context.Response.Headers.Allow = HttpMethods.Post;
            return;
        }

        try
        {
            await next(context);
        }
        catch (Exception failure) when (IsFaultOfRequest(failure, doesSomething, context.Request))
        {
            throw new BadHttpRequestException(
                "The address or the form names something by another text than its id or number. Load the page again and repeat.", failure);
        }
    });

    // Hangfire turns texts of the request into numbers, and reads a form whether or not there is one.
    private static bool IsFaultOfRequest(Exception failure, bool doesSomething, HttpRequest request)
    {
        for (Exception? cause = failure; cause is not null; cause = cause.InnerException)
            if (cause is FormatException or OverflowException) return true;
        return doesSomething && failure is InvalidOperationException && !request.HasFormContentType;
    }
}
