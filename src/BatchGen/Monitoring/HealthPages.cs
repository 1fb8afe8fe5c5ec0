using BatchGen.Core.Monitoring;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace BatchGen.Monitoring;

/// <summary><c>/healthz</c> says that the process lives, <c>/readyz</c> whether it can do its work; open to everybody, and neither
/// tells more than a word or two.</summary>
internal static class HealthPages
{
    /// <summary>Adds both before everything that asks the database, which may not answer.</summary>
    /// <param name="app">The web server.</param>
    /// <param name="read">Reads its state.</param>
    public static void Use(IApplicationBuilder app, Func<CancellationToken, Task<Readiness>> read) =>
        app.Use(async (context, next) =>
        {
            var isRead = HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method);
            // A process that signs off lives until it is gone: whoever ends it sooner takes the time from it to requeue its jobs.
            if (isRead && context.Request.Path == "/healthz") await AnswerAsync(context, isGood: true, "alive");
            else if (isRead && context.Request.Path == "/readyz")
            {
                var readiness = await read(context.RequestAborted);
                await AnswerAsync(context, readiness.IsReady, readiness.State);
            }
            else await next(context);
        });

    private static Task AnswerAsync(HttpContext context, bool isGood, string text)
    {
        context.Response.StatusCode = isGood ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        context.Response.ContentType = "text/plain; charset=utf-8";
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        return HttpMethods.IsHead(context.Request.Method)
            ? Task.CompletedTask : context.Response.WriteAsync(text + "\n", context.RequestAborted);
    }
}
