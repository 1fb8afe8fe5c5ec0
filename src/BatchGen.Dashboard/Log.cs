using Microsoft.Extensions.Logging;

namespace BatchGen.Dashboard;

internal static partial class Log
{
    [LoggerMessage(5001, LogLevel.Information, "Dashboard listens on {Url}")]
    public static partial void DashboardStarted(this ILogger log, string url);

    [LoggerMessage(5002, LogLevel.Warning, "Live pages could not be updated: {Reason}")]
    public static partial void LiveUpdateFailed(this ILogger log, string reason);

    [LoggerMessage(5012, LogLevel.Error, "Live pages could not be updated because of an error that is not known; they are updated again")]
    public static partial void LiveUpdateBroke(this ILogger log, Exception error);

    [LoggerMessage(5003, LogLevel.Information, "Submitted {JobCount} jobs of schedule {Schedule} as campaign {Campaign}")]
    public static partial void ScheduleSubmitted(this ILogger log, int jobCount, string schedule, string campaign);

    [LoggerMessage(5004, LogLevel.Warning, "Schedule {Schedule} was refused: {Reason}")]
    public static partial void ScheduleRefused(this ILogger log, string schedule, string reason);

    [LoggerMessage(5005, LogLevel.Information, "Wrote the morning report {Path}")]
    public static partial void ReportWritten(this ILogger log, string path);

    [LoggerMessage(5006, LogLevel.Warning, "The report {Report} could not be posted and is tried again: {Reason}")]
    public static partial void WebhookFailed(this ILogger log, string report, string reason);

    [LoggerMessage(5007, LogLevel.Information, "Requeued the jobs of {BatchCount} batches whose lease had expired")]
    public static partial void BatchesRescued(this ILogger log, int batchCount);

    [LoggerMessage(5008, LogLevel.Information,
        "Archived {JobCount} jobs, deleted {HistoryCount} rows of history, {ArchiveCount} archived jobs, {StagedCount} staged rows "
        + "and {ThumbnailCount} thumbnails past their retention")]
    public static partial void Retained(
        this ILogger log, long jobCount, long historyCount, long archiveCount, long stagedCount, int thumbnailCount);

    [LoggerMessage(5009, LogLevel.Information, "Rebuilt the indexes {Indexes}")]
    public static partial void Reindexed(this ILogger log, string indexes);

    [LoggerMessage(
        5036, LogLevel.Warning,
        "Rebuilding the index {Index} was given up, because a transaction of another session stayed open; the next run goes on")]
    public static partial void ReindexGaveUp(this ILogger log, string index);

    [LoggerMessage(5010, LogLevel.Information, "Ordered canaries from {WorkerCount} workers")]
    public static partial void CanariesOrdered(this ILogger log, int workerCount);

    [LoggerMessage(5011, LogLevel.Information, "Removed {FileCount} files from {Folder} that workers had left behind")]
    public static partial void ImageFolderSwept(this ILogger log, int fileCount, string folder);

    [LoggerMessage(5013, LogLevel.Information, "Removed {FileCount} start images from {Folder} that no job names any more")]
    public static partial void StartImagesSwept(this ILogger log, int fileCount, string folder);

    [LoggerMessage(5012, LogLevel.Warning, "The queue could not be measured: {Reason}")]
    public static partial void MeasuringFailed(this ILogger log, string reason);

    [LoggerMessage(5030, LogLevel.Warning, "The queue stands still since {Since:u}: {What} {Remedy}")]
    public static partial void StandstillBegan(this ILogger log, DateTimeOffset since, string what, string remedy);

    [LoggerMessage(5031, LogLevel.Warning, "The queue goes on; since {Since:u} this was so: {What}")]
    public static partial void StandstillEnded(this ILogger log, DateTimeOffset since, string what);

    [LoggerMessage(5032, LogLevel.Warning, "Whether the queue stands still could not be looked up: {Reason}")]
    public static partial void StandstillUnknown(this ILogger log, string reason);

    [LoggerMessage(5033, LogLevel.Warning, "The address of BatchGen:Dashboard:DeadMansSwitchUrl could not be called: {Reason}")]
    public static partial void PingFailed(this ILogger log, string reason);

    [LoggerMessage(5034, LogLevel.Warning, "The address of BatchGen:Dashboard:DeadMansSwitchUrl is called again")]
    public static partial void PingsSucceedAgain(this ILogger log);

    [LoggerMessage(
        5035, LogLevel.Error, "The notice '{Notice}' could not be posted because of an error that is not known; it is tried again")]
    public static partial void NoticeBroke(this ILogger log, string notice, Exception error);

    [LoggerMessage(5020, LogLevel.Warning, "Notices of ended jobs could not be received: {Reason}")]
    public static partial void JobEventsFailed(this ILogger log, string reason);

    [LoggerMessage(5021, LogLevel.Error, "Notices of ended jobs were interrupted by an error that is not known; they are received again")]
    public static partial void JobEventsBroke(this ILogger log, Exception error);

    [LoggerMessage(5023, LogLevel.Error, "Requests are answered with 503, because the database does not serve them: {Reason}")]
    public static partial void DatabaseUnavailable(this ILogger log, string reason);

    [LoggerMessage(5022, LogLevel.Error, "Whether a listener still has access could not be looked up; the next look follows")]
    public static partial void StreamAccessBroke(this ILogger log, Exception error);
}
