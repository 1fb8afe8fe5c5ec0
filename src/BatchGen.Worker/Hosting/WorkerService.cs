using BatchGen.Core.Monitoring;
using BatchGen.Core.Submitting;
using BatchGen.Queue;
using BatchGen.Queue.Canaries;
using BatchGen.Queue.Checkpoints;
using BatchGen.Queue.Claims;
using BatchGen.Queue.Jobs;
using BatchGen.Queue.Registry;
using BatchGen.Queue.Signals;
using BatchGen.Queue.Workers;
using BatchGen.Worker.Batches;
using BatchGen.Worker.Canaries;
using BatchGen.Worker.Devices;
using BatchGen.Worker.Faults;
using BatchGen.Worker.Leases;
using BatchGen.Worker.Monitoring;
using BatchGen.Worker.Output;
using BatchGen.Worker.Weights;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace BatchGen.Worker.Hosting;

/// <summary>The life of one worker: takes its device, registers, runs the loop, and signs off however the loop ended.</summary>
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
    ImageSaver saver,
    StartImageFolder startImages,
    StartImageOwners owners,
    OutputProbe output,
    WorkerHealth health,
    WorkerOutcome outcome,
    IHostApplicationLifetime lifetime,
    TimeProvider clock,
    ILogger<WorkerService> log) : BackgroundService
{
    private readonly Guid _id = Guid.CreateVersion7();

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var reason = "stopped";
        DeviceSession? device = null;
        using var stop = new StopLimit(options.StopTimeout, clock);
        await using var asked = stoppingToken.Register(stop.Begin);
        try
        {
            device = await DeviceSession.StartAsync(createRenderer, models, adapters, health, log);
            var name = options.Name.Length > 0 ? options.Name : $"{Environment.MachineName} {device.Device.Name}";
            string[]? served = options.Models.Count == 0 ? null : [.. options.Models];
            await DatabaseRetry.RunAsync(
                log, health, token => workers.StartAsync(_id, name, device.Device, served, token), stoppingToken);
            log.WorkerStarted(_id, name, device.Device.Name, device.Device.ComputeType);
            health.Enter(ProcessStates.Idle);
            WorkerMetrics.Begin();
            var owned = device;
            using var gauges = new WorkerGauges(owned.Device.Name, () => owned.AdapterCache, saver.Folder);
            reason = await CreateLoop(device, stop).RunAsync(stoppingToken);
            outcome.EndInOrder();
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Asked to stop: the normal end.
        }
#pragma warning disable CA1031 // Whatever it was, the worker must record it: one that ended without a failure is not started again.
        catch (Exception error)
#pragma warning restore CA1031
        {
            reason = RecordFailure(error);
        }
        finally
        {
            stop.Begin();
            health.Enter(ProcessStates.Stopping);
            await SignOffAsync(device, reason, stop.Passed);
            lifetime.StopApplication();
        }
    }

    private WorkerLoop CreateLoop(DeviceSession device, StopLimit stop)
    {
        var lacks = new LackBook(_id, device, startImages, workers, models, options, health, clock, log);
        var failures = new FailureWatch(_id, workers, options, health, clock, log);
        var source = new BatchSource(
            _id, device, options, database, claims, workers, output, health, lacks, failures, stop, clock, log);
        var trial = new DeviceTrial(device, health, log);
        var canary = new CanaryGuard(device, canaries, workers, _id, options, health, log);
        var weights = new WeightGuard(device, checkpoints, _id, health, log);
        return new WorkerLoop(
            options, device, trial, source, canary, weights, claims, saver, startImages, owners, output, health, lacks, failures, signal,
            stop, clock, log);
    }

    /// <returns>Why the worker ends.</returns>
    private string RecordFailure(Exception error)
    {
        log.WorkerFailed(error.Message, error);
        outcome.Fail(error.Message);
        return error.Message;
    }

    private async Task SignOffAsync(DeviceSession? device, string reason, CancellationToken stopPassed)
    {
        try
        {
            if (device is not null) await device.DisposeAsync();
        }
#pragma warning disable CA1031 // A device that fails may fail once more here; the worker signs off all the same.
        catch (Exception error)
#pragma warning restore CA1031
        {
            reason = RecordFailure(error);
        }

        try
        {
            // A claim that was cut short may have been committed all the same.
            await claims.RequeueAllAsync(_id, after: 0, stopPassed);
            await workers.StopAsync(_id, reason, stopPassed);
        }
        catch (Exception error) when (TransientRetry.KindOf(error) is not null || error is QueueException or OperationCanceledException)
        {
            log.SignOffFailed(error.Message);
        }

        log.WorkerStopped(reason);
    }
}

/// <summary>How a worker ended; the program turns it into its exit code.</summary>
public sealed class WorkerOutcome
{
    /// <summary>The first error that ended the worker, or null.</summary>
    public string? Failure { get; private set; }

    /// <summary>True when the worker ended by itself as it was meant to: it was drained, or nothing was left to do.</summary>
    public bool EndedInOrder { get; private set; }

    internal void Fail(string message) => Failure ??= message;

    internal void EndInOrder() => EndedInOrder = true;
}
