using Microsoft.Extensions.Logging;

namespace BatchGen;

/// <summary>Log messages of the program itself; event ids 6000 and up, never reused.</summary>
internal static partial class Log
{
    [LoggerMessage(6001, LogLevel.Information, "Worker process {Number} started as process {ProcessId}")]
    public static partial void WorkerProcessStarted(this ILogger log, int number, int processId);

    [LoggerMessage(6002, LogLevel.Warning, "Worker process {Number} died with exit code {ExitCode}; it starts again in {DelaySeconds} s")]
    public static partial void WorkerProcessEnded(this ILogger log, int number, int exitCode, double delaySeconds);

    [LoggerMessage(6003, LogLevel.Information, "Worker process {Number} was drained and ended")]
    public static partial void WorkerProcessFinished(this ILogger log, int number);

    [LoggerMessage(6004, LogLevel.Warning, "Worker process {Number} did not stop in time and was killed")]
    public static partial void WorkerProcessKilled(this ILogger log, int number);

    [LoggerMessage(6005, LogLevel.Warning, "Worker process {Number} could not be started: {Reason}; it is tried again in {DelaySeconds} s")]
    public static partial void WorkerProcessNotStarted(this ILogger log, int number, string reason, double delaySeconds);

    [LoggerMessage(6006, LogLevel.Error, "Worker process {Number} could not be looked after; it is tried again in {DelaySeconds} s")]
    public static partial void SupervisionFailed(this ILogger log, int number, double delaySeconds, Exception error);

    [LoggerMessage(6008, LogLevel.Information, "Health and metrics are answered on {Url}")]
    public static partial void ListenerStarted(this ILogger log, string url);

    [LoggerMessage(6009, LogLevel.Error, "Health and metrics cannot be answered on {Url}; it is tried again in {DelaySeconds} s: {Reason}")]
    public static partial void ListenerFailed(this ILogger log, string url, double delaySeconds, string reason);

    [LoggerMessage(6007, LogLevel.Error, "{Reason}")]
    public static partial void HostStopped(this ILogger log, string reason, Exception? error);
}
