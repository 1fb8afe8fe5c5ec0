using BatchGen.Diffusion.Rendering;
using BatchGen.Monitoring;
using BatchGen.Queue;
using BatchGen.Worker.Devices;
using BatchGen.Worker.Hosting;
using BatchGen.Worker.Monitoring;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Metrics;

namespace BatchGen.Composition;

/// <summary>A worker hosted in this process.</summary>
internal static class WorkerHost
{
    // For closing connections and flushing logs, after the worker itself has ended: less than WorkerSupervisor waits beyond StopTimeout,
    // so that a worker which hangs ends by itself and says so.
    internal static readonly TimeSpan ShutdownMargin = TimeSpan.FromSeconds(10);

    /// <summary>Builds the host: queue, renderer, worker.</summary>
    /// <param name="context">The program's streams and clock.</param>
    /// <param name="settings">Settings.</param>
    /// <param name="connectionString">The database.</param>
    /// <param name="lowest">Log lines of lower levels are left out, whatever the settings say.</param>
    /// <exception cref="CommandException">Nothing can be rendered here with these settings.</exception>
    public static IHost Build(ProgramContext context, Settings settings, string connectionString, LogLevel lowest)
    {
        var options = settings.Options;
        RenderSupport.Require(options.Diffusion);
        var builder = new HostApplicationBuilder(
            new HostApplicationBuilderSettings { DisableDefaults = true, ContentRootPath = AppContext.BaseDirectory });
        ProgramLogging.Configure(builder.Logging, context, settings.Logging, lowest);
        builder.Services
            .Configure<HostOptions>(host => host.ShutdownTimeout = options.Worker.StopTimeout + ShutdownMargin)
            .AddSingleton<IHostLifetime, CommandLifetime>()
            .AddSingleton(context.Clock)
            .AddQueue(connectionString, options.Queue)
            .AddSingleton<RendererFactory>(
                provider => () => new DiffusionRenderer(options.Diffusion, provider.GetRequiredService<ILogger<DiffusionRenderer>>()))
            .AddTelemetry(options.Monitoring, "worker")
            .AddWorker(options.Worker, ImageFolder(settings), StartImageFolder(settings));
        AddListener(builder.Services, options.Worker.HealthUrl, options.Monitoring.MetricsToken);
        return builder.Build();
    }

    private static void AddListener(IServiceCollection services, string url, string token)
    {
        if (url.Length == 0) return;
        WorkerListener.Check(url, token);
        services.AddHostedService(provider => new WorkerListener(
            url, token, provider.GetRequiredService<WorkerHealth>(), provider.GetRequiredService<MeterProvider>(),
            provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<WorkerListener>>()));
    }

    /// <summary>Absolute path of the image folder.</summary>
    public static string ImageFolder(Settings settings) => Path.GetFullPath(settings.Options.Worker.ImageFolder, settings.DataFolder);

    /// <summary>Absolute path of the folder of start images.</summary>
    public static string StartImageFolder(Settings settings) =>
        Path.GetFullPath(settings.Options.Worker.StartImageFolder, settings.DataFolder);
}
