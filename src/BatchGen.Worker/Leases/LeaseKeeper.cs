using BatchGen.Core.Failures;
using BatchGen.Core.Jobs;
using BatchGen.Core.Rendering;
using BatchGen.Queue.Claims;
using Microsoft.Extensions.Logging;

namespace BatchGen.Worker.Leases;

/// <summary>Keeps the lease of one batch alive while it is rendered, and learns what was cancelled meanwhile.</summary>
/// <remarks>When the lease is lost, or could not be extended for as long as it lives, <see cref="Lost"/> is cancelled and rendering stops.</remarks>
internal sealed class LeaseKeeper : IProgress<StepProgress>, IAsyncDisposable
{
    private readonly ClaimedBatch _batch;
    private readonly BatchClaims _claims;
    private readonly TimeSpan _interval;
    private readonly TimeSpan _duration;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _lost = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private readonly HashSet<long> _cancelled = [];
    private readonly Task _loop;
    private HashSet<long> _rendering = [];
    private CancellationTokenSource? _group;
    private int _finished;
    private StepProgress _step;

    public LeaseKeeper(ClaimedBatch batch, BatchClaims claims, TimeSpan interval, TimeSpan duration, TimeProvider clock, ILogger log)
    {
        _batch = batch;
        _claims = claims;
        _interval = interval;
        _duration = duration;
        _clock = clock;
        _log = log;
        Lost = _lost.Token;
        _loop = RunAsync();
    }

    /// <summary>Cancelled when the batch belongs to someone else.</summary>
    public CancellationToken Lost { get; }

    /// <summary>Starts a tensor batch: the token ends it when every job in it was cancelled.</summary>
    /// <returns>The jobs that are still wanted, and the token.</returns>
    public (IReadOnlyList<ClaimedJob> Wanted, CancellationToken AllCancelled) Begin(IReadOnlyList<ClaimedJob> jobs)
    {
        lock (_lock)
        {
            var wanted = jobs.Where(job => !_cancelled.Contains(job.JobId)).ToArray();
            _rendering = wanted.Select(job => job.JobId).ToHashSet();
            // The one before is not disposed: a heartbeat may be about to cancel it, and without a timer it holds nothing.
            _group = new CancellationTokenSource();
            _step = default;
            return (wanted, _group.Token);
        }
    }

    /// <summary>True when a person or an app took the job back.</summary>
    public bool IsCancelled(long jobId)
    {
        lock (_lock) return _cancelled.Contains(jobId);
    }

    /// <summary>Counts jobs that ended, for the progress people see.</summary>
    public void AddFinished(int jobs) => Interlocked.Add(ref _finished, jobs);

    /// <summary>Extends the lease now, and learns what was cancelled.</summary>
    /// <exception cref="LeaseLostException">The batch belongs to someone else.</exception>
    public async Task ConfirmAsync(CancellationToken cancellationToken) => Cancelled(await _claims.HeartbeatAsync(_batch, Progress(), cancellationToken));

    /// <inheritdoc/>
    public void Report(StepProgress value)
    {
        lock (_lock) _step = value;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        _stop.Dispose();
        _lost.Dispose();
        _group?.Dispose();
    }

    private async Task RunAsync()
    {
        var extended = _clock.GetTimestamp();
        using var timer = new PeriodicTimer(_interval, _clock);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token))
            {
                try
                {
                    Cancelled(await _claims.HeartbeatAsync(_batch, Progress(), _stop.Token));
                    extended = _clock.GetTimestamp();
                }
                catch (LeaseLostException error)
                {
                    _log.LeaseLost(_batch.BatchId, error.Message);
                    await _lost.CancelAsync();
                    return;
                }
                catch (Exception error) when (error is Npgsql.NpgsqlException or Queue.QueueException or TimeoutException)
                {
                    _log.HeartbeatFailed(_batch.BatchId, error.Message);
                    if (_clock.GetElapsedTime(extended) < _duration) continue;
                    _log.LeaseLost(_batch.BatchId, "the database could not be reached for as long as the lease lives");
                    await _lost.CancelAsync();
                    return;
                }
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Disposed: the batch is over.
        }
    }

    private BatchProgress Progress()
    {
        lock (_lock) return new BatchProgress(Volatile.Read(ref _finished), _step.Step, _step.Steps);
    }

    private void Cancelled(IReadOnlyList<long> jobIds)
    {
        CancellationTokenSource? group = null;
        lock (_lock)
        {
            _cancelled.UnionWith(jobIds);
            if (_rendering.Count > 0 && _rendering.IsSubsetOf(_cancelled)) group = _group;
        }

        group?.Cancel();
    }
}
