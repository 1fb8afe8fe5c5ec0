using BatchGen.Core.Submitting;
using BatchGen.Imaging;
using BatchGen.Imaging.Files;
using BatchGen.Worker.Devices;
using BatchGen.Worker.Monitoring;
using BatchGen.Worker.Output;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace BatchGen.Worker.Hosting;

/// <summary>Composition of a worker.</summary>
public static class WorkerServices
{
    /// <summary>Adds a worker to a host that has the queue (<c>AddQueue</c>) and a <see cref="RendererFactory"/>.</summary>
    /// <param name="services">The host's services.</param>
    /// <param name="options">The worker's settings.</param>
    /// <param name="imageFolder">Absolute folder the images go to.</param>
    /// <param name="startImageFolder">Absolute folder of start images.</param>
    public static IServiceCollection AddWorker(
        this IServiceCollection services, WorkerOptions options, string imageFolder, string startImageFolder)
    {
        services.TryAddSingleton(TimeProvider.System);
        return services
            .AddSingleton(options)
            .AddSingleton(new ImageFileWriter(imageFolder, options.ImageFolderAccess))
            .AddSingleton(provider => new ImageSaver(provider.GetRequiredService<ImageFileWriter>(), ProgramLabel.Current))
            .AddSingleton(new StartImageFolder(startImageFolder, file => ImageEncoder.Decode(file), options.ImageFolderAccess))
            .AddSingleton<WorkerHealth>()
            .AddSingleton<OutputProbe>()
            .AddSingleton<WorkerOutcome>()
            .AddHostedService<WorkerService>();
    }
}
