using BatchGen.Dashboard;
using BatchGen.Dashboard.Images;
using BatchGen.Dashboard.Monitoring;
using BatchGen.Dashboard.Security;
using BatchGen.Imaging;
using BatchGen.Monitoring;
using BatchGen.Queue;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace BatchGen.Composition;

/// <summary>The dashboard hosted in this process.</summary>
internal static class WebHost
{
    /// <summary>Builds the web server with the dashboard; its address is checked before anything listens.</summary>
    public static async Task<WebApplication> BuildAsync(
        ProgramContext context, Settings settings, string connectionString, LogLevel lowest, Action<IServiceCollection> addMore,
        CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateEmptyBuilder(
            new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory, EnvironmentName = Environments.Production });
        ProgramLogging.Configure(builder.Logging, context, settings.Logging, lowest);
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().UseUrls(settings.Options.Dashboard.Url);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.AddServerHeader = false);
        builder.Services
            .AddRouting()
            .AddSingleton<IHostLifetime, CommandLifetime>()
            .AddSingleton(context.Clock)
            .AddQueue(ConnectionPools.Limit(connectionString, ConnectionPools.OfPages), settings.Options.Queue)
            .AddDashboard(settings.Options.Dashboard, Folders(settings), connectionString)
            .AddTelemetry(settings.Options.Monitoring, "dashboard")
            .AddSingleton<ThumbnailEncoder>(ImageEncoder.Thumbnail);
        builder.Services.Configure<HostOptions>(host =>
        {
            // Worker processes need time to unload, verify and requeue their unfinished jobs.
            host.ShutdownTimeout = settings.Options.Worker.StopTimeout + TimeSpan.FromSeconds(30);
            // All services are asked to stop at once: in turn, the web server would come first, because it was added last, and the workers
            // would go on claiming until it has finished.
            host.ServicesStopConcurrently = true;
        });
        addMore(builder.Services);
        var app = builder.Build();
        try
        {
            TransferCutoff.Use(app, context.Clock);
            var monitor = app.Services.GetRequiredService<QueueMonitor>();
            HealthPages.Use(app, _ => Task.FromResult(monitor.Read()));
            await app.UseDashboardAsync(cancellationToken);
            // As much as pages tell, so for whoever may see them.
            app.MapPrometheusScrapingEndpoint().RequireAuthorization(Policies.See);
            return app;
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
    }

    private static DashboardFolders Folders(Settings settings) => new(
        WorkerHost.ImageFolder(settings),
        WorkerHost.StartImageFolder(settings),
        Path.Combine(settings.DataFolder, "keys"),
        Path.GetFullPath(settings.Options.Dashboard.ReportFolder, settings.DataFolder),
        Path.Combine(settings.DataFolder, "thumbnails"),
        settings.Options.Worker.ImageFolderAccess);
}
