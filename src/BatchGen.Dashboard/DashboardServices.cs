using System.Net;
using System.Threading.RateLimiting;
using BatchGen.Core.Files;
using BatchGen.Core.Submitting;
using BatchGen.Dashboard.Api;
using BatchGen.Dashboard.Assets;
using BatchGen.Dashboard.Images;
using BatchGen.Dashboard.Live;
using BatchGen.Dashboard.Monitoring;
using BatchGen.Dashboard.Pages;
using BatchGen.Dashboard.Pages.Campaigns;
using BatchGen.Dashboard.Pages.Enqueue;
using BatchGen.Dashboard.Pages.Gallery;
using BatchGen.Dashboard.Pages.Jobs;
using BatchGen.Dashboard.Pages.Login;
using BatchGen.Dashboard.Pages.Queue;
using BatchGen.Dashboard.Pages.Registry;
using BatchGen.Dashboard.Pages.Tonight;
using BatchGen.Dashboard.Pages.Weights;
using BatchGen.Dashboard.Pages.Workers;
using BatchGen.Dashboard.Requests;
using BatchGen.Dashboard.Reports;
using BatchGen.Dashboard.Scheduling;
using BatchGen.Dashboard.Security;
using BatchGen.Dashboard.Standstills;
using BatchGen.Queue.Access;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace BatchGen.Dashboard;

