using BatchGen.Core.Jobs;
using BatchGen.Queue.Checkpoints;
using BatchGen.Queue.Jobs;
using BatchGen.Queue.Reports;
using BatchGen.Queue.Schedules;
using BatchGen.Queue.Workers;

namespace BatchGen.Dashboard.Live;

/// <summary>Takes snapshots of what is going on, at most one a second however many ask.</summary>
internal sealed class LiveSource(
    JobCatalog jobs, WorkerRegistry workers, ImageCatalog pictures, CheckpointLog checkpoints, QueueOverview overview, WindowStore windows, TimeProvider clock)
    : IDisposable
{
    private const int NewestPictures = 12;
    private const int NewestCheckpoints = 60;
    private const int ComparedBatches = 400;

    private static readonly TimeSpan Fresh = TimeSpan.FromMilliseconds(900);
    private static readonly TimeSpan SlowPartsFresh = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan CountsFresh = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan RateWindow = TimeSpan.FromMinutes(2);

    private readonly SemaphoreSlim _gate = new(1);
    private readonly Queue<(long Time, long Succeeded)> _samples = new();
    private LiveSnapshot? _last;
    private long _lastTime;
    private (FusionComparison Fusions, IReadOnlyList<ThroughputSlice> Throughput, WindowState Window)? _slow;
    private long _slowTime;
    private (CheckpointCounts Counts, long LastId) _counted = (new CheckpointCounts(0, 0), 0);
    private long _countedTime;

    /// <summary>The last snapshot taken, however old, or null.</summary>
    public LiveSnapshot? Last => _last;

    /// <summary>The snapshot of this second.</summary>
    public async Task<LiveSnapshot> GetAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (_last is not null && clock.GetElapsedTime(_lastTime) < Fresh) return _last;
            _last = await TakeAsync(cancellationToken);
            _lastTime = clock.GetTimestamp();
            return _last;
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
        (_last, _slow) = (null, null);
        _samples.Clear();
        _gate.Release();
    }

    /// <inheritdoc/>
    public void Dispose() => _gate.Dispose();

    private async Task<LiveSnapshot> TakeAsync(CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        var counts = await jobs.CountAsync(null, cancellationToken);
        var alive = (await workers.ListAsync(cancellationToken)).Where(worker => worker.IsAnswering(now)).ToArray();
        if (_slow is null || clock.GetElapsedTime(_slowTime) > SlowPartsFresh)
        {
            _slow = (await overview.CompareFusionsAsync(ComparedBatches, cancellationToken), await overview.ListThroughputAsync(now.AddHours(-3), cancellationToken),
                WindowState.At(now, await windows.ListAsync(cancellationToken)));
            _slowTime = clock.GetTimestamp();
        }

        var rate = Rate(counts, _slow.Value.Throughput, now);
        return new LiveSnapshot
        {
            At = now,
            Counts = counts,
            PerMinute = rate,
            TimeLeft = rate > 0 && counts.Open / rate < TimeSpan.FromDays(3650).TotalMinutes ? TimeSpan.FromMinutes(counts.Open / rate.Value) : null,
            Window = _slow.Value.Window,
            Workers = alive,
            Orders = alive.Length == 0 ? new Dictionary<Guid, WorkerOrders>() : await workers.ListOrdersAsync(cancellationToken),
            Newest = await pictures.ListRecentAsync(NewestPictures, cancellationToken),
            Checkpoints = await checkpoints.ListAsync(NewestCheckpoints, cancellationToken),
            CheckpointCounts = await CountCheckpointsAsync(cancellationToken),
            Fusions = _slow.Value.Fusions,
            Throughput = _slow.Value.Throughput,
        };
    }

    // Only those that came since the last look; now and then all of them, because retention takes old ones away.
    private async Task<CheckpointCounts> CountCheckpointsAsync(CancellationToken cancellationToken)
    {
        var anew = clock.GetElapsedTime(_countedTime) > CountsFresh || _counted.LastId == 0;
        if (anew) _countedTime = clock.GetTimestamp();
        var (counts, lastId) = await checkpoints.CountAsync(anew ? 0 : _counted.LastId, null, cancellationToken);
        var before = anew ? new CheckpointCounts(0, 0) : _counted.Counts;
        _counted = (new CheckpointCounts(before.Passed + counts.Passed, before.Drifted + counts.Drifted), lastId);
        return _counted.Counts;
    }

    // From what this process has seen in two minutes; before that, from the batches of the last quarter of an hour.
    private double? Rate(JobCounts counts, IReadOnlyList<ThroughputSlice> throughput, DateTimeOffset now)
    {
        var time = clock.GetTimestamp();
        if (_samples.Count > 0 && _samples.Last().Succeeded > counts.Succeeded) _samples.Clear(); // Jobs were put back: measuring starts anew.
        _samples.Enqueue((time, counts.Succeeded));
        while (_samples.Count > 2 && clock.GetElapsedTime(_samples.ElementAt(1).Time, time) >= RateWindow) _samples.Dequeue();
        var seen = clock.GetElapsedTime(_samples.Peek().Time, time);
        if (seen >= TimeSpan.FromSeconds(20)) return (counts.Succeeded - _samples.Peek().Succeeded) / seen.TotalMinutes;
        var recent = throughput.Where(slice => slice.At > now.AddMinutes(-20)).ToArray();
        return recent.Length == 0 ? null : recent.Sum(slice => slice.Images) / Math.Max(1, (now - recent[0].At).TotalMinutes);
    }
}
