using System.Diagnostics.Metrics;
using BatchGen.Core.Jobs;
using BatchGen.Core.Monitoring;
using BatchGen.Dashboard.Live;
using BatchGen.Queue.Checkpoints;
using BatchGen.Queue.Jobs;
using BatchGen.Queue.Reports;
using BatchGen.Queue.Workers;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace BatchGen.Dashboard.Monitoring;

/// <summary>Measures queue and workers in the database every few seconds: what metrics and <c>/readyz</c> say of them.</summary>
/// <remarks>Whoever asks is answered with the last measurement, so that nobody makes the database work by asking often.</remarks>
public sealed class QueueMonitor : BackgroundService
{
    // Often enough for whoever scrapes every 15 seconds, and next to nothing for the database.
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    // A measurement that failed twice is no passing matter.
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(30);

    private readonly JobCatalog _jobs;
    private readonly QueueOverview _overview;
    private readonly WorkerRegistry _workers;
    private readonly CheckpointLog _checkpoints;
    private readonly IHostApplicationLifetime _lifetime;
    private readonly TimeProvider _clock;
    private readonly ILogger<QueueMonitor> _log;
    private readonly Meter _meter = Telemetry.Readings();
    private (CheckpointCounts Counts, long LastId) _counted = (new CheckpointCounts(0, 0), 0);
    private readonly SemaphoreSlim _gate = new(1);
    private Reading? _last;
    private bool _failed;

    // Since when nothing ended although jobs could be claimed.
    private (long Ended, long Since) _idle;

    /// <summary>Makes a monitor; it measures while the host runs.</summary>
    public QueueMonitor(
        JobCatalog jobs, QueueOverview overview, WorkerRegistry workers, CheckpointLog checkpoints, DashboardFolders folders,
        IHostApplicationLifetime lifetime, TimeProvider clock, ILogger<QueueMonitor> log)
    {
        ArgumentNullException.ThrowIfNull(folders);
        (_jobs, _overview, _workers, _checkpoints) = (jobs, overview, workers, checkpoints);
        (_lifetime, _clock, _log) = (lifetime, clock, log);
        QueueGauges.Add(_meter, Current);
        DiskGauges.Add(_meter, [("images", folders.Images), ("data", Path.GetDirectoryName(folders.Keys) ?? folders.Keys)]);
    }

    /// <summary>Whether pages and API can do their work, and what the queue does.</summary>
    public Readiness Read()
    {
        if (!_lifetime.ApplicationStarted.IsCancellationRequested) return new Readiness(false, ProcessStates.Starting);
        if (_lifetime.ApplicationStopping.IsCancellationRequested) return new Readiness(false, ProcessStates.Stopping);
        if (Current() is not { } reading) return new Readiness(false, ProcessStates.Degraded);
        var (counts, queue) = (reading.Counts, reading.Queue);
        // Pages are there to mend what is paused or drifted, so those do not count against the dashboard.
        return new Readiness(true, queue.Drifted ? ProcessStates.Drifted
            : queue.Claimable || counts.Running > 0 ? ProcessStates.Working
            : queue.WindowClosed ? ProcessStates.OutsideWindow
            : queue.AllPaused ? ProcessStates.Paused
            : ProcessStates.Idle);
    }

    /// <summary>The last measurement; null while the database does not answer.</summary>
    internal Reading? Current() =>
        Volatile.Read(ref _last) is { } last && _clock.GetElapsedTime(last.At) < Lifetime ? last : null;

    /// <summary>Measures now; a failure is logged once, and leaves the last measurement until it is too old.</summary>
    internal async Task RefreshAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            Volatile.Write(ref _last, await MeasureAsync(cancellationToken));
            _failed = false;
        }
#pragma warning disable CA1031 // Whatever it was, the next measurement may succeed.
        catch (Exception error) when (error is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            if (!_failed) _log.MeasuringFailed(error.Message);
            _failed = true;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _meter.Dispose();
        _gate.Dispose();
        base.Dispose();
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, _clock);
        try
        {
            do await RefreshAsync(stoppingToken);
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The host stops.
        }
    }

    private async Task<Reading> MeasureAsync(CancellationToken cancellationToken)
    {
        var counts = await _jobs.CountAsync(null, cancellationToken);
        var queue = await _overview.MeasureAsync(cancellationToken);
        var workers = await WorkerState.ListAsync(_workers, _clock.GetUtcNow(), cancellationToken);
        // Only those that came since the last look are counted.
        var (added, lastId) = await _checkpoints.CountAsync(_counted.LastId, null, cancellationToken);
        var before = _counted.Counts;
        _counted = (new CheckpointCounts(before.Passed + added.Passed, before.Drifted + added.Drifted), Math.Max(lastId, _counted.LastId));
        var (now, ended) = (_clock.GetTimestamp(), counts.Succeeded + counts.Failed);
        if (!queue.Claimable || ended != _idle.Ended || _idle.Since == 0) _idle = (ended, now);
        return new Reading(now, counts, queue, workers, _counted.Counts, _clock.GetElapsedTime(_idle.Since, now).TotalSeconds);
    }
}

/// <summary>Queue and workers as they were at one moment.</summary>
/// <param name="At">When, by the clock's timestamp.</param>
/// <param name="Counts">Jobs by state.</param>
/// <param name="Queue">What waits.</param>
/// <param name="Workers">Running workers, and those stopped within a day.</param>
/// <param name="Checkpoints">Checkpoints so far, by outcome.</param>
/// <param name="IdleSeconds">For how long nothing has ended although jobs could be claimed.</param>
internal sealed record Reading(
    long At, JobCounts Counts, QueueMeasure Queue, IReadOnlyList<WorkerState> Workers, CheckpointCounts Checkpoints, double IdleSeconds);
