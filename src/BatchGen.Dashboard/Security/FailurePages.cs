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
    /// <summary>Adds it.</summary>
    public static void Use(IApplicationBuilder app) => app.UseExceptionHandler(failing => failing.Run(async context =>
    {
        var failure = context.Features.Get<IExceptionHandlerFeature>()?.Error;
        var (code, text) = failure switch
        {
            BadHttpRequestException bad => (bad.StatusCode, bad.Message),
            QueueException queue => (StatusCodes.Status503ServiceUnavailable, queue.Message),
            NpgsqlException or TimeoutException => (StatusCodes.Status503ServiceUnavailable, "The database does not answer. Try again in a moment."),
            _ => (StatusCodes.Status500InternalServerError, "Something unforeseen went wrong; the log has the details."),
        };
        var answer = context.Request.Path.StartsWithSegments("/api")
            ? Results.Problem(statusCode: code, detail: text)
            : Page.Of<MessagePage>(new MessageModel("That does not work", text), code);
        await answer.ExecuteAsync(context);
    }));
}
