using BatchGen.Core.Rendering;

namespace BatchGen.Queue.Workers;

/// <summary>The workers known to the queue.</summary>
public sealed class WorkerRegistry(QueueDatabase database)
{
    /// <summary>Writes a worker down as started.</summary>
    /// <param name="workerId">Made by the worker, new at every start.</param>
    /// <param name="name">What people call it, for example host and device.</param>
    /// <param name="device">Its device.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    public Task StartAsync(Guid workerId, string name, DeviceInfo device, CancellationToken cancellationToken) => throw new NotImplementedException(database.Options.Schema);

    /// <summary>Says the worker is alive, and learns whether a person paused or drains it.</summary>
    public Task<WorkerOrders> HeartbeatAsync(Guid workerId, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Writes a worker down as stopped.</summary>
    public Task StopAsync(Guid workerId, string reason, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Live workers and those stopped within a day.</summary>
    public Task<IReadOnlyList<WorkerDetails>> ListAsync(CancellationToken cancellationToken) => throw new NotImplementedException();
}

/// <summary>What a person wants of a worker.</summary>
/// <param name="Paused">Claim nothing until resumed.</param>
/// <param name="Draining">Claim nothing more and exit.</param>
public sealed record WorkerOrders(bool Paused, bool Draining);

/// <summary>A worker with what it does now.</summary>
public sealed record WorkerDetails(
    Guid WorkerId, string Name, DeviceInfo Device, DateTimeOffset StartedAt, DateTimeOffset HeartbeatAt, DateTimeOffset? StoppedAt, string? StopReason,
    string? Signature, long? BatchId, int BatchJobs, int BatchFinished, int Step, int Steps);
