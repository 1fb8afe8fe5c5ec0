using BatchGen.Dashboard;
using BatchGen.Dashboard.Images;
using BatchGen.Imaging;
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
    /// <summary>Builds it; the address is checked before anything listens.</summary>
    public static async Task<WebApplication> BuildAsync(
        ProgramContext context, Settings settings, string connectionString, LogLevel level, Action<IServiceCollection> addMore, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory, EnvironmentName = Environments.Production });
        ProgramLogging.Configure(builder.Logging, context, level);
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().UseUrls(settings.Options.Dashboard.Url);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.AddServerHeader = false);
        builder.Services
            .AddRouting()
            .AddSingleton<IHostLifetime, CommandLifetime>()
            .AddSingleton(context.Clock)
            .AddQueue(connectionString, settings.Options.Queue)
            .AddDashboard(settings.Options.Dashboard, new DashboardFolders(
                WorkerHost.ImageFolder(settings), WorkerHost.StartImageFolder(settings), Path.Combine(settings.DataFolder, "keys"), Path.GetFullPath(settings.Options.Dashboard.ReportFolder, settings.DataFolder),
                Path.Combine(settings.DataFolder, "thumbnails")), connectionString)
            .AddSingleton<ThumbnailEncoder>(ImageEncoder.Thumbnail);
        builder.Services.Configure<HostOptions>(host =>
        {
            // Worker processes are given time to unload, verify and give their leases back.
            host.ShutdownTimeout = settings.Options.Worker.StopTimeout + TimeSpan.FromSeconds(30);
            // They are asked at once: one after the other they would go on claiming until the web server has finished, which comes last and so stops first.
            host.ServicesStopConcurrently = true;
        });
        addMore(builder.Services);
        var app = builder.Build();
        try
        {
            TransferCutoff.Use(app, context.Clock);
            await app.UseDashboardAsync(cancellationToken);
            return app;
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
    }
}
