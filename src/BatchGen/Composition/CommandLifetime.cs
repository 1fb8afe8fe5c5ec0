using Microsoft.Extensions.Hosting;

namespace BatchGen.Composition;

/// <summary>The command line owns Ctrl-C; a host is stopped by its command's token.</summary>
internal sealed class CommandLifetime : IHostLifetime
{
    /// <inheritdoc/>
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
