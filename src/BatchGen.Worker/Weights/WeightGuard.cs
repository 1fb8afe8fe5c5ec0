using BatchGen.Core.Failures;
using BatchGen.Core.Jobs;
using BatchGen.Core.Rendering;
using BatchGen.Queue;
using BatchGen.Queue.Checkpoints;
using BatchGen.Worker.Leases;
using BatchGen.Worker.Devices;
using BatchGen.Worker.Monitoring;
using Microsoft.Extensions.Logging;

namespace BatchGen.Worker.Weights;

/// <summary>Proves after a batch that the base weights are what they were, and repairs them when they are not.</summary>
internal sealed class WeightGuard(
    DeviceSession device, CheckpointLog checkpoints, Guid workerId, WorkerHealth health, ILogger log)
{
    /// <summary>Checksums the base, records the checkpoint, and reloads the tensors that drifted.</summary>
    /// <param name="batch">The batch the checkpoint follows.</param>
    /// <param name="cancellationToken">Ends the check when the time limit of a stop has passed; without a stop nothing ends it.</param>
    /// <exception cref="WeightIntegrityException">The weights differ after a reload, or cannot be reloaded.</exception>
    public async Task CheckAsync(ClaimedBatch batch, CancellationToken cancellationToken)
    {
        if (device.Model is null) return;
        var check = await device.VerifyAsync(cancellationToken);
        if (check.Passed)
        {
            var passed = await RecordAsync(batch, check, CheckpointVerdict.Passed, reload: null, cancellationToken);
            log.CheckpointPassed(batch.BatchId, check.Tensors, check.ElapsedMs, passed.ImagesVerified);
            return;
        }

        health.Report(WorkerTrouble.Drift, isThere: true);
        // The fused weights were made from the damaged base and must not be used again.
        await device.UnloadAsync();
        var drifted = await RecordAsync(batch, check, CheckpointVerdict.Drifted, reload: null, cancellationToken);
        log.WeightsDrifted(
            batch.BatchId, string.Join(", ", check.DriftedTensors.Take(10)), check.DriftedTensors.Count, drifted.JobsRequeued);
        await RestoreAsync(batch, check, cancellationToken);
    }

    private async Task RestoreAsync(ClaimedBatch batch, WeightCheck drift, CancellationToken cancellationToken)
    {
        ReloadReport reload;
        try
        {
            reload = await device.ReloadAsync(drift.DriftedTensors, cancellationToken);
        }
        catch (BatchGenException error) when (error is ModelException or DeviceException)
        {
            await RecordAsync(batch, drift, CheckpointVerdict.Unrecoverable, reload: null, cancellationToken);
            throw new WeightIntegrityException(
                $"The base weights of '{device.Model!.Name}' drifted and cannot be reloaded: {error.Message}", error);
        }

        var again = await device.VerifyAsync(cancellationToken);
        var verdict = again.Passed ? CheckpointVerdict.Restored : CheckpointVerdict.Unrecoverable;
        await RecordAsync(batch, again, verdict, reload, cancellationToken);
        if (!again.Passed)
        {
            throw new WeightIntegrityException(
                $"The base weights of '{device.Model!.Name}' still differ after a reload from the master, "
                    + $"in {string.Join(", ", again.DriftedTensors.Take(10))}. "
                + "Memory or device may be faulty: test them before this worker is started again.");
        }

        health.Report(WorkerTrouble.Drift, isThere: false);
        log.WeightsRestored(reload.Tensors, reload.SizeBytes, reload.ElapsedMs);
    }

    private Task<CheckpointOutcome> RecordAsync(
        ClaimedBatch batch, WeightCheck check, CheckpointVerdict verdict, ReloadReport? reload, CancellationToken cancellationToken)
    {
        WorkerMetrics.Checked(check, verdict);
        var checkpoint = new WeightCheckpoint(
            workerId, batch.BatchId, batch.Epoch, device.Model!.Name, device.Device, check, verdict, reload);
        return DatabaseRetry.RunAsync(log, health, token => checkpoints.RecordAsync(checkpoint, token), cancellationToken);
    }
}
