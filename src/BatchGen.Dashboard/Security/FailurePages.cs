using System.Security.Claims;
using System.Text.RegularExpressions;
using BatchGen.Dashboard.Api;
using BatchGen.Dashboard.Pages;
using BatchGen.Dashboard.Pages.Message;
using BatchGen.Dashboard.Requests;
using BatchGen.Queue;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace BatchGen.Dashboard.Security;

/// <summary>Answers to requests that failed or have no answer: one clear message, never a stack trace.</summary>
internal static partial class FailurePages
{
    private const string NoDatabase = "The database does not answer. Try again in a moment.";

    // Pages ask every few seconds, and a night without the database is long.
    private static readonly TimeSpan LogInterval = TimeSpan.FromMinutes(1);

    /// <summary>Adds answers to exceptions, and to answers that have a status alone.</summary>
    public static void Use(IApplicationBuilder app)
    {
        var log = app.ApplicationServices.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(FailurePages).FullName!);
        var clock = app.ApplicationServices.GetRequiredService<TimeProvider>();
        var unavailable = new LogRateLimiter(LogInterval, clock);
        app.UseExceptionHandler(new ExceptionHandlerOptions
        {
            // What the request is to blame for belongs into its answer, not with a stack trace into the log; nor does one help anybody
            // while the database is away.
            SuppressDiagnosticsCallback = failing => Describe(failing.Exception, failing.HttpContext).Status < 500
                || failing.Exception is QueueException
                || TransientRetry.KindOf(failing.Exception) is DatabaseErrorKind.Passing or DatabaseErrorKind.Denied,
            AllowStatusCode404Response = true,
            ExceptionHandler = async context =>
            {
                var failure = context.Features.Get<IExceptionHandlerFeature>()?.Error;
                var (status, text) = Describe(failure, context);
                // What another transaction keeps says nothing of the database.
                if (failure is BlockedException) RetryAfter.Set(context.Response, LockWait.Limit);
                else if (status == StatusCodes.Status503ServiceUnavailable && unavailable.IsDue())
                    log.DatabaseUnavailable(failure!.Message);
                await AnswerOf(context, status, text).ExecuteAsync(context);
            },
        });
        app.UseStatusCodePages(async pages =>
        {
            var (context, status) = (pages.HttpContext, pages.HttpContext.Response.StatusCode);
            await AnswerOf(context, status, TextOf(status, context)).ExecuteAsync(context);
        });
    }

    // A page, or problem details under /api.
    private static IResult AnswerOf(HttpContext context, int status, string text) =>
        context.Request.Path.StartsWithSegments("/api") ? Problem.Of(statusCode: status, detail: text)
            : Page.Message(status == StatusCodes.Status404NotFound ? "Not found" : MessageModel.RefusedTitle, text, status);

    private static string TextOf(int status, HttpContext context)
    {
        var (isCall, path) = (context.Request.Path.StartsWithSegments("/api"), context.Request.Path.Value);
        return status switch
        {
            StatusCodes.Status404NotFound when isCall => $"There is no call '{path}'. Ids are whole numbers, and those of workers have the "
                + "form xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx; /openapi/v1.json lists the calls.",
            StatusCodes.Status404NotFound => "There is no such page.",
            StatusCodes.Status405MethodNotAllowed =>
                $"'{path}' does not take {context.Request.Method}; use {context.Response.Headers.Allow}.",
            // The request itself no longer has its endpoint while its failure is answered.
            StatusCodes.Status413PayloadTooLarge => BodyLimit.TextOf(BodyLimit.LimitOf(
                context.Features.Get<IExceptionHandlerFeature>()?.Endpoint ?? context.GetEndpoint())),
            StatusCodes.Status429TooManyRequests => "Too many requests of this kind. Wait half a minute, then try again.",
            StatusCodes.Status400BadRequest => isCall ? "The request could not be read."
                : "The form could not be accepted. Load the page again and repeat.",
            _ => $"The server answered with status {status}.",
        };
    }

    private static (int Status, string Text) Describe(Exception? failure, HttpContext context)
    {
        // Messages of the database name hosts, ports and tables: they are for people who run the queue, not for strangers and producers.
        var mayKnow = MayKnow(context.User);
        return failure switch
        {
            BadHttpRequestException bad => Describe(bad, context),
            SubmitRefusedException refused => (StatusCodes.Status400BadRequest, refused.Message),
            BlockedException blocked => (StatusCodes.Status503ServiceUnavailable, blocked.Message),
            QueueException queue => (StatusCodes.Status503ServiceUnavailable, mayKnow ? queue.Message : NoDatabase),
            // Classes 22 and 23 of SQLSTATE: a value of another form than the database takes, or against one of its rules.
            PostgresException { SqlState: ['2', '2' or '3', ..] } refused => (StatusCodes.Status400BadRequest,
                "The database refused a value of this request" + (mayKnow ? $": {refused.MessageText}." : ".")
                    + " Correct it and try again."),
            TimeoutException or NpgsqlException when failure is not PostgresException || TransientRetry.IsTransient(failure) =>
                (StatusCodes.Status503ServiceUnavailable, NoDatabase),
            // Hangfire reads forms by itself, and wraps what it met.
            AntiforgeryValidationException unread => Describe(
                CauseOf(unread) ?? new BadHttpRequestException(TextOf(StatusCodes.Status400BadRequest, context), unread), context),
            _ when CauseOf(failure) is { } bad => Describe(bad, context),
            _ => (StatusCodes.Status500InternalServerError, "Something unforeseen went wrong; the log has the details."),
        };
    }

    private static BadHttpRequestException? CauseOf(Exception? failure)
    {
        while (failure is not null and not BadHttpRequestException) failure = failure.InnerException;
        return (BadHttpRequestException?)failure;
    }

    private static bool MayKnow(ClaimsPrincipal user) => user.IsInRole(Roles.Viewer) || user.IsInRole(Roles.Operator);

    private static (int Status, string Text) Describe(BadHttpRequestException bad, HttpContext context)
    {
        // A form that cannot be read is found while its token is looked for, and comes here as a form without one.
        for (Exception? cause = bad; cause is not null; cause = cause.InnerException)
        {
            if (cause is BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge })
                return (StatusCodes.Status413PayloadTooLarge, TextOf(StatusCodes.Status413PayloadTooLarge, context));
            if (cause is InvalidDataException unread)
                // ASP.NET Core's decoder of forms says so of any value, not only of paths.
                return (bad.StatusCode, unread.InnerException?.Message.Contains("null character", StringComparison.Ordinal) == true
                    ? QueryText.TextOf("the form") : $"The form could not be read: {unread.Message}");
        }

        if (bad.Message.StartsWith("Invalid anti-forgery token", StringComparison.Ordinal))
            return (bad.StatusCode, TextOf(StatusCodes.Status400BadRequest, context));
        return (bad.StatusCode, Unbound().Match(bad.Message) is not { Success: true } unbound ? bad.Message
            : $"{unbound.Groups["name"].Value}: expected {FormOf(unbound.Groups["type"].Value)}, got '{unbound.Groups["value"].Value}'.");
    }

    private static string FormOf(string type) => type switch
    {
        _ when type.Contains("long", StringComparison.Ordinal) || type.Contains("int", StringComparison.Ordinal) => "a whole number",
        _ when type.Contains("bool", StringComparison.Ordinal) => "true or false",
        _ when type.Contains("Guid", StringComparison.Ordinal) => "an id of the form xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx",
        _ => "another value",
    };

    // What ASP.NET Core 10 says of a parameter that it cannot read; another text is shown as it is.
    [GeneratedRegex("^Failed to bind parameter \"(?<type>[^\" ]+) (?<name>[^\" ]+)\" from \"(?<value>.*)\"\\.$",
        RegexOptions.Singleline | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Unbound();
}
