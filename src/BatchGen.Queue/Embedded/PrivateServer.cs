namespace BatchGen.Queue.Embedded;

/// <summary>Looks at the private PostgreSQL of a folder, and makes, starts and changes nothing.</summary>
public static class PrivateServer
{
    /// <summary>How the server of a folder stands now; nothing keeps it so.</summary>
    /// <param name="folder">Folder that <see cref="EmbeddedPostgres"/> is given.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="QueueException">The server runs, and its password is gone.</exception>
    /// <exception cref="IOException">A file of the server cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not read the server's files.</exception>
    public static async Task<PrivateServerState> LookAsync(string folder, CancellationToken cancellationToken)
    {
        if (ClusterFolder.Find(Path.GetFullPath(folder), Cluster.Port) is not { } found)
            return new PrivateServerState(IsThere: false, null);
        return new PrivateServerState(
            IsThere: true, found.RunningServer() is null ? null : await Cluster.ConnectionStringOfAsync(found, cancellationToken));
    }
}

/// <summary>How a private server stands.</summary>
/// <param name="IsThere">Whether it was created.</param>
/// <param name="ConnectionString">How to connect to it; null while it does not run.</param>
public sealed record PrivateServerState(bool IsThere, string? ConnectionString);
