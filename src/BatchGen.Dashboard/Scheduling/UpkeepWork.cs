using BatchGen.Dashboard.Pages.Gallery;
using BatchGen.Queue.Upkeep;
using BatchGen.Queue.Workers;
using Hangfire;
using Microsoft.Extensions.Logging;

namespace BatchGen.Dashboard.Scheduling;

/// <summary>What Hangfire runs to keep the queue in order: retention, index rebuilds, orders of canaries.</summary>
/// <remarks>Public because Hangfire finds methods by name; nothing else calls them. Two at once cannot happen: the queue's own lock lets one in, and the other has nothing to do.</remarks>
public sealed class UpkeepWork
{
    private readonly QueueUpkeep _upkeep;
    private readonly WorkerRegistry _workers;
    private readonly ThumbnailStore _thumbnails;
    private readonly DashboardOptions _options;
    private readonly ILogger<UpkeepWork> _log;

    internal UpkeepWork(QueueUpkeep upkeep, WorkerRegistry workers, ThumbnailStore thumbnails, DashboardOptions options, ILogger<UpkeepWork> log)
    {
        _upkeep = upkeep;
        _workers = workers;
        _thumbnails = thumbnails;
        _options = options;
        _log = log;
    }

    /// <summary>Moves out jobs, history, archive and staged rows past their retention, and small pictures nobody will look at again.</summary>
    [AutomaticRetry(Attempts = 2)]
    public async Task RetainAsync(CancellationToken cancellationToken)
    {
        var outcome = await _upkeep.RetainAsync(new RetentionLimits(_options.KeepJobs, _options.KeepHistory, _options.KeepArchive), cancellationToken);
        if (outcome is null) return;
        var thumbnails = _thumbnails.DeleteOlderThan(_options.KeepJobs, cancellationToken);
        _log.Retained(outcome.JobsArchived, outcome.HistoryDeleted, outcome.ArchivedDeleted, outcome.StagedDeleted, thumbnails);
    }

    /// <summary>Rebuilds bloated indexes, and removes what an interrupted rebuild left.</summary>
    [AutomaticRetry(Attempts = 2)]
    public async Task ReindexAsync(CancellationToken cancellationToken)
    {
        if (await _upkeep.ReindexAsync(_options.ReindexAboveBytes, cancellationToken) is { Count: > 0 } rebuilt) _log.Reindexed(string.Join(", ", rebuilt));
    }

    /// <summary>Tells every worker to draw a canary; each does it before its next batch, or at once when idle.</summary>
    [AutomaticRetry(Attempts = 0)]
    public async Task OrderCanariesAsync(CancellationToken cancellationToken) => _log.CanariesOrdered(await _workers.OrderCanariesAsync(null, cancellationToken));
}
