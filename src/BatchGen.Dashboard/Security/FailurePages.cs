using System.Security.Claims;
using BatchGen.Dashboard.Pages;
using BatchGen.Dashboard.Pages.Message;
using BatchGen.Queue;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Npgsql;

namespace BatchGen.Dashboard.Security;

/// <summary>Answers to requests that failed or have no answer: one clear message, never a stack trace.</summary>
internal static class FailurePages
{
    private const string NoDatabase = "The database does not answer. Try again in a moment.";

    /// <summary>Adds answers to exceptions, and to answers that have a status alone.</summary>
    public static void Use(IApplicationBuilder app)
    {
        app.UseExceptionHandler(failing => failing.Run(async context =>
        {
            var (status, text) = Describe(context.Features.Get<IExceptionHandlerFeature>()?.Error, context.User);
            var answer = context.Request.Path.StartsWithSegments("/api")
                ? Results.Problem(statusCode: status, detail: text)
                : Page.Message(MessageModel.RefusedTitle, text, status);
            await answer.ExecuteAsync(context);
        }));
        app.UseStatusCodePages(pages => AnswerOf(pages.HttpContext).ExecuteAsync(pages.HttpContext));
    }

    // A page, or problem details under /api.
    private static IResult AnswerOf(HttpContext context)
    {
        var status = context.Response.StatusCode;
        if (context.Request.Path.StartsWithSegments("/api")) return Results.Problem(statusCode: status);
        return status switch
        {
            StatusCodes.Status404NotFound => Page.NotFound("There is no such page."),
            StatusCodes.Status429TooManyRequests => Refused("Too many attempts. Wait a minute, then try again."),
            StatusCodes.Status400BadRequest => Refused("The form could not be accepted. Load the page again and repeat."),
            _ => Refused($"The server answered with status {status}."),
        };

        IResult Refused(string text) => Page.Message(MessageModel.RefusedTitle, text, status);
    }

    private static (int Status, string Text) Describe(Exception? failure, ClaimsPrincipal user)
    {
        // Messages of the database name hosts, ports and tables: they are for people who run the queue, not for strangers and producers.
        var mayKnow = user.IsInRole(Roles.Viewer) || user.IsInRole(Roles.Operator);
        return failure switch
        {
            BadHttpRequestException bad => (bad.StatusCode, bad.Message),
            SubmitRefusedException refused => (StatusCodes.Status400BadRequest, refused.Message),
            QueueException queue => (StatusCodes.Status503ServiceUnavailable, mayKnow ? queue.Message : NoDatabase),
            // Classes 22 and 23 of SQLSTATE: a value of another form than the database takes, or against one of its rules.
            PostgresException { SqlState: ['2', '2' or '3', ..] } refused => (StatusCodes.Status400BadRequest,
                "The database refused a value of this request" + (mayKnow ? $": {refused.MessageText}." : ".")
                    + " Correct it and try again."),
            TimeoutException or NpgsqlException when failure is not PostgresException || TransientRetry.IsTransient(failure) =>
                (StatusCodes.Status503ServiceUnavailable, NoDatabase),
            _ => (StatusCodes.Status500InternalServerError, "Something unforeseen went wrong; the log has the details."),
        };
    }
}
