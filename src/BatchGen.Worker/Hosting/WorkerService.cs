using BatchGen.Core.Failures;
using BatchGen.Core.Jobs;
using BatchGen.Core.Submitting;
using BatchGen.Queue;
using BatchGen.Queue.Canaries;
using BatchGen.Queue.Checkpoints;
using BatchGen.Queue.Claims;
using BatchGen.Queue.Registry;
using BatchGen.Queue.Signals;
using BatchGen.Queue.Workers;
using BatchGen.Worker.Leases;
using BatchGen.Worker.Batches;
using BatchGen.Worker.Canaries;
using BatchGen.Worker.Devices;
using BatchGen.Worker.Output;
using BatchGen.Worker.Weights;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace BatchGen.Worker.Hosting;

/// <summary>The loop of one worker: claim, fuse, render, save, unload, verify.</summary>
/// <remarks>
/// The next batch is claimed while the last pictures of the current one are drawn, so that its adapter files are read meanwhile. Adapters stay
/// fused when it has the same signature, else they are unloaded; either way the base is checksummed after every batch, hence after every unload.
/// Stop order: no more claims; the current step is abandoned; what was drawn is saved; unload, verify; unfinished jobs go back uncounted.
/// </remarks>
internal sealed class WorkerService(
    WorkerOptions options,
    RendererFactory createRenderer,
    QueueDatabase database,
    BatchClaims claims,
    CheckpointLog checkpoints,
    CanaryLog canaries,
    ModelRegistry models,
    AdapterRegistry adapters,
    WorkerRegistry workers,
    WorkSignal signal,
    PictureSaver saver,
    StartImageFolder startImages,
    OutputProbe output,
    WorkerOutcome outcome,
    IHostApplicationLifetime lifetime,
    TimeProvider clock,
    ILogger<WorkerService> log) : BackgroundService
{
    private readonly Guid _id = Guid.CreateVersion7();
    private readonly TensorBatchLimit _limit = new(options.TensorBatchSize);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var reason = "stopped";
        DeviceSession? device = null;
        try
        {
            device = await DeviceSession.StartAsync(createRenderer, models, adapters, log);
            var name = options.Name.Length > 0 ? options.Name : $"{Environment.MachineName} {device.Device.Name}";
            await DatabaseRetry.RunAsync(token => workers.StartAsync(_id, name, device.Device, token), stoppingToken);
            log.WorkerStarted(_id, name, device.Device.Name, device.Device.ComputeType);
            reason = await LoopAsync(device, stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Asked to stop: the normal end.
        }
#pragma warning disable CA1031 // Whatever it was, the worker must say so: one that ended without a failure is not started again.
        catch (Exception error)
#pragma warning restore CA1031
        {
            reason = Fail(error);
        }
        finally
        {
            await LeaveAsync(device, reason);
            lifetime.StopApplication();
        }
    }

    /// <returns>Why the worker ends.</returns>
    private string Fail(Exception error)
    {
        log.WorkerFailed(error.Message, error);
        outcome.Fail(error.Message);
        return error.Message;
    }

    /// <returns>Why the worker ends.</returns>
    private async Task<string> LoopAsync(DeviceSession device, CancellationToken stoppingToken)
    {
        var source = new BatchSource(_id, device, options, database, claims, workers, output, clock, log);
        var guard = new WeightGuard(device, checkpoints, _id, log);
        var canary = new CanaryGuard(device, canaries, workers, _id, options, log);
        HeldBatch? next = null;
        try
        {
            while (true)
            {
                stoppingToken.ThrowIfCancellationRequested();
                next ??= await source.ClaimAsync(stoppingToken);
                if (source.TakeCanaryOrder()) canary.Order();
                if (next is { } held)
                {
                    next = null;
                    next = await WorkAsync(held, device, source, guard, canary, stoppingToken);
                    continue;
                }

                var end = source.Orders.Draining ? "drained" : options.ExitWhenIdle && !source.Orders.Paused ? "nothing left to do" : null;
                if (end is not null)
                {
                    if (options.CanaryEveryBatches > 0) await canary.CheckAsync(batchId: null, stoppingToken);
                    return end;
                }

                if (canary.IsOrdered) await canary.CheckAsync(batchId: null, stoppingToken);
                await signal.WaitAsync(stoppingToken);
            }
        }
        finally
        {
            if (next is not null) await source.GiveBackAsync(next);
        }
    }

    /// <summary>Works on one batch, to its checkpoint.</summary>
    /// <returns>The batch claimed meanwhile, or null.</returns>
    private async Task<HeldBatch?> WorkAsync(
        HeldBatch held, DeviceSession device, BatchSource source, WeightGuard guard, CanaryGuard canary, CancellationToken stoppingToken)
    {
        var batch = held.Batch;
        var started = clock.GetTimestamp();
        using var scope = log.BeginScope(new Dictionary<string, object> { ["BatchId"] = batch.BatchId, ["WorkerId"] = _id });
        var run = new BatchRun(batch, device, new StartPictureLoader(startImages), saver, claims, held.Lease, _limit, log);
        Task<HeldBatch?>? ahead = null;
        HeldBatch? next = null;
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        try
        {
            if (!await LookAsync(canary, batch, device, stoppingToken))
            {
                await source.GiveBackAsync(held);
                return null;
            }

            await RunAsync(run, held, () => ahead = ClaimAheadAsync(device, source, leaving.Token), stoppingToken);
            next = await NextAsync(ahead, source, stoppingToken);
            if (device.WritesBaseWhileFused || !batch.Signature.Equals(next?.Batch.Signature)) await device.UnloadAsync();
            // Nothing from here on is cut short by a stop, which only bounds it: the weights are proven first, then the lease is settled.
            using var limit = new CancellationTokenSource(Timeout.InfiniteTimeSpan, clock);
            await using var stopped = stoppingToken.Register(() => limit.CancelAfter(options.StopTimeout));
            await guard.CheckAsync(batch, limit.Token);
            await source.CloseAsync(held);
        }
        catch (DeviceException error)
        {
            // The jobs are not to blame: they go back uncounted, and whatever has the device's memory gets time to end.
            log.DeviceFailed(batch.BatchId, options.DeviceRetryInterval, error.Message);
            await source.GiveBackAsync(held);
            source.HoldOff();
            return null;
        }
        catch
        {
            await leaving.CancelAsync();
            await source.GiveBackAsync(held);
            next ??= await AheadAsync(ahead);
            if (next is not null) await source.GiveBackAsync(next);
            throw;
        }

        _limit.Recover();
        canary.AddBatch();
        var elapsed = clock.GetElapsedTime(started);
        WorkerMetrics.BatchDone(elapsed.TotalSeconds, run.Succeeded, run.Failed);
        log.BatchDone(batch.BatchId, batch.Signature.ToString(), run.Succeeded, run.Failed, batch.Jobs.Count, elapsed.TotalMilliseconds);
        return next;
    }

    // Before a batch, because then nothing is fused, or is about to be dropped: the canary wants the plain model.
    private static async Task<bool> LookAsync(CanaryGuard canary, ClaimedBatch batch, DeviceSession device, CancellationToken stoppingToken)
    {
        if (!canary.IsDue(batch.Signature.Model)) return true;
        try
        {
            return !await IsLoadedAsync(device, batch.Signature.Model, stoppingToken) || await canary.CheckAsync(batch.BatchId, stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Stopped: the batch itself is about to notice, and goes back.
            return true;
        }
    }

    private static async Task<bool> IsLoadedAsync(DeviceSession device, string model, CancellationToken stoppingToken)
    {
        try
        {
            await device.LoadModelAsync(model, stoppingToken);
            return true;
        }
        catch (ModelException)
        {
            // Loading it for the batch fails the same way, and is reported there.
            return false;
        }
    }

    // Every way a batch can go wrong ends here: jobs are failed, left to go back, or someone else's.
    private async Task RunAsync(BatchRun run, HeldBatch held, Action lastGroupStarts, CancellationToken stoppingToken)
    {
        var (batch, lease) = held;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken, lease.Lost);
        try
        {
            await run.RunAsync(lastGroupStarts, stop.Token);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // A stop, or a lost lease: unfinished jobs go back when the batch is closed, or have gone already.
        }
        catch (LeaseLostException error)
        {
            log.LeaseLost(batch.BatchId, error.Message);
        }
        catch (OutputException error)
        {
            // The jobs are not to blame: they go back uncounted, and nothing is claimed until pictures can be written again.
            log.OutputFailed(batch.BatchId, error.Message);
            output.Suspect();
        }
#pragma warning disable CA1031 // The worker loop is where an unforeseen error ends: the jobs are charged an attempt, the worker goes on.
        catch (Exception error) when (error is not (WeightIntegrityException or DeviceException or QueueException or Npgsql.NpgsqlException))
#pragma warning restore CA1031
        {
            log.BatchFailed(batch.BatchId, error);
            await FailAllAsync(batch, error, stoppingToken);
        }
    }

    private async Task FailAllAsync(ClaimedBatch batch, Exception error, CancellationToken stoppingToken)
    {
        try
        {
            var failed = batch.Jobs.Select(job => new FailedJob(job.JobId, FailureCode.Generation, FailureText.WithoutFolders($"Unexpected error: {error.Message}"))).ToArray();
            await DatabaseRetry.RunAsync(token => claims.FailAsync(batch, failed, token), stoppingToken);
        }
        catch (LeaseLostException lost)
        {
            log.LeaseLost(batch.BatchId, lost.Message);
        }
    }

    private async Task<HeldBatch?> ClaimAheadAsync(DeviceSession device, BatchSource source, CancellationToken stoppingToken)
    {
        var next = await source.ClaimAsync(stoppingToken);
        if (next is null) return null;
        try
        {
            await device.PrefetchAsync(next.Batch.Signature, stoppingToken);
        }
#pragma warning disable CA1031 // The batch must not be lost: whatever it was is met again when the batch is prepared, and charged to its jobs there.
        catch (Exception error)
#pragma warning restore CA1031
        {
            log.PrefetchFailed(next.Batch.Signature.ToString(), error.Message);
        }

        return next;
    }

    /// <returns>What was claimed ahead, or null, also when that failed: the worker is ending because of another error.</returns>
    private static async Task<HeldBatch?> AheadAsync(Task<HeldBatch?>? ahead)
    {
        if (ahead is null) return null;
        await ((Task)ahead).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return ahead.IsCompletedSuccessfully ? await ahead : null;
    }

    private static async Task<HeldBatch?> NextAsync(Task<HeldBatch?>? ahead, BatchSource source, CancellationToken stoppingToken)
    {
        try
        {
            // What was claimed ahead is needed even after a stop: it has to be given back.
            return ahead is not null ? await ahead : stoppingToken.IsCancellationRequested ? null : await source.ClaimAsync(stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            return null;
        }
    }

    private async Task LeaveAsync(DeviceSession? device, string reason)
    {
        using var limit = new CancellationTokenSource(options.StopTimeout, clock);
        try
        {
            if (device is not null) await device.DisposeAsync();
        }
#pragma warning disable CA1031 // A device that fails may fail once more here; the worker signs off all the same.
        catch (Exception error)
#pragma warning restore CA1031
        {
            reason = Fail(error);
        }

        try
        {
            // A claim that was cut short may have been made all the same.
            await claims.RequeueAllAsync(_id, after: 0, limit.Token);
            await workers.StopAsync(_id, reason, limit.Token);
        }
        catch (Exception error) when (error is QueueException or Npgsql.NpgsqlException or OperationCanceledException)
        {
            log.LeaveFailed(error.Message);
        }

        log.WorkerStopped(reason);
    }
}

/// <summary>How a worker ended; the program turns it into its exit code.</summary>
public sealed class WorkerOutcome
{
    /// <summary>What went wrong, or null.</summary>
    public string? Failure { get; private set; }

    internal void Fail(string message) => Failure ??= message;
}
