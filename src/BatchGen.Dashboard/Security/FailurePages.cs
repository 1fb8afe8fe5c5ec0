using System.Security.Claims;
using BatchGen.Dashboard.Pages;
using BatchGen.Queue;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Npgsql;

namespace BatchGen.Dashboard.Security;

/// <summary>What a request that fails is answered with: one clear message, never a stack trace.</summary>
internal static class FailurePages
{
    private const string Away = "The database does not answer. Try again in a moment.";

    /// <summary>Adds it.</summary>
    public static void Use(IApplicationBuilder app) => app.UseExceptionHandler(failing => failing.Run(async context =>
    {
        var (code, text) = Describe(context.Features.Get<IExceptionHandlerFeature>()?.Error, context.User);
        var answer = context.Request.Path.StartsWithSegments("/api")
            ? Results.Problem(statusCode: code, detail: text)
            : Page.Of<MessagePage>(new MessageModel("That does not work", text), code);
        await answer.ExecuteAsync(context);
    }));

    private static (int Code, string Text) Describe(Exception? failure, ClaimsPrincipal user)
    {
        // What the database says names hosts, ports and tables: it is for people who run the queue, not for strangers and producers.
        var mayKnow = user.IsInRole(Roles.Viewer) || user.IsInRole(Roles.Operator);
        return failure switch
        {
            BadHttpRequestException bad => (bad.StatusCode, bad.Message),
            SubmitRefusedException refused => (StatusCodes.Status400BadRequest, refused.Message),
            QueueException queue => (StatusCodes.Status503ServiceUnavailable, mayKnow ? queue.Message : Away),
            // Classes 22 and 23 of SQLSTATE: a value of another form than the database takes, or against one of its rules.
            PostgresException { SqlState: ['2', '2' or '3', ..] } refused => (StatusCodes.Status400BadRequest,
                "The database refused a value of this request" + (mayKnow ? $": {refused.MessageText}." : ".") + " Correct it and try again."),
            TimeoutException or NpgsqlException when failure is not PostgresException || TransientRetry.IsTransient(failure) => (StatusCodes.Status503ServiceUnavailable, Away),
            _ => (StatusCodes.Status500InternalServerError, "Something unforeseen went wrong; the log has the details."),
        };
    }
}
