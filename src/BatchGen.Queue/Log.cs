using Microsoft.Extensions.Logging;

namespace BatchGen.Queue;

/// <summary>Log messages of the queue; event ids from 1000.</summary>
internal static partial class Log
{
    [LoggerMessage(1000, LogLevel.Information, "Created a PostgreSQL {Version} cluster in {Folder}")]
    public static partial void ClusterCreated(ILogger logger, int version, string folder);

    [LoggerMessage(1001, LogLevel.Information, "Started PostgreSQL {Version} in {Folder}")]
    public static partial void ServerStarted(ILogger logger, int version, string folder);

    [LoggerMessage(1002, LogLevel.Information, "Found PostgreSQL running in {Folder}")]
    public static partial void ServerFound(ILogger logger, string folder);

    [LoggerMessage(1003, LogLevel.Information, "Stopped PostgreSQL in {Folder}")]
    public static partial void ServerStopped(ILogger logger, string folder);

    [LoggerMessage(1004, LogLevel.Warning, "PostgreSQL in {Folder} did not stop: {Reason}")]
    public static partial void ServerDidNotStop(ILogger logger, string folder, string reason);

    [LoggerMessage(1005, LogLevel.Warning, "Removed a PostgreSQL cluster in {Folder} whose creation had been interrupted")]
    public static partial void UnfinishedClusterRemoved(ILogger logger, string folder);

    [LoggerMessage(1010, LogLevel.Warning, "The file 'complete' is missing beside the PostgreSQL cluster in {Folder}, which holds a "
        + "database; the cluster is used as it is")]
    public static partial void ClusterUnmarked(ILogger logger, string folder);

    [LoggerMessage(1006, LogLevel.Information, "Keeping the database in {Home}, because user {User} cannot enter {Folder}")]
    public static partial void HomeMoved(ILogger logger, string home, string user, string folder);

    [LoggerMessage(1007, LogLevel.Warning, "Another program is starting or stopping the database; waiting for the lock {File}")]
    public static partial void WaitingForLock(ILogger logger, string file);

    [LoggerMessage(1008, LogLevel.Warning, "PostgreSQL in {Folder} has ended and nobody asked it to; it is started again")]
    public static partial void ServerEnded(ILogger logger, string folder);

    [LoggerMessage(1009, LogLevel.Warning, "PostgreSQL in {Folder} runs again")]
    public static partial void ServerRevived(ILogger logger, string folder);

    [LoggerMessage(
        1010, LogLevel.Error, "PostgreSQL in {Folder} could not be started again; it is tried again in {DelaySeconds} s: {Reason}")]
    public static partial void ServerNotRevived(ILogger logger, string folder, double delaySeconds, string reason);
}
