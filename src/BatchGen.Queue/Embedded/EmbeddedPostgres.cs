using Microsoft.Extensions.Logging;

namespace BatchGen.Queue.Embedded;

/// <summary>A private PostgreSQL cluster in a folder, run from the server programs installed on this machine.</summary>
/// <remarks>
/// Several programs may use one cluster at once: each holds a shared lock on a file beside it while it does, and the last one to leave
/// stops the server. A server left behind by a killed program is found again.
/// </remarks>
public sealed class EmbeddedPostgres : IAsyncDisposable
{
    private EmbeddedPostgres(string connectionString) => ConnectionString = connectionString;

    /// <summary>How to connect to it.</summary>
    public string ConnectionString { get; }

    /// <summary>Creates the cluster if there is none, and starts its server if none runs.</summary>
    /// <param name="folder">Folder that holds cluster, socket, log and password.</param>
    /// <param name="logger">Where start and stop are logged.</param>
    /// <param name="cancellationToken">Gives up waiting for the server.</param>
    /// <exception cref="QueueException">No server programs, a cluster of another version, a clash of port or socket, a server that does not start: says which and what to do.</exception>
    public static Task<EmbeddedPostgres> StartAsync(string folder, ILogger logger, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Stops the server if no other program uses it.</summary>
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
