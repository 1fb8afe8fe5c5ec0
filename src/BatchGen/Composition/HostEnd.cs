using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace BatchGen.Composition;

/// <summary>Waits for the end of a host and finds out why it ended.</summary>
internal static class HostEnd
{
    /// <summary>Runs a host until it stops.</summary>
    /// <param name="host">The host.</param>
    /// <param name="isDone">Whether the host has done what it was for and may stop by itself.</param>
    /// <param name="started">Called once it has started.</param>
    /// <param name="cancellationToken">Asks the host to stop.</param>
    /// <returns>Null when it was asked to stop, or was done; else why it stopped all the same, which is logged too.</returns>
    public static async Task<string?> RunAsync(
        IHost host, Func<bool> isDone, Func<Task> started, CancellationToken cancellationToken)
    {
        // Read before the end, which disposes what holds them.
        var services = host.Services.GetServices<IHostedService>().OfType<BackgroundService>().ToArray();
        var log = host.Services.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(HostEnd));
        Exception? failure = null;
        try
        {
            await host.StartAsync(cancellationToken);
            await started();
            await host.WaitForShutdownAsync(cancellationToken);
        }
#pragma warning disable CA1031 // What a failed service threw comes up here or in its task, by the version of the host.
        catch (Exception error) when (HasStarted(host) && error is not OperationCanceledException)
#pragma warning restore CA1031
        {
            failure = error;
        }

        if (cancellationToken.IsCancellationRequested || (isDone() && failure is null)) return null;
        var failed = Array.Find(services, service => service.ExecuteTask is { IsFaulted: true });
        failure = failed?.ExecuteTask?.Exception?.GetBaseException() ?? failure;
        var reason = failure is null
            ? "The program stopped although nobody asked it to."
            : $"The program stopped because of an error in {failed?.GetType().Name ?? "its host"}: {failure.Message}";
        log.HostStopped(reason, failure);
        return reason;
    }

    private static bool HasStarted(IHost host) =>
        host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStarted.IsCancellationRequested;
}
