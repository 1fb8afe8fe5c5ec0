using BatchGen.Dashboard.Images;
using BatchGen.Queue.Upkeep;
using BatchGen.Queue.Workers;
using Hangfire;
using Microsoft.Extensions.Logging;

namespace BatchGen.Dashboard.Scheduling;

/// <summary>Work that Hangfire runs to keep the queue in order: retention, index rebuilds, orders of canaries.</summary>
/// <remarks>
/// Public because Hangfire finds methods by name; nothing else calls them, and renaming one loses what is queued under its name.
/// Several processes may start one at the same time: the queue's own lock lets one in, and the others have nothing to do.
/// </remarks>
public sealed class UpkeepWork
{
    private readonly QueueUpkeep _upkeep;
    private readonly ImageFolderSweep _sweep;
    private readonly StartImageSweep _startImages;
    private readonly WorkerRegistry _workers;
    private readonly ThumbnailStore _thumbnails;
    private readonly DashboardFolders _folders;
    private readonly DashboardOptions _options;
    private readonly ILogger<UpkeepWork> _log;

    internal UpkeepWork(
        QueueUpkeep upkeep, ImageFolderSweep sweep, StartImageSweep startImages, WorkerRegistry workers, ThumbnailStore thumbnails,
        DashboardFolders folders, DashboardOptions options, ILogger<UpkeepWork> log)
    {
        _upkeep = upkeep;
        _sweep = sweep;
        _startImages = startImages;
        _workers = workers;
        _thumbnails = thumbnails;
        _folders = folders;
        _options = options;
        _log = log;
    }

    /// <summary>Moves out jobs, history, archive and staged rows past their retention, thumbnails that nobody will look at
    /// again, files that workers left behind in the image folder, and start images that nothing names any more.</summary>
    [AutomaticRetry(Attempts = 2)]
    public async Task RetainAsync(CancellationToken cancellationToken)
    {
        var limits = new RetentionLimits(_options.KeepJobs, _options.KeepHistory, _options.KeepArchive);
        if (await _upkeep.RetainAsync(limits, cancellationToken) is not { } outcome) return;
        var thumbnails = _thumbnails.DeleteOlderThan(_options.KeepJobs, cancellationToken);
        _log.Retained(outcome.JobsArchived, outcome.HistoryDeleted, outcome.ArchivedDeleted, outcome.StagedDeleted, thumbnails);
        if (await _sweep.SweepAsync(_folders.Images, _options.KeepLeftovers, cancellationToken) is > 0 and var files)
            _log.ImageFolderSwept(files, _folders.Images);
        if (await _startImages.SweepAsync(_folders.StartImages, _options.KeepStartImages, cancellationToken) is > 0 and var images)
            _log.StartImagesSwept(images, _folders.StartImages);
    }

    /// <summary>Rebuilds bloated indexes, and removes what an interrupted rebuild left.</summary>
    [AutomaticRetry(Attempts = 2)]
    public async Task ReindexAsync(CancellationToken cancellationToken)
    {
        if (await _upkeep.ReindexAsync(_options.ReindexAboveBytes, cancellationToken) is not { } outcome) return;
        if (outcome.Rebuilt.Count > 0) _log.Reindexed(string.Join(", ", outcome.Rebuilt));
        if (outcome.GaveUpAt is { } index) _log.ReindexGaveUp(index);
    }

    /// <summary>Orders a canary from every worker; each draws it before its next batch, or at once when idle.</summary>
    [AutomaticRetry(Attempts = 0)]
    public async Task OrderCanariesAsync(CancellationToken cancellationToken) =>
        _log.CanariesOrdered(await _workers.OrderCanariesAsync(null, cancellationToken));
}
