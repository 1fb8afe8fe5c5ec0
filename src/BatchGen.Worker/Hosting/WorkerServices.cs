using System.Reflection;
using BatchGen.Core.Submitting;
using BatchGen.Imaging.Files;
using BatchGen.Worker.Devices;
using BatchGen.Worker.Output;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace BatchGen.Worker.Hosting;

/// <summary>Composition of a worker.</summary>
public static class WorkerServices
{
    /// <summary>Adds a worker to a host that has the queue (<c>AddQueue</c>) and a <see cref="RendererFactory"/>.</summary>
    /// <param name="services">The host's services.</param>
    /// <param name="options">How it works.</param>
    /// <param name="imageFolder">Absolute folder the pictures go to.</param>
    /// <param name="startImageFolder">Absolute folder of the pictures that jobs start from.</param>
    public static IServiceCollection AddWorker(this IServiceCollection services, WorkerOptions options, string imageFolder, string startImageFolder)
    {
        services.TryAddSingleton(TimeProvider.System);
        return services
            .AddSingleton(options)
            .AddSingleton(new ImageFileWriter(imageFolder))
            .AddSingleton(provider => new PictureSaver(provider.GetRequiredService<ImageFileWriter>(), Program()))
            .AddSingleton(new StartImageFolder(startImageFolder))
            .AddSingleton<OutputProbe>()
            .AddSingleton<WorkerOutcome>()
            .AddHostedService<WorkerService>();
    }

    private static string Program() =>
        "BatchGen " + typeof(WorkerServices).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0];
}
