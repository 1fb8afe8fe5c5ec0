using System.Diagnostics;
using BatchGen.Core.Failures;
using BatchGen.Core.Jobs;
using BatchGen.Core.Monitoring;
using BatchGen.Queue;
using BatchGen.Queue.Claims;
using BatchGen.Queue.Workers;
using BatchGen.Worker.Devices;
using BatchGen.Worker.Faults;
using BatchGen.Worker.Hosting;
using BatchGen.Worker.Leases;
using BatchGen.Worker.Monitoring;
using BatchGen.Worker.Output;
using Microsoft.Extensions.Logging;

namespace BatchGen.Worker.Batches;

/// <summary>Claims batches for one worker, keeps their leases, and closes or requeues them.</summary>
internal sealed class BatchSource(
    Guid workerId,
    DeviceSession device,
    WorkerOptions options,
    QueueDatabase database,
    BatchClaims claims,
    WorkerRegistry workers,
    OutputProbe output,
    WorkerHealth health,
    LackBook lacks,
    FailureWatch failures,
    StopLimit stop,
    TimeProvider clock,
    ILogger log)
{
    // A worker that says nothing for a minute counts as gone.
    private static readonly TimeSpan LongestHeartbeatInterval = TimeSpan.FromSeconds(20);

    // Batches that could not be ended because the database did not answer; they are ended before anything else is claimed.
    private readonly List<(ClaimedBatch Batch, string Reason)> _unended = [];
    private bool _canaryOrdered;
    private bool _claimUnconfirmed;
    private long _newestBatchId;
    private bool _claimDelayed;
    private long? _lastRescue;

    /// <summary>The orders that a person gave this worker (pause, drain), as of the last claim.</summary>
    public WorkerOrders Orders { get; private set; } = new(false, false);

    /// <summary>True when a canary was ordered since the last call; the database hands each order out once.</summary>
    public bool TakeCanaryOrder()
    {
        var ordered = _canaryOrdered;
        _canaryOrdered = false;
        return ordered;
    }

    /// <summary>Lets the next claim wait a while, because the device could not take a model.</summary>
    public void DelayNextClaim() => _claimDelayed = true;

    /// <summary>Claims the next batch; its lease is kept alive from now on.</summary>
    /// <returns>Null when there is nothing to do, or when this worker may not claim now.</returns>
    public async Task<HeldBatch?> ClaimAsync(CancellationToken stoppingToken)
    {
        await EndUnendedAsync(stoppingToken);
        await RescueExpiredAsync(stoppingToken);
        await SendHeartbeatAsync(stoppingToken);
        if (Orders.Paused || Orders.Draining) return null;
        if (_claimDelayed)
        {
            _claimDelayed = false;
            await DelayAsync(options.DeviceRetryInterval, stoppingToken);
            if (Orders.Paused || Orders.Draining) return null;
        }

        if (!await IsOutputWritableAsync(stoppingToken) || Orders.Paused || Orders.Draining) return null;
        await lacks.LookAgainAsync(stoppingToken);
        var allowed = await failures.AllowedJobsAsync(Orders, options.BatchSize, stoppingToken);
        if (allowed == 0) return null;
        var request = new ClaimRequest(workerId, options.Models.Count == 0 ? null : [.. options.Models], allowed);
        // A trace begins with the claim, whatever this worker does meanwhile.
        Activity.Current = null;
        using var span = Telemetry.Spans.StartActivity(SpanNames.Claim);
        var batch = await DatabaseRetry.RunAsync(log, health, token => ClaimAsync(request, token), stoppingToken);
        if (batch is null)
        {
            await failures.EndProbationAsync(stoppingToken);
            return null;
        }

        span?.SetTag("batchgen.batch.id", batch.BatchId);
        var lease = new LeaseKeeper(batch, claims, options.HeartbeatInterval, health, clock, log, stop.Passed);
        return new HeldBatch(batch, lease) { Claim = span?.Context ?? default };
    }

    private async Task SendHeartbeatAsync(CancellationToken stoppingToken)
    {
        Orders = await DatabaseRetry.RunAsync(
            log, health, token => workers.HeartbeatAsync(workerId, device.AdapterCache, token), stoppingToken);
        _canaryOrdered |= Orders.Canary;
        health.Follow(Orders);
    }

    // However long it takes, the worker lives and says so.
    private async Task DelayAsync(TimeSpan time, CancellationToken stoppingToken)
    {
        for (var left = time; left > TimeSpan.Zero && !Orders.Paused && !Orders.Draining; left -= LongestHeartbeatInterval)
        {
            await Task.Delay(left < LongestHeartbeatInterval ? left : LongestHeartbeatInterval, clock, stoppingToken);
            if (left > LongestHeartbeatInterval) await SendHeartbeatAsync(stoppingToken);
        }
    }

    private async Task<bool> IsOutputWritableAsync(CancellationToken stoppingToken)
    {
        if (output.Problem is { } problem) await lacks.NoteAsync(output.Lack, problem, stoppingToken);
        if (await output.IsWritableAsync(DelayAsync, stoppingToken))
        {
            await lacks.DropAsync(output.Lack, stoppingToken);
            return true;
        }

        await lacks.NoteAsync(output.Lack, output.Problem!, stoppingToken);
        return false;
    }

    /// <summary>Closes a batch that was worked on to its end; jobs that are unfinished all the same are requeued.</summary>
    public Task CloseAsync(HeldBatch held) => EndAsync(held, claims.CloseAsync, "The database did not answer when the batch ended.");

    /// <summary>Requeues the unfinished jobs of a batch, the attempt not counted.</summary>
    /// <param name="held">The batch.</param>
    /// <param name="reason">What stands in the history of its jobs.</param>
    public Task RequeueAsync(HeldBatch held, string reason = "The worker requeued the job unfinished.") =>
        EndAsync(held, (batch, token) => RequeueAsync(batch, reason, token), reason);

    private async Task RequeueAsync(ClaimedBatch batch, string reason, CancellationToken cancellationToken)
    {
        var jobs = await claims.RequeueAsync(batch, reason, cancellationToken);
        log.BatchRequeued(batch.BatchId, jobs);
    }

    // A batch that cannot be ended after as long as a stop may take is ended before the next claim, or left to a rescue when the worker
    // ends. Once the worker is to end, all of its calls share that time.
    private async Task EndAsync(HeldBatch held, Func<ClaimedBatch, CancellationToken, Task> end, string reasonLater)
    {
        await held.Lease.DisposeAsync();
        using var time = new CancellationTokenSource(options.StopTimeout, clock);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(time.Token, stop.Passed);
        try
        {
            await DatabaseRetry.RunAsync(log, health, token => end(held.Batch, token), limit.Token);
        }
        catch (Exception error) when (error is LeaseLostException or QueueException or OperationCanceledException)
        {
            // Nothing is lost: the lease expires by itself, and unfinished jobs are requeued then.
            held.Lease.NoteLost();
            log.LeaseLost(held.Batch.BatchId, error.Message);
            if (error is not LeaseLostException) _unended.Add((held.Batch, reasonLater));
        }
    }

    // Left alone, their jobs would be charged an attempt although their worker lived.
    private async Task EndUnendedAsync(CancellationToken stoppingToken)
    {
        while (_unended.Count > 0)
        {
            var (batch, reason) = _unended[0];
            try
            {
                await DatabaseRetry.RunAsync(log, health, token => RequeueAsync(batch, reason, token), stoppingToken);
            }
            catch (LeaseLostException error)
            {
                log.LeaseLost(batch.BatchId, error.Message);
            }

            _unended.RemoveAt(0);
        }
    }

    // A claim whose answer did not arrive may have been committed all the same. Nobody would work on its batch, and its jobs would be
    // charged an attempt when the lease expires: so whatever this worker claimed since the last batch it knows of is requeued first.
    private async Task<ClaimedBatch?> ClaimAsync(ClaimRequest request, CancellationToken cancellationToken)
    {
        if (_claimUnconfirmed) await claims.RequeueAllAsync(workerId, _newestBatchId, cancellationToken);
        _claimUnconfirmed = true;
        var started = clock.GetTimestamp();
        var batch = await claims.ClaimAsync(request, cancellationToken);
        _claimUnconfirmed = false;
        WorkerMetrics.Claimed(clock.GetElapsedTime(started).TotalSeconds, batch is not null);
        if (batch is not null) _newestBatchId = batch.BatchId;
        return batch;
    }

    // Twice per lease is often enough: an expired lease waits half a lease more at worst.
    private async Task RescueExpiredAsync(CancellationToken stoppingToken)
    {
        if (_lastRescue is { } last && clock.GetElapsedTime(last) < database.Options.LeaseDuration / 2) return;
        _lastRescue = clock.GetTimestamp();
        var batches = await DatabaseRetry.RunAsync(log, health, claims.RescueExpiredAsync, stoppingToken);
        if (batches > 0) log.BatchesRescued(batches);
    }
}

/// <summary>A claimed batch with the keeper of its lease.</summary>
/// <param name="Batch">The batch.</param>
/// <param name="Lease">Keeps the lease until the batch is closed or requeued.</param>
internal sealed record HeldBatch(ClaimedBatch Batch, LeaseKeeper Lease)
{
    /// <summary>The span of the claim, which the trace of the batch goes on from.</summary>
    public ActivityContext Claim { get; init; }
}
