using BatchGen.Core.Failures;
using BatchGen.Core.Jobs;
using BatchGen.Queue;
using BatchGen.Queue.Claims;
using BatchGen.Queue.Workers;
using BatchGen.Worker.Devices;
using BatchGen.Worker.Hosting;
using BatchGen.Worker.Leases;
using BatchGen.Worker.Output;
using Microsoft.Extensions.Logging;

namespace BatchGen.Worker.Batches;

/// <summary>Claims batches for one worker, keeps their leases, and gives them back.</summary>
internal sealed class BatchSource(
    Guid workerId, DeviceSession device, WorkerOptions options, QueueDatabase database, BatchClaims claims, WorkerRegistry workers, OutputProbe output, TimeProvider clock, ILogger log)
{
    private bool _canary;
    private bool _unanswered;
    private long _newest;
    private bool _holdOff;
    private long _rescued = clock.GetTimestamp() - clock.TimestampFrequency * 3600;

    /// <summary>What a person wants of this worker, as of the last claim.</summary>
    public WorkerOrders Orders { get; private set; } = new(false, false);

    /// <summary>True when a canary was ordered since it was last looked at; a claim hears the order once.</summary>
    public bool TakeCanaryOrder()
    {
        var ordered = _canary;
        _canary = false;
        return ordered;
    }

    /// <summary>The device could not take a model: the next claim waits a while.</summary>
    public void HoldOff() => _holdOff = true;

    /// <summary>Claims the next batch; its lease is kept alive from now on.</summary>
    /// <returns>Null when there is nothing to do, or when this worker may not claim now.</returns>
    public async Task<HeldBatch?> ClaimAsync(CancellationToken stoppingToken)
    {
        await RescueAsync(stoppingToken);
        Orders = await DatabaseRetry.RunAsync(token => workers.HeartbeatAsync(workerId, device.AdapterCache, token), stoppingToken);
        _canary |= Orders.Canary;
        if (Orders.Paused || Orders.Draining) return null;
        if (_holdOff)
        {
            _holdOff = false;
            await Task.Delay(options.DeviceRetryInterval, clock, stoppingToken);
        }

        if (!await output.IsWritableAsync(stoppingToken)) return null;
        var request = new ClaimRequest(workerId, options.Models.Count == 0 ? null : [.. options.Models], options.BatchSize);
        var batch = await DatabaseRetry.RunAsync(token => ClaimAsync(request, token), stoppingToken);
        return batch is null ? null : new HeldBatch(
            batch, new LeaseKeeper(batch, claims, options.HeartbeatInterval, database.Options.LeaseDuration, clock, log));
    }

    /// <summary>Ends a batch whose jobs all ended.</summary>
    public Task CloseAsync(HeldBatch held) => SettleAsync(held, async (batch, token) =>
    {
        await claims.CloseAsync(batch, token);
        return 0;
    });

    /// <summary>Puts the unfinished jobs of a batch back, the attempt not counted.</summary>
    public Task GiveBackAsync(HeldBatch held) => SettleAsync(held, async (batch, token) =>
    {
        var jobs = await claims.RequeueAsync(batch, token);
        log.BatchGivenBack(batch.BatchId, jobs);
        return jobs;
    });

    // Both run after a stop was asked for, so they have a time limit of their own.
    private async Task SettleAsync(HeldBatch held, Func<ClaimedBatch, CancellationToken, Task<int>> settle)
    {
        await held.Lease.DisposeAsync();
        using var limit = new CancellationTokenSource(options.StopTimeout, clock);
        try
        {
            await DatabaseRetry.RunAsync(token => settle(held.Batch, token), limit.Token);
        }
        catch (Exception error) when (error is LeaseLostException or QueueException or OperationCanceledException)
        {
            // Nothing is lost: the lease ends by itself, and what is unfinished goes back then.
            log.LeaseLost(held.Batch.BatchId, error.Message);
        }
    }

    // A claim that got no answer may have been made all the same. Nobody holds its batch: unless it goes back, its jobs are charged when the lease runs out.
    private async Task<ClaimedBatch?> ClaimAsync(ClaimRequest request, CancellationToken cancellationToken)
    {
        if (_unanswered) await claims.RequeueAllAsync(workerId, _newest, cancellationToken);
        _unanswered = true;
        var batch = await claims.ClaimAsync(request, cancellationToken);
        _unanswered = false;
        if (batch is not null) _newest = batch.BatchId;
        return batch;
    }

    private async Task RescueAsync(CancellationToken stoppingToken)
    {
        if (clock.GetElapsedTime(_rescued) < database.Options.LeaseDuration / 2) return;
        _rescued = clock.GetTimestamp();
        var batches = await DatabaseRetry.RunAsync(claims.RescueExpiredAsync, stoppingToken);
        if (batches > 0) log.BatchesRescued(batches);
    }
}

/// <summary>A claimed batch with the keeper of its lease.</summary>
/// <param name="Batch">The batch.</param>
/// <param name="Lease">Keeps it until the batch is closed or given back.</param>
internal sealed record HeldBatch(ClaimedBatch Batch, LeaseKeeper Lease);
