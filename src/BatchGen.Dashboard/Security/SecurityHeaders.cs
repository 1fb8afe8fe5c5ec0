using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace BatchGen.Dashboard.Security;

/// <summary>Headers and checks that every answer gets.</summary>
internal static class SecurityHeaders
{
    // Everything comes from this server; nothing is inline.
    private const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " + Common;

    // Hangfire's own pages carry inline styles and one inline script that passes settings.
    private const string HangfirePolicy =
        "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; "
        + "connect-src 'self'; " + Common;

    private const string Common = "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

    /// <summary>Adds the headers, to error pages too: the handler that writes those clears what was set before.</summary>
    public static void Use(IApplicationBuilder app) => app.Use((context, next) =>
    {
        context.Response.OnStarting(() =>
        {
            var headers = context.Response.Headers;
            headers.ContentSecurityPolicy = context.Request.Path.StartsWithSegments("/hangfire") ? HangfirePolicy : Policy;
            headers.XContentTypeOptions = "nosniff";
            headers["Referrer-Policy"] = "same-origin";
            headers["Cross-Origin-Opener-Policy"] = "same-origin";
            headers["Cross-Origin-Resource-Policy"] = "same-origin";
            headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()";
            return Task.CompletedTask;
        });
        return next(context);
    });

    /// <summary>Adds the check of the name under which a request comes.</summary>
    public static void UseHostCheck(IApplicationBuilder app, LocalAccess local) => app.Use(async (context, next) =>
    {
        // A name that some other site pointed at this machine must not let anybody in without login (DNS rebinding).
        if (!IsThisMachine(context.Request.Host.Host) && await local.NeedsNoLoginAsync(context))
        {
            context.Response.StatusCode = StatusCodes.Status421MisdirectedRequest;
            await context.Response.WriteAsync(
                "This address is served to this machine only; open it as http://localhost.", context.RequestAborted);
            return;
        }

        await next(context);
    });

    /// <summary>True for names and addresses that always mean this machine.</summary>
    public static bool IsThisMachine(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));
}
