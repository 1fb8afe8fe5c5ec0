using BatchGen.Queue.Embedded;
using Microsoft.Extensions.Logging.Abstractions;

namespace BatchGen.Testing;

/// <summary>Removes embedded databases that tests made.</summary>
public static class EmbeddedCluster
{
    /// <summary>Stops the server of a folder, whoever uses it, and deletes the database; harmless when there is none.</summary>
    /// <param name="folder">Folder given to <see cref="EmbeddedPostgres"/>.</param>
    /// <param name="cancellationToken">Gives up waiting for the server.</param>
    public static async Task RemoveAsync(string folder, CancellationToken cancellationToken)
    {
        folder = Path.GetFullPath(folder);
        if (!Directory.Exists(folder)) return;
        var user = await ServerUser.ChooseAsync(cancellationToken);
        var files = await ClusterFolder.OpenAsync(folder, Cluster.Port, user, NullLogger.Instance, cancellationToken);
        if (files.RunningServer() is not null)
        {
            var programs = await ServerPrograms.FindAsync(files.Version, files.Data, cancellationToken);
            await new Cluster(files, programs, user, NullLogger.Instance).StopAsync(cancellationToken);
        }

        foreach (var owned in new[] { files.SocketFolder, files.Home, folder }.Where(Directory.Exists))
            Directory.Delete(owned, recursive: true);
    }
}