/// <summary>Composition of the dashboard and the HTTP API.</summary>
public static class DashboardServices
{
    /// <summary>Adds both to a host that has the queue (<c>AddQueue</c>).</summary>
    /// <param name="services">The host's services.</param>
    /// <param name="options">Settings.</param>
    /// <param name="folders">Where images and other files lie.</param>
    /// <param name="connectionString">The queue's database, for Hangfire.</param>
    public static IServiceCollection AddDashboard(
        this IServiceCollection services, DashboardOptions options, DashboardFolders folders, string connectionString)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(folders);
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(options).AddSingleton(folders)
            .AddSingleton<LocalAccess>()
            .AddSingleton<LoginAttempts>()
            .AddSingleton<AccessLookup>()
            .AddSingleton<StreamAccess>()
            .AddSingleton<LiveSource>()
            .AddSingleton<LiveHub>()
            .AddSingleton<LiveStream>()
            .AddSingleton<ThumbnailStore>()
            .AddSingleton<ComponentHtml>()
            .AddSingleton(provider => new DisplayFormat(ZoneOf(options), provider.GetRequiredService<TimeProvider>()))
            .AddHostedService(provider => provider.GetRequiredService<LiveHub>())
            .AddSingleton<QueueMonitor>()
            .AddHostedService(provider => provider.GetRequiredService<QueueMonitor>());
        services.AddSingleton<StandstillNotifier>().AddSingleton<StandstillWatch>().AddSingleton<DeadMansSwitch>()
            .AddHostedService(provider => provider.GetRequiredService<StandstillNotifier>())
            .AddHostedService(provider => provider.GetRequiredService<StandstillWatch>())
            .AddHostedService(provider => provider.GetRequiredService<DeadMansSwitch>());
        services.AddSingleton<EnqueueEndpoints>().AddSingleton<QueueModelReader>();
        // An image that no thumbnail can be made of cannot be decoded.
        services.AddSingleton(provider =>
        {
            var encode = provider.GetRequiredService<ThumbnailEncoder>();
            return new StartImageFolder(folders.StartImages, file => encode(file, ThumbnailStore.EdgePixels), folders.Access);
        });
        services.AddRazorComponents();
        // A list of jobs pasted into a form may be long, and the enqueue form has a field for each registered adapter.
        services.Configure<Microsoft.AspNetCore.Http.Features.FormOptions>(form =>
            (form.ValueLengthLimit, form.MultipartBodyLengthLimit, form.ValueCountLimit) =
                ((int)BodyLimit.OfLists.Bytes, BodyLimit.OfLists.Bytes, 100_000));
        // A value of the wrong kind is answered with what is wrong with it.
        services.Configure<RouteHandlerOptions>(routes => routes.ThrowOnBadRequest = true);
        services.AddAntiforgery(antiforgery =>
        {
            antiforgery.Cookie.Name = "batchgen-form";
            antiforgery.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
            antiforgery.SuppressXFrameOptionsHeader = true; // The content security policy says it.
        });
        services.AddDataProtection().PersistKeysToFileSystem(OwnFiles.CreateFolder(folders.Keys, FolderAccess.Private))
            .SetApplicationName("BatchGen");
        services.AddProblemDetails();
        AddAccess(services, options);
        SchedulingServices.Add(services, options, connectionString);
        ApiEndpoints.Add(services);
        services.Configure<ForwardedHeadersOptions>(forwarded =>
        {
            // Not X-Forwarded-Host: many proxies pass on what a client sends in it. A proxy passes the header Host as it came.
            forwarded.ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto;
            forwarded.KnownIPNetworks.Clear();
            forwarded.KnownProxies.Clear();
            foreach (var proxy in options.TrustedProxies) forwarded.KnownProxies.Add(IPAddress.Parse(proxy));
        });
        return services;
    }

    /// <summary>The schema in which recurring work is kept, beside that of a queue.</summary>
    public static string SchemaOfRecurringWork(string queueSchema) => SchedulingServices.SchemaFor(queueSchema);

    /// <summary>Checks the address, and maps pages, API and live stream.</summary>
    /// <exception cref="DashboardException">A setting does not work, or the address is open to others without login.</exception>
    public static async Task UseDashboardAsync(this WebApplication app, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(app);
        var options = app.Services.GetRequiredService<DashboardOptions>();
        var local = app.Services.GetRequiredService<LocalAccess>();
        _ = ZoneOf(options);
        Recurring.CheckSettings(options);
        WebhookCall.CheckSetting(ReportWebhook.Setting, options.ReportWebhook);
        WebhookCall.CheckSetting(DeadMansSwitch.Setting, options.DeadMansSwitchUrl);
        local.LoopbackOnly = await ExposureCheck.CheckAsync(options, app.Services.GetRequiredService<AccessStore>(), cancellationToken);

        // Without configured proxies nobody's forwarded headers are believed.
        if (options.TrustedProxies.Count > 0) app.UseForwardedHeaders();
        SecurityHeaders.Use(app);
        // Before everything that asks the database, which may not answer.
        FailurePages.Use(app);
        OriginCheck.Use(app);
        SecurityHeaders.UseHostCheck(app, local);
        QueryText.UseCheck(app);
        app.UseRouting();
        BodyLimit.Use(app);
        app.UseAuthentication();
        app.UseAuthorization();
        // After these, because some limits are per caller.
        app.Use(CountedBodies.RequireRateAsync);
        app.UseRateLimiter();
        app.UseAntiforgery();
        MapEndpoints(app);
    }

    private static void MapEndpoints(WebApplication app)
    {
        AssetFiles.Map(app);
        LoginEndpoints.Map(app);
        LiveEndpoints.Map(app);
        TonightEndpoints.Map(app);
        JobsEndpoints.Map(app);
        EnqueueEndpoints.Map(app);
        QueueEndpoints.Map(app);
        CampaignsEndpoints.Map(app);
        CampaignEndpoints.Map(app);
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
                cookie.Cookie.SameSite = SameSiteMode.Lax; // Links from other sites still carry the login; their forms do not.
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
            limiter.OnRejected = (rejected, _) =>
            {
                RetryAfter.Set(
                    rejected.HttpContext.Response,
                    rejected.Lease.TryGetMetadata(MetadataName.RetryAfter, out var after) ? after : null);
                return ValueTask.CompletedTask;
            };
            // Waiting bodies are unread, so they take no memory.
            limiter.GlobalLimiter = CountedBodies.Limiter();
            limiter.AddPolicy(LoginEndpoints.RateLimit, context => LoginAttempts.Limit(context.Connection.RemoteIpAddress, options));
            StreamLimits.Add(limiter);
        });
    }

    private static TimeZoneInfo ZoneOf(DashboardOptions options) =>
        options.TimeZone.Length == 0 ? TimeZoneInfo.Local
        : TimeZoneInfo.TryFindSystemTimeZoneById(options.TimeZone, out var zone) ? zone
        : throw new DashboardException($"BatchGen:Dashboard:TimeZone {TimeZones.Unknown(options.TimeZone)}");
}

/// <summary>Where files lie; absolute paths.</summary>
/// <param name="Images">Images that jobs produced.</param>
/// <param name="StartImages">Images that jobs start from.</param>
/// <param name="Keys">Keys that protect login cookies.</param>
/// <param name="Reports">Morning reports.</param>
/// <param name="Thumbnails">Small images for grids; may be deleted at any time.</param>
/// <param name="Access">Who besides the owner may read start images.</param>
public sealed record DashboardFolders(
    string Images, string StartImages, string Keys, string Reports, string Thumbnails, FolderAccess Access = FolderAccess.Private);
