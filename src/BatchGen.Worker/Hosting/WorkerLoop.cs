using System.Diagnostics;
using BatchGen.Core.Failures;
using BatchGen.Core.Jobs;
using BatchGen.Core.Monitoring;
using BatchGen.Core.Submitting;
using BatchGen.Queue.Claims;
using BatchGen.Queue.Jobs;
using BatchGen.Queue.Signals;
using BatchGen.Worker.Batches;
using BatchGen.Worker.Canaries;
using BatchGen.Worker.Devices;
using BatchGen.Worker.Faults;
using BatchGen.Worker.Monitoring;
using BatchGen.Worker.Output;
using BatchGen.Worker.Weights;
using Microsoft.Extensions.Logging;

namespace BatchGen.Worker.Hosting;

/// <summary>The loop of one worker: claim, fuse, render, save, unload, verify.</summary>
/// <remarks>
/// The next batch is claimed while the last images of the current one are rendered, so that its adapter files are read meanwhile. Adapters
/// stay fused when it has the same signature, else they are unloaded; either way the base is checksummed after every batch, hence after
/// every unload. Stop order: no more claims; the current step is abandoned; images rendered so far are saved; unload, verify; unfinished
/// jobs are requeued, their attempt not counted.
/// </remarks>
internal sealed class WorkerLoop(
    WorkerOptions options,
    DeviceSession device,
    DeviceTrial trial,
    BatchSource source,
    CanaryGuard canary,
    WeightGuard weights,
    BatchClaims claims,
    ImageSaver saver,
    StartImageFolder startImages,
    StartImageOwners owners,
    OutputProbe output,
    WorkerHealth health,
    LackBook lacks,
    FailureWatch failures,
    WorkSignal signal,
    StopLimit stop,
    TimeProvider clock,
    ILogger log)
{
    private readonly TensorBatchLimit _limit = new(options.TensorBatchSize);

    /// <summary>Claims and works on batches until the worker is drained or, where the settings say so, nothing is left to do.</summary>
    /// <returns>Why the worker ends.</returns>
    /// <exception cref="OperationCanceledException">The worker was asked to stop.</exception>
    public async Task<string> RunAsync(CancellationToken stoppingToken)
    {
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
                    // It was claimed while the batch before it was rendered.
                    if (await failures.JudgeAsync(stoppingToken))
                    {
                        await source.RequeueAsync(held);
                        continue;
                    }
                    health.Enter(ProcessStates.Working);
                    next = await WorkAsync(held, stoppingToken);
                    await failures.EndProbationAsync(stoppingToken);
                    continue;
                }

                health.Enter(ProcessStates.Idle);
                if (FindReasonToEnd() is { } reason)
                {
                    if (options.CanaryEveryBatches > 0) await canary.CheckAsync(batchId: null, stoppingToken);
                    return reason;
                }

                // The wait before the next claim is also that before the next trial. A worker that is paused tries nothing.
                if (!source.Orders.Paused && !await trial.PassesAsync(stoppingToken)) source.DelayNextClaim();
                if (canary.IsOrdered) await canary.CheckAsync(batchId: null, stoppingToken);
                await signal.WaitAsync(stoppingToken);
            }
        }
        finally
        {
            // However the loop ends, the worker ends with it.
            stop.Begin();
            if (next is not null) await source.RequeueAsync(next);
        }
    }

    private string? FindReasonToEnd()
    {
        if (source.Orders.Draining) return "drained";
        if (!options.ExitWhenIdle || source.Orders.Paused || lacks.MayPassSoon) return null;
        if (failures.Reason is { } reason) return $"set aside: {reason}";
        var lacking = lacks.Describe();
        return lacking.Length == 0 ? "nothing left to do" : $"nothing left to do without what this machine lacks: {lacking}";
    }

    /// <summary>Works on one batch, from the canary before it to the checkpoint after it.</summary>
    /// <returns>The batch claimed meanwhile, or null.</returns>
    private async Task<HeldBatch?> WorkAsync(HeldBatch held, CancellationToken stoppingToken)
    {
        var batch = held.Batch;
        var started = clock.GetTimestamp();
        using var scope = log.BeginBatch(batch);
        using var span = BeginSpan(held);
        using var ahead = new ClaimAhead(source, device, log, stoppingToken);
        var run = new BatchRun(
            batch, device, new StartImageLoader(startImages), saver, claims, held.Lease, _limit, owners, lacks, health, failures, log);
        HeldBatch? next = null;
        try
        {
            // 1. The canary, while nothing is fused or what is fused is about to be dropped: it is rendered with the plain model.
            if (!await PassesCanaryAsync(batch, stoppingToken))
            {
                await source.RequeueAsync(held);
                return null;
            }

            // 2. Fuse, render, save and complete; the next batch is claimed while the last group of this one is rendered.
            var lack = await RenderAsync(run, held, ahead.Start, stoppingToken);
            next = await ahead.TakeAsync();
            // 3. Unload, unless the next batch uses the same weights.
            if (device.WritesBaseWhileFused || !batch.Signature.Equals(next?.Batch.Signature)) await device.UnloadAsync();
            // 4. Prove the weights, then end the batch.
            await CheckWeightsAndCloseAsync(held, lack);
        }
        catch (DeviceException error)
        {
            // The jobs are not to blame: they are requeued uncounted, and whatever uses the device's memory gets time to end.
            log.DeviceFailed(batch.BatchId, options.DeviceRetryInterval, error.Message);
            await RequeueAsync(held, next, ahead);
            trial.NoteFailure(batch.Signature.Model);
            source.DelayNextClaim();
            return null;
        }
        catch
        {
            // The worker ends: because it was asked to, or because of this error.
            stop.Begin();
            await RequeueAsync(held, next, ahead);
            throw;
        }

        ReportDone(batch, run, started);
        return next;
    }

    private static Activity? BeginSpan(HeldBatch held)
    {
        var span = Telemetry.Spans.StartActivity(SpanNames.Batch, ActivityKind.Internal, held.Claim);
        return span?.SetTag("batchgen.batch.id", held.Batch.BatchId).SetTag("batchgen.worker.id", held.Batch.WorkerId.ToString())
            .SetTag("batchgen.signature", held.Batch.Signature.ToString()).SetTag("batchgen.jobs", held.Batch.Jobs.Count);
    }

    private async Task RequeueAsync(HeldBatch held, HeldBatch? next, ClaimAhead ahead)
    {
        await ahead.CancelAsync();
        try
        {
            await source.RequeueAsync(held);
        }
        finally
        {
            // Whatever became of this batch, the next one is not to stay claimed, with heartbeats that nothing ends.
            next ??= await ahead.FindClaimedAsync();
            if (next is not null) await source.RequeueAsync(next);
        }
    }

    // False when a canary differed: the worker is paused then, and the batch must not be rendered.
    private async Task<bool> PassesCanaryAsync(ClaimedBatch batch, CancellationToken stoppingToken)
    {
        if (!canary.IsDue(batch.Signature.Model)) return true;
        try
        {
            return !await IsLoadedAsync(batch.Signature.Model, stoppingToken) || await canary.CheckAsync(batch.BatchId, stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Rendering the batch ends at once for the same reason, and its jobs are requeued.
            return true;
        }
    }

    private async Task<bool> IsLoadedAsync(string model, CancellationToken stoppingToken)
    {
        try
        {
            await device.LoadModelAsync(model, stoppingToken);
            return true;
        }
#pragma warning disable CA1031 // Loading it for the batch fails the same way, and is reported there.
        catch (Exception error) when (error is ModelException || UnforeseenError.Is(error, stoppingToken))
#pragma warning restore CA1031
        {
            return false;
        }
    }

    // Every way a batch can go wrong that the worker lives through ends here: its jobs have failed, will be requeued, or belong to another
    // worker. Returns what this machine lacks, in words for the history of the jobs, or null.
    private async Task<string?> RenderAsync(BatchRun run, HeldBatch held, Action lastGroupStarts, CancellationToken stoppingToken)
    {
        var (batch, lease) = held;
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken, lease.Lost);
        try
        {
            await run.RunAsync(lastGroupStarts, ending.Token);
        }
        catch (BatchGenException error) when (error.Lack is { } lack)
        {
            // The jobs are not to blame: they are requeued uncounted, and nothing that needs it is claimed until it is there.
            await lacks.NoteAsync(lack, error.Message, stoppingToken);
            return FailureText.WithoutFolders($"This worker's machine lacks {lack.Kind.ToCode()} '{lack.Name}': {error.Message}");
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            // A stop, or a lost lease: unfinished jobs are requeued when the batch is closed, or were requeued by another worker.
        }
        catch (LeaseLostException error)
        {
            lease.NoteLost();
            log.LeaseLost(batch.BatchId, error.Message);
        }
        catch (OutputException error)
        {
            // The jobs are not to blame: they are requeued uncounted, and nothing is claimed until images can be written again.
            log.OutputFailed(batch.BatchId, error.Message);
            output.ReportFailure(error.Message);
        }

        return null;
    }

    // A stop does not cut this short but bounds it: the weights are proven first, then the batch is closed.
    private async Task CheckWeightsAndCloseAsync(HeldBatch held, string? lack)
    {
        await weights.CheckAsync(held.Batch, stop.Passed);
        await (lack is null ? source.CloseAsync(held) : source.RequeueAsync(held, lack));
    }

    private void ReportDone(ClaimedBatch batch, BatchRun run, long started)
    {
        if (device.Model is not null) trial.NoteSuccess();
        _limit.Recover();
        canary.AddBatch();
        var elapsed = clock.GetElapsedTime(started);
        WorkerMetrics.BatchDone(elapsed.TotalSeconds);
        log.BatchDone(batch.BatchId, batch.Signature.ToString(), run.Succeeded, run.Failed, batch.Jobs.Count, elapsed.TotalMilliseconds);
    }
}
