using BatchGen.Diffusion.Rendering;
using BatchGen.Queue;
using BatchGen.Worker.Devices;
using BatchGen.Worker.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

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
    /// <param name="level">Lowest level of log lines shown.</param>
    /// <exception cref="CommandException">Nothing can be rendered here with these settings.</exception>
    public static IHost Build(ProgramContext context, Settings settings, string connectionString, LogLevel level)
    {
        var options = settings.Options;
        RenderSupport.Require(options.Diffusion);
        var builder = new HostApplicationBuilder(
            new HostApplicationBuilderSettings { DisableDefaults = true, ContentRootPath = AppContext.BaseDirectory });
        ProgramLogging.Configure(builder.Logging, context, level);
        builder.Services
            .Configure<HostOptions>(host => host.ShutdownTimeout = options.Worker.StopTimeout + ShutdownMargin)
            .AddSingleton<IHostLifetime, CommandLifetime>()
            .AddSingleton(context.Clock)
            .AddQueue(connectionString, options.Queue)
            .AddSingleton<RendererFactory>(
                provider => () => new DiffusionRenderer(options.Diffusion, provider.GetRequiredService<ILogger<DiffusionRenderer>>()))
            .AddWorker(options.Worker, ImageFolder(settings), StartImageFolder(settings));
        return builder.Build();
    }

    /// <summary>Absolute path of the image folder.</summary>
    public static string ImageFolder(Settings settings) => Path.GetFullPath(settings.Options.Worker.ImageFolder, settings.DataFolder);

    /// <summary>Absolute path of the folder of start images.</summary>
    public static string StartImageFolder(Settings settings) =>
        Path.GetFullPath(settings.Options.Worker.StartImageFolder, settings.DataFolder);
}
