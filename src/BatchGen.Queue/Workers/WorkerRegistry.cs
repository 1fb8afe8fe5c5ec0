using BatchGen.Core.Rendering;
using NpgsqlTypes;
using static BatchGen.Queue.QueueDatabase;

namespace BatchGen.Queue.Workers;

/// <summary>The workers known to the queue.</summary>
public sealed class WorkerRegistry(QueueDatabase database)
{
    /// <summary>Writes a worker down as started.</summary>
    /// <param name="workerId">Made by the worker, new at every start.</param>
    /// <param name="name">What people call it, for example host and device.</param>
    /// <param name="device">Its device.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    public Task StartAsync(Guid workerId, string name, DeviceInfo device, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(device);
        return database.ExecuteAsync("start_worker",
            new { worker_id = workerId, name, device = device.Name, device_description = device.Description, compute_type = device.ComputeType }, cancellationToken);
    }

    /// <summary>Says the worker is alive, and hears its orders; that of a canary is given once.</summary>
    /// <exception cref="QueueException">The worker was never started, or was stopped.</exception>
    public async Task<WorkerOrders> HeartbeatAsync(Guid workerId, AdapterCacheUse cache, CancellationToken cancellationToken) =>
        (await database.QueryAsync<WorkerOrders>("heartbeat_worker",
            new { worker_id = workerId, cache_hits = cache.Hits, cache_misses = cache.Misses, cache_bytes = cache.SizeBytes }, cancellationToken)).SingleOrDefault()
            ?? throw new QueueException($"Worker {workerId} is not registered as running; it must register again under a new id.");

    /// <summary>Tells a worker to pause, resume or drain; null leaves an order as it is.</summary>
    /// <returns>False when no such worker runs.</returns>
    public async Task<bool> OrderAsync(Guid workerId, bool? paused, bool? draining, CancellationToken cancellationToken) =>
        (await database.ListAsync<Guid>("order_worker",
        [
            Parameter("worker_id", NpgsqlDbType.Uuid, workerId),
            Parameter("paused", NpgsqlDbType.Boolean, paused),
            Parameter("draining", NpgsqlDbType.Boolean, draining),
        ], cancellationToken)).Count > 0;

    /// <summary>Tells a worker, or all that run, to draw a canary before the next batch, or at once when idle.</summary>
    /// <param name="workerId">That one; null tells all.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    /// <returns>How many were told.</returns>
    public async Task<int> OrderCanariesAsync(Guid? workerId, CancellationToken cancellationToken) =>
        (await database.ListAsync<Guid>("order_canaries", [Parameter("worker_id", NpgsqlDbType.Uuid, workerId)], cancellationToken)).Count;

    /// <summary>Writes a worker down as stopped.</summary>
    public Task StopAsync(Guid workerId, string reason, CancellationToken cancellationToken) =>
        database.ExecuteAsync("stop_worker", new { worker_id = workerId, reason }, cancellationToken);

    /// <summary>Live workers and those stopped within a day.</summary>
    public async Task<IReadOnlyList<WorkerDetails>> ListAsync(CancellationToken cancellationToken)
    {
        var rows = await database.QueryAsync<WorkerRow>("list_workers", null, cancellationToken);
        return rows.ConvertAll(row => new WorkerDetails(row.WorkerId, row.Name, new DeviceInfo(row.Device, row.DeviceDescription, row.ComputeType), row.StartedAt,
            row.HeartbeatAt, row.StoppedAt, row.StopReason, row.Signature, row.BatchId, row.BatchJobs, row.BatchFinished, row.Step, row.Steps,
            new AdapterCacheUse(row.AdapterCacheHits, row.AdapterCacheMisses, row.AdapterCacheBytes)));
    }

    private sealed class WorkerRow
    {
        public Guid WorkerId { get; set; }

        public string Name { get; set; } = "";

        public string Device { get; set; } = "";

        public string DeviceDescription { get; set; } = "";

        public string ComputeType { get; set; } = "";

        public DateTimeOffset StartedAt { get; set; }

        public DateTimeOffset HeartbeatAt { get; set; }

        public DateTimeOffset? StoppedAt { get; set; }

        public string? StopReason { get; set; }

        public string? Signature { get; set; }

        public long? BatchId { get; set; }

        public int BatchJobs { get; set; }

        public int BatchFinished { get; set; }

        public int Step { get; set; }

        public int Steps { get; set; }

        public long AdapterCacheHits { get; set; }

        public long AdapterCacheMisses { get; set; }

        public long AdapterCacheBytes { get; set; }
    }
}

/// <summary>What a person wants of a worker.</summary>
/// <param name="Paused">Claim nothing until resumed.</param>
/// <param name="Draining">Claim nothing more and exit.</param>
/// <param name="Canary">Draw a canary.</param>
public sealed record WorkerOrders(bool Paused, bool Draining, bool Canary = false);

/// <summary>A worker with what it does now.</summary>
public sealed record WorkerDetails(
    Guid WorkerId, string Name, DeviceInfo Device, DateTimeOffset StartedAt, DateTimeOffset HeartbeatAt, DateTimeOffset? StoppedAt, string? StopReason,
    string? Signature, long? BatchId, int BatchJobs, int BatchFinished, int Step, int Steps, AdapterCacheUse AdapterCache)
{
    // A heartbeat comes every few seconds (BatchGen:Worker:HeartbeatInterval); several must be missing before a worker is taken for dead.
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromMinutes(1);

    /// <summary>True for a worker that was not stopped and wrote a heartbeat within the last minute.</summary>
    /// <param name="now">The time to judge by.</param>
    public bool IsAnswering(DateTimeOffset now) => StoppedAt is null && now - HeartbeatAt < AnswerLimit;
}
