using BatchGen.Core.Failures;
using BatchGen.Core.Jobs;
using BatchGen.Core.Rendering;
using BatchGen.Queue;
using BatchGen.Queue.Claims;
using BatchGen.Worker.Monitoring;
using Microsoft.Extensions.Logging;

namespace BatchGen.Worker.Leases;

/// <summary>Keeps the lease of one batch alive while it is rendered, and learns from each heartbeat which of its
/// jobs were cancelled.</summary>
/// <remarks>When the lease is lost, or the time of a stop is used up, <see cref="Lost"/> is cancelled and rendering stops. Nothing else
/// ends the heartbeats: while the database does not answer, nobody can take the batch, and whether somebody did is only known when it
/// answers again. An error that is not known is logged, and the next heartbeat, which then comes sooner, tries again.</remarks>
internal sealed class LeaseKeeper : IProgress<StepProgress>, IAsyncDisposable
{
    private const int RetriesPerInterval = 4;

    private readonly ClaimedBatch _batch;
    private readonly BatchClaims _claims;
    private readonly TimeSpan _interval;
    private readonly WorkerHealth _health;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _lost;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private readonly HashSet<long> _cancelledJobs = [];
    private readonly Task _loop;
    private long _extended;
    private HashSet<long> _renderingJobs = [];
    private CancellationTokenSource? _groupCancelled;
    private int _finished;
    private int _lostCounted;
    private int _disposed;
    private StepProgress _step;

    public LeaseKeeper(
        ClaimedBatch batch, BatchClaims claims, TimeSpan interval, WorkerHealth health, TimeProvider clock, ILogger log,
        CancellationToken stopPassed)
    {
        _lost = CancellationTokenSource.CreateLinkedTokenSource(stopPassed);
        _batch = batch;
        _claims = claims;
        _interval = interval;
        _health = health;
        _clock = clock;
        _log = log;
        Lost = _lost.Token;
        _extended = clock.GetTimestamp();
        _loop = RunAsync();
    }

    /// <summary>Cancelled when the batch belongs to someone else, or this worker has no time left to record anything.</summary>
    public CancellationToken Lost { get; }

    /// <summary>Starts a group of jobs that are rendered together: the token is cancelled when every job in it was cancelled.</summary>
    /// <returns>The jobs that are still wanted, and the token.</returns>
    public (IReadOnlyList<ClaimedJob> Wanted, CancellationToken AllCancelled) Begin(IReadOnlyList<ClaimedJob> jobs)
    {
        lock (_lock)
        {
            var wanted = jobs.Where(job => !_cancelledJobs.Contains(job.JobId)).ToArray();
            _renderingJobs = wanted.Select(job => job.JobId).ToHashSet();
            // The source before is not disposed: a heartbeat may be about to cancel it, and without a timer it holds nothing.
            _groupCancelled = new CancellationTokenSource();
            _step = default;
            return (wanted, _groupCancelled.Token);
        }
    }

    /// <summary>True when a person or an application cancelled the job.</summary>
    public bool IsCancelled(long jobId)
    {
        lock (_lock) return _cancelledJobs.Contains(jobId);
    }

    /// <summary>Counts jobs that ended, for the progress people see.</summary>
    public void AddFinished(int jobs) => Interlocked.Add(ref _finished, jobs);

    /// <summary>Counts that the lease was lost; each lease is counted once, however many calls found out.</summary>
    public void NoteLost()
    {
        if (Interlocked.Exchange(ref _lostCounted, 1) == 0) WorkerMetrics.LeaseLost();
    }

    /// <summary>Extends the lease now instead of at the next heartbeat.</summary>
    /// <exception cref="LeaseLostException">The batch belongs to someone else.</exception>
    public async Task ConfirmAsync(CancellationToken cancellationToken)
    {
        var asked = _clock.GetTimestamp();
        AddCancelled(await _claims.HeartbeatAsync(_batch, Progress(), cancellationToken));
        Volatile.Write(ref _extended, asked);
    }

    /// <summary>The same, however long the database does not take the call; the worker is not ready meanwhile.</summary>
    /// <exception cref="LeaseLostException">The batch belongs to someone else.</exception>
    /// <exception cref="OperationCanceledException">The batch is known to belong to someone else.</exception>
    public Task ConfirmWithRetryAsync() => DatabaseRetry.RunAsync(_log, _health, ConfirmAsync, Lost);

    /// <summary>Makes sure that the batch still belongs to this worker, without asking the database when it said so a moment ago.</summary>
    /// <exception cref="LeaseLostException">The batch belongs to someone else.</exception>
    /// <exception cref="OperationCanceledException">The batch is known to belong to someone else.</exception>
    public Task EnsureHeldAsync()
    {
        Lost.ThrowIfCancellationRequested();
        // A lease lives for three heartbeats at least; only in a process that was suspended, or cut off, are two of them missing.
        return _clock.GetElapsedTime(Volatile.Read(ref _extended)) < _interval * 2
            ? Task.CompletedTask
            : ConfirmWithRetryAsync();
    }

    /// <inheritdoc/>
    public void Report(StepProgress value)
    {
        lock (_lock) _step = value;
    }

    /// <summary>Ends the heartbeats; later calls change nothing, because a batch that could not be closed is requeued.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 1) return;
        await _stop.CancelAsync();
        await _loop;
        _stop.Dispose();
        _lost.Dispose();
        _groupCancelled?.Dispose();
    }

    private async Task RunAsync()
    {
        using var timer = new PeriodicTimer(_interval, _clock);
        long? failing = null;
        IDisposable? notReady = null;
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token))
            {
                var asked = _clock.GetTimestamp();
                var extended = await TryExtendAsync();
                if (_lost.IsCancellationRequested) return;
                if (extended)
                {
                    notReady?.Dispose();
                    (failing, notReady) = (null, null);
                }
                else
                {
                    failing ??= asked;
                    if (_clock.GetElapsedTime(failing.Value) >= DatabaseRetry.GracePeriod) notReady ??= _health.BeginFailingCall();
                }

                // After an outage the lease has to be extended before others may take it for abandoned.
                timer.Period = extended ? _interval : _interval / RetriesPerInterval;
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Disposed: the batch is over.
        }
        finally
        {
            notReady?.Dispose();
        }
    }

    // False when the database did not answer, and when the lease is lost.
    private async Task<bool> TryExtendAsync()
    {
        try
        {
            await ConfirmAsync(_stop.Token);
            return true;
        }
        catch (LeaseLostException error)
        {
            await LoseAsync(error.Message);
        }
#pragma warning disable CA1031 // Whatever it was, the next heartbeat may succeed; without heartbeats the lease would be lost.
        catch (Exception error) when (error is not OperationCanceledException || !_stop.IsCancellationRequested)
#pragma warning restore CA1031
        {
            _log.HeartbeatFailed(_batch.BatchId, error.Message);
        }

        return false;
    }

    private async Task LoseAsync(string reason)
    {
        NoteLost();
        _log.LeaseLost(_batch.BatchId, reason);
        await _lost.CancelAsync();
    }

    private BatchProgress Progress()
    {
        lock (_lock) return new BatchProgress(Volatile.Read(ref _finished), _step.Step, _step.Steps);
    }

    private void AddCancelled(IReadOnlyList<long> jobIds)
    {
        CancellationTokenSource? group = null;
        lock (_lock)
        {
            _cancelledJobs.UnionWith(jobIds);
            if (_renderingJobs.Count > 0 && _renderingJobs.IsSubsetOf(_cancelledJobs)) group = _groupCancelled;
        }

        group?.Cancel();
    }
}
