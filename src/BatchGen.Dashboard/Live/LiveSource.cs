using BatchGen.Queue.Checkpoints;
using BatchGen.Queue.Jobs;
using BatchGen.Queue.Reports;
using BatchGen.Queue.Schedules;
using BatchGen.Queue.Workers;

namespace BatchGen.Dashboard.Live;

/// <summary>Takes snapshots of what is going on, at most one a second however many ask.</summary>
internal sealed class LiveSource(
    JobCatalog jobs,
    WorkerRegistry workers,
    ImageCatalog images,
    CheckpointLog checkpoints,
    QueueOverview overview,
    WindowStore windows,
    TimeProvider clock) : IDisposable
{
    private const int NewestImages = 12;
    private const int NewestCheckpoints = 60;
    private const int ComparedBatches = 400;

    private static readonly TimeSpan SnapshotLifetime = TimeSpan.FromMilliseconds(900);
    private static readonly TimeSpan SlowPartsLifetime = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan CheckpointCountLifetime = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan ThroughputSpan = TimeSpan.FromHours(3);
    private static readonly TimeSpan LongestEstimate = TimeSpan.FromDays(3650);

    private readonly SemaphoreSlim _gate = new(1);
    private readonly RateMeter _rate = new(clock);
    private LiveSnapshot? _snapshot;
    private long _snapshotTime;
    private SlowParts? _slow;
    private long _slowTime;
    private CountedCheckpoints _counted = new(new CheckpointCounts(0, 0), LastId: 0);
    private long _countedTime;

    /// <summary>The snapshot of this second.</summary>
    public async Task<LiveSnapshot> GetAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (_snapshot is not null && clock.GetElapsedTime(_snapshotTime) < SnapshotLifetime) return _snapshot;
            _snapshot = await TakeAsync(cancellationToken);
            _snapshotTime = clock.GetTimestamp();
            return _snapshot;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Forgets what was read, so that the next snapshot reads all of it anew.</summary>
    public async Task ForgetAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        (_snapshot, _slow) = (null, null);
        _rate.Clear();
        _gate.Release();
    }

    /// <inheritdoc/>
    public void Dispose() => _gate.Dispose();

    private async Task<LiveSnapshot> TakeAsync(CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        var counts = await jobs.CountAsync(null, cancellationToken);
        var slow = await ReadSlowPartsAsync(now, cancellationToken);
        var rate = _rate.Measure(counts, slow.Throughput);
        return new LiveSnapshot
        {
            At = now,
            Counts = counts,
            PerMinute = rate,
            TimeLeft = Estimate(counts.Open, rate),
            Window = slow.Window,
            Workers = (await WorkerState.ListAsync(workers, now, cancellationToken)).Where(worker => worker.IsRunning).ToArray(),
            Newest = await images.ListRecentAsync(NewestImages, cancellationToken),
            Checkpoints = await checkpoints.ListAsync(NewestCheckpoints, cancellationToken),
            CheckpointCounts = await CountCheckpointsAsync(cancellationToken),
            Fusions = slow.Fusions,
            Throughput = slow.Throughput,
        };
    }

    /// <summary>The time that jobs take at a rate.</summary>
    /// <param name="jobs">How many jobs.</param>
    /// <param name="perMinute">Images per minute; null while unknown.</param>
    /// <returns>Null while unknown, or when it would be years.</returns>
    public static TimeSpan? Estimate(long jobs, double? perMinute) =>
        perMinute is > 0 and var rate && jobs / rate < LongestEstimate.TotalMinutes ? TimeSpan.FromMinutes(jobs / rate) : null;

    private async Task<SlowParts> ReadSlowPartsAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (_slow is not null && clock.GetElapsedTime(_slowTime) <= SlowPartsLifetime) return _slow;
        _slow = new SlowParts(
            await overview.CompareFusionsAsync(ComparedBatches, cancellationToken),
            await overview.ListThroughputAsync(now - ThroughputSpan, cancellationToken),
            WindowState.At(now, await windows.ListAsync(cancellationToken)));
        _slowTime = clock.GetTimestamp();
        return _slow;
    }

    // Counts only those that came since the last look; now and then all of them, because retention deletes old ones.
    private async Task<CheckpointCounts> CountCheckpointsAsync(CancellationToken cancellationToken)
    {
        var anew = clock.GetElapsedTime(_countedTime) > CheckpointCountLifetime || _counted.LastId == 0;
        if (anew) _countedTime = clock.GetTimestamp();
        var (counts, lastId) = await checkpoints.CountAsync(anew ? 0 : _counted.LastId, null, cancellationToken);
        var before = anew ? new CheckpointCounts(0, 0) : _counted.Counts;
        _counted = new CountedCheckpoints(new CheckpointCounts(before.Passed + counts.Passed, before.Drifted + counts.Drifted), lastId);
        return _counted.Counts;
    }

    private sealed record SlowParts(FusionComparison Fusions, IReadOnlyList<ThroughputSlice> Throughput, WindowState Window);

    private sealed record CountedCheckpoints(CheckpointCounts Counts, long LastId);
}
