using Microsoft.Extensions.Logging;

namespace BatchGen.Dashboard;

internal static partial class Log
{
    [LoggerMessage(5001, LogLevel.Information, "Dashboard listens on {Url}")]
    public static partial void DashboardStarted(this ILogger log, string url);

    [LoggerMessage(5002, LogLevel.Warning, "Live pages could not be updated: {Reason}")]
    public static partial void LiveUpdateFailed(this ILogger log, string reason);

    [LoggerMessage(5003, LogLevel.Information, "Submitted {JobCount} jobs of schedule {Schedule} as campaign {Campaign}")]
    public static partial void ScheduleSubmitted(this ILogger log, int jobCount, string schedule, string campaign);

    [LoggerMessage(5004, LogLevel.Warning, "Schedule {Schedule} was refused: {Reason}")]
    public static partial void ScheduleRefused(this ILogger log, string schedule, string reason);

    [LoggerMessage(5005, LogLevel.Information, "Wrote the morning report {Path}")]
    public static partial void ReportWritten(this ILogger log, string path);

    [LoggerMessage(5006, LogLevel.Warning, "The morning report could not be posted: {Reason}")]
    public static partial void WebhookFailed(this ILogger log, string reason);

    [LoggerMessage(5007, LogLevel.Information, "Took back {BatchCount} batches whose lease had run out")]
    public static partial void BatchesRescued(this ILogger log, int batchCount);
}
