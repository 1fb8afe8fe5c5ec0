using System.Net;
using BatchGen.Core.Submitting;
using BatchGen.Dashboard.Api;
using BatchGen.Dashboard.Assets;
using BatchGen.Dashboard.Live;
using BatchGen.Dashboard.Pages;
using BatchGen.Dashboard.Pages.Campaigns;
using BatchGen.Dashboard.Pages.Enqueue;
using BatchGen.Dashboard.Pages.Gallery;
using BatchGen.Dashboard.Pages.Jobs;
using BatchGen.Dashboard.Pages.Queue;
using BatchGen.Dashboard.Pages.Registry;
using BatchGen.Dashboard.Pages.Tonight;
using BatchGen.Dashboard.Pages.Weights;
using BatchGen.Dashboard.Pages.Workers;
using BatchGen.Dashboard.Scheduling;
using BatchGen.Dashboard.Security;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace BatchGen.Dashboard;

/// <summary>Composition of the dashboard and the HTTP API.</summary>
public static class DashboardServices
{
    /// <summary>Adds them to a host that has the queue (<c>AddQueue</c>).</summary>
    /// <param name="services">The host's services.</param>
    /// <param name="options">Settings.</param>
    /// <param name="folders">Where pictures and other files lie.</param>
    /// <param name="connectionString">The queue's database, for Hangfire.</param>
    public static IServiceCollection AddDashboard(this IServiceCollection services, DashboardOptions options, DashboardFolders folders, string connectionString)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(folders);
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(options).AddSingleton(folders)
            .AddSingleton<OpenDoor>()
            .AddSingleton<LoginAttempts>()
            .AddSingleton<AccessLookup>()
            .AddSingleton<LiveSource>()
            .AddSingleton<LiveHub>()
            .AddSingleton<LiveStream>()
            .AddSingleton<ThumbnailStore>()
            .AddSingleton(provider => new Show(ZoneOf(options), provider.GetRequiredService<TimeProvider>()))
            .AddHostedService(provider => provider.GetRequiredService<LiveHub>());
        services.AddSingleton<EnqueueEndpoints>();
        services.AddSingleton(new StartImageFolder(folders.StartImages));
        services.AddRazorComponents();
        // A list of jobs pasted into a form may be long, and the enqueue form has a field for each registered adapter.
        services.Configure<Microsoft.AspNetCore.Http.Features.FormOptions>(form =>
            (form.ValueLengthLimit, form.MultipartBodyLengthLimit, form.ValueCountLimit) = (64 << 20, 64L << 20, 100_000));
        services.AddAntiforgery(antiforgery =>
        {
            antiforgery.Cookie.Name = "batchgen-form";
            antiforgery.SuppressXFrameOptionsHeader = true; // The content security policy says it.
        });
        services.AddDataProtection().PersistKeysToFileSystem(Directory.CreateDirectory(folders.Keys)).SetApplicationName("BatchGen");
        services.AddProblemDetails();
        AddAccess(services, options);
        SchedulingServices.Add(services, options, connectionString);
        ApiEndpoints.Add(services);
        services.Configure<ForwardedHeadersOptions>(forwarded =>
        {
            forwarded.ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto | ForwardedHeaders.XForwardedHost;
            forwarded.KnownIPNetworks.Clear();
            forwarded.KnownProxies.Clear();
            foreach (var proxy in options.TrustedProxies) forwarded.KnownProxies.Add(IPAddress.Parse(proxy));
        });
        return services;
    }

    /// <summary>Checks the address, and maps pages, API and live stream.</summary>
    /// <exception cref="DashboardException">Settings that do not work, or an address open to others without login.</exception>
    public static async Task UseDashboardAsync(this WebApplication app, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(app);
        var options = app.Services.GetRequiredService<DashboardOptions>();
        var door = app.Services.GetRequiredService<OpenDoor>();
        _ = ZoneOf(options);
        Recurring.CheckSettings(options);
        door.LoopbackOnly = await Exposure.CheckAsync(options, app.Services.GetRequiredService<Queue.Access.AccessStore>(), cancellationToken);

        // Without configured proxies nobody's forwarded headers are believed.
        if (options.TrustedProxies.Count > 0) app.UseForwardedHeaders();
        SecurityHeaders.Use(app);
        // Before everything that asks the database, so that it may be away.
        FailurePages.Use(app);
        app.UseStatusCodePages(StatusPageAsync);
        SecurityHeaders.UseChecks(app, door);
        app.UseRouting();
        app.UseAuthentication();
        app.UseAuthorization();
        // After these, because some limits are per caller.
        app.UseRateLimiter();
        app.UseAntiforgery();
        AssetFiles.Map(app);
        LoginEndpoints.Map(app);
        LiveEndpoints.Map(app);
        TonightEndpoints.Map(app);
        JobsEndpoints.Map(app);
        EnqueueEndpoints.Map(app);
        QueueEndpoints.Map(app);
        CampaignsEndpoints.Map(app);
        WeightsEndpoints.Map(app);
        WorkersEndpoints.Map(app);
        RegistryEndpoints.Map(app);
        SchedulingServices.Map(app);
        ApiEndpoints.Map(app);
        ApiStartImages.Map(app);
        GalleryEndpoints.Map(app);
        ImageEndpoints.Map(app);
    }

    private static void AddAccess(IServiceCollection services, DashboardOptions options)
    {
        services.AddAuthentication(AccessAuthentication.SchemeName)
            .AddScheme<AuthenticationSchemeOptions, AccessAuthentication>(AccessAuthentication.SchemeName, null)
            .AddCookie(CookieAuthenticationDefaults.AuthenticationScheme, cookie =>
            {
                cookie.Cookie.Name = "batchgen-login";
                cookie.Cookie.HttpOnly = true;
                cookie.Cookie.SameSite = SameSiteMode.Lax; // Links from other sites still find the login; their forms do not.
                cookie.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
                cookie.ExpireTimeSpan = options.SessionLifetime;
                cookie.SlidingExpiration = true;
            });
        services.AddAuthorizationBuilder()
            .AddPolicy(Policies.See, policy => policy.RequireRole(Roles.Viewer, Roles.Operator))
            .AddPolicy(Policies.Operate, policy => policy.RequireRole(Roles.Operator))
            .AddPolicy(Policies.ApiRead, policy => policy.RequireRole(Roles.Viewer, Roles.Submitter, Roles.Operator))
            .AddPolicy(Policies.ApiSubmit, policy => policy.RequireRole(Roles.Submitter, Roles.Operator));
        services.AddRateLimiter(limiter =>
        {
            limiter.RejectionStatusCode = StatusCodes.Status429TooManyRequests;
            limiter.AddPolicy(LoginEndpoints.RateLimit, context => LoginAttempts.Limit(context.Connection.RemoteIpAddress, options));
            limiter.AddPolicy(ApiSubmit.RateLimit, ApiSubmit.Limit);
            limiter.AddPolicy(JobEvents.RateLimit, JobEvents.Limit);
        });
    }

    // Answers without a body get a page, or problem details under /api.
    private static Task StatusPageAsync(Microsoft.AspNetCore.Diagnostics.StatusCodeContext status)
    {
        var context = status.HttpContext;
        var code = context.Response.StatusCode;
        if (context.Request.Path.StartsWithSegments("/api")) return Results.Problem(statusCode: code).ExecuteAsync(context);
        var text = code switch
        {
            StatusCodes.Status404NotFound => "There is no such page.",
            StatusCodes.Status429TooManyRequests => "Too many attempts. Wait a minute, then try again.",
            StatusCodes.Status400BadRequest => "The form could not be accepted. Load the page again and repeat.",
            _ => $"The server answered with status {code}.",
        };
        return Page.Of<MessagePage>(new MessageModel(code == StatusCodes.Status404NotFound ? "Not found" : "That does not work", text), code).ExecuteAsync(context);
    }

    private static TimeZoneInfo ZoneOf(DashboardOptions options) =>
        options.TimeZone.Length == 0 ? TimeZoneInfo.Local
        : TimeZoneInfo.TryFindSystemTimeZoneById(options.TimeZone, out var zone) ? zone
        : throw new DashboardException($"BatchGen:Dashboard:TimeZone '{options.TimeZone}' is not a time zone; write one such as Europe/Berlin.");
}

/// <summary>Where files lie; absolute paths.</summary>
/// <param name="Images">The pictures.</param>
/// <param name="StartImages">Pictures that jobs start from.</param>
/// <param name="Keys">Keys that protect login cookies.</param>
/// <param name="Reports">Morning reports.</param>
/// <param name="Thumbnails">Small pictures for grids; may be deleted at any time.</param>
public sealed record DashboardFolders(string Images, string StartImages, string Keys, string Reports, string Thumbnails);
