using BatchGen.Core.Jobs;
using Microsoft.Extensions.Logging;

namespace BatchGen.Worker;

/// <summary>What log lines belong to: every line that is written inside a scope, by whatever class, names its batch and jobs.</summary>
internal static class LogScopes
{
    // The line of a large tensor batch need not name all of its jobs.
    private const int MostJobs = 16;

    /// <summary>Lines until the end of the scope belong to a batch and its worker.</summary>
    public static IDisposable? BeginBatch(this ILogger log, ClaimedBatch batch) =>
        log.BeginScope(new Dictionary<string, object> { ["BatchId"] = batch.BatchId, ["WorkerId"] = batch.WorkerId });

    /// <summary>Lines until the end of the scope belong to one job, or to several that are worked on together.</summary>
    public static IDisposable? BeginJobs(this ILogger log, IReadOnlyList<ClaimedJob> jobs) => log.BeginScope(
        jobs.Count == 1
            ? new Dictionary<string, object> { ["JobId"] = jobs[0].JobId }
            : new Dictionary<string, object>
            {
                ["JobIds"] = string.Join(',', jobs.Take(MostJobs).Select(job => job.JobId)) + (jobs.Count > MostJobs ? ",…" : ""),
            });
}
