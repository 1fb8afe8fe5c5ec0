using BatchGen.Core.Failures;
using BatchGen.Core.Rendering;
using NpgsqlTypes;
using static BatchGen.Queue.QueueDatabase;

namespace BatchGen.Queue.Workers;

/// <summary>The workers known to the queue.</summary>
public sealed class WorkerRegistry(QueueDatabase database)
{
    /// <summary>Records that a worker started.</summary>
    /// <param name="workerId">Id that the worker made for this start.</param>
    /// <param name="name">What people call it, for example host and device.</param>
    /// <param name="device">Device of the worker.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    public Task StartAsync(Guid workerId, string name, DeviceInfo device, CancellationToken cancellationToken) =>
        StartAsync(workerId, name, device, models: null, cancellationToken);

    /// <summary>Records that a worker started that may serve some models only.</summary>
    /// <param name="workerId">Id that the worker made for this start.</param>
    /// <param name="name">What people call it, for example host and device.</param>
    /// <param name="device">Device of the worker.</param>
    /// <param name="models">Models that it may serve; null means every one.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    public Task StartAsync(
        Guid workerId, string name, DeviceInfo device, IEnumerable<string>? models, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(device);
        return database.ExecuteAsync("start_worker",
            new
            {
                worker_id = workerId, name, device = device.Name, device_description = device.Description,
                compute_type = device.ComputeType, models = models?.Select(model => model.ToLowerInvariant()).ToArray(),
            },
            cancellationToken);
    }

    /// <summary>Records that the worker is alive, and returns its orders; the order of a canary is returned once.</summary>
    /// <exception cref="QueueException">The worker was never started, or was stopped.</exception>
    public async Task<WorkerOrders> HeartbeatAsync(Guid workerId, AdapterCacheUse cache, CancellationToken cancellationToken) =>
        (await database.QueryAsync<WorkerOrders>("heartbeat_worker",
            new { worker_id = workerId, cache_hits = cache.Hits, cache_misses = cache.Misses, cache_bytes = cache.SizeBytes },
            cancellationToken)).SingleOrDefault()
            ?? throw new QueueException($"Worker {workerId} is not registered as running; it must register again under a new id.");

    /// <summary>Orders a worker to pause, resume or drain; null leaves an order as it is.</summary>
    /// <returns>False when no such worker runs.</returns>
    public async Task<bool> OrderAsync(Guid workerId, bool? paused, bool? draining, CancellationToken cancellationToken) =>
        (await database.ListAsync<Guid>("order_worker",
        [
            Parameter("worker_id", NpgsqlDbType.Uuid, workerId),
            Parameter("paused", NpgsqlDbType.Boolean, paused),
            Parameter("draining", NpgsqlDbType.Boolean, draining),
        ], cancellationToken)).Count > 0;

    /// <summary>Orders a worker, or all that run, to draw a canary before the next batch, or at once when idle.</summary>
    /// <param name="workerId">The worker; null orders all.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    /// <returns>How many workers got the order.</returns>
    public async Task<int> OrderCanariesAsync(Guid? workerId, CancellationToken cancellationToken) =>
        (await database.ListAsync<Guid>("order_canaries", [Parameter("worker_id", NpgsqlDbType.Uuid, workerId)], cancellationToken)).Count;

    /// <summary>Orders given to the workers that run, by worker.</summary>
    public async Task<IReadOnlyDictionary<Guid, WorkerOrders>> ListOrdersAsync(CancellationToken cancellationToken) =>
        (await database.QueryAsync<OrderRow>("list_worker_orders", null, cancellationToken))
            .ToDictionary(row => row.WorkerId, row => new WorkerOrders(row.Paused, row.Draining));

    /// <summary>Records that a worker stopped.</summary>
    public Task StopAsync(Guid workerId, string reason, CancellationToken cancellationToken) =>
        database.ExecuteAsync("stop_worker", new { worker_id = workerId, reason }, cancellationToken);

    /// <summary>Live workers and those stopped within a day.</summary>
    public async Task<IReadOnlyList<WorkerDetails>> ListAsync(CancellationToken cancellationToken)
    {
        var rows = await database.QueryAsync<WorkerRow>("list_workers", null, cancellationToken);
        var lacks = (await database.QueryAsync<LackRow>("list_lacks", null, cancellationToken)).ToLookup(row => row.WorkerId);
        return rows.ConvertAll(row => row.ToDetails([.. lacks[row.WorkerId].Select(lack => lack.ToLack())]));
    }

    /// <summary>Records that a worker lacks something on its machine: it claims nothing that needs it.</summary>
    /// <param name="workerId">The worker.</param>
    /// <param name="lack">What it lacks.</param>
    /// <param name="reason">What is wrong and what to do.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    public Task NoteLackAsync(Guid workerId, MachineLack lack, string reason, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(lack);
        return database.ExecuteAsync("note_lack",
            new { worker_id = workerId, kind = lack.Kind.ToCode(), name = lack.Name, sha256 = lack.Sha256, reason }, cancellationToken);
    }

    /// <summary>Records that a worker has again what it lacked.</summary>
    public Task DropLackAsync(Guid workerId, MachineLack lack, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(lack);
        return database.ExecuteAsync(
            "drop_lack", new { worker_id = workerId, kind = lack.Kind.ToCode(), name = lack.Name }, cancellationToken);
    }

    /// <summary>Records that a worker set itself aside, or works again.</summary>
    /// <param name="workerId">The worker.</param>
    /// <param name="reason">Why it claims nothing; null says that it works again.</param>
    /// <param name="batchIds">Batches in which it failed attempts without any fault of their jobs: those of jobs that wait again count no
    /// longer.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    /// <returns>How many jobs had an attempt taken back.</returns>
    public Task<int> SetAsideAsync(
        Guid workerId, string? reason, IReadOnlyList<long> batchIds, CancellationToken cancellationToken) =>
        database.ScalarAsync<int>(
            "set_aside_worker", new { worker_id = workerId, reason, batches = batchIds.ToArray() }, cancellationToken);

    /// <summary>Attempts that failed for no reason of the job's own, and images drawn: by a worker and by all others.</summary>
    /// <param name="workerId">The worker.</param>
    /// <param name="since">From when on they are counted.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    public async Task<FailureComparison> CompareFailuresAsync(Guid workerId, DateTimeOffset since, CancellationToken cancellationToken) =>
        (await database.QueryAsync<FailureComparison>("compare_failures", new { worker_id = workerId, since }, cancellationToken)).Single();

    /// <summary>How all other living workers fared with some signatures lately.</summary>
    /// <param name="workerId">The worker that is left out.</param>
    /// <param name="signatures">The signatures.</param>
    /// <param name="span">How far back batches are counted.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    public async Task<FailureCounts> CompareSignaturesAsync(
        Guid workerId, IReadOnlyList<string> signatures, TimeSpan span, CancellationToken cancellationToken) =>
        (await database.QueryAsync<FailureCounts>(
            "compare_signatures", new { worker_id = workerId, signatures = signatures.ToArray(), span }, cancellationToken)).Single();

    private sealed record OrderRow(Guid WorkerId, bool Paused, bool Draining);

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

        public DateTimeOffset? SetAsideAt { get; set; }

        public string? SetAsideReason { get; set; }

        public WorkerDetails ToDetails(IReadOnlyList<WorkerLack> lacks) => new(
            WorkerId, Name, new DeviceInfo(Device, DeviceDescription, ComputeType), StartedAt, HeartbeatAt, StoppedAt, StopReason,
            Signature, BatchId, BatchJobs, BatchFinished, Step, Steps,
            new AdapterCacheUse(AdapterCacheHits, AdapterCacheMisses, AdapterCacheBytes))
        {
            SetAsideAt = SetAsideAt, SetAsideReason = SetAsideReason, Lacks = lacks,
        };
    }

    private sealed class LackRow
    {
        public Guid WorkerId { get; set; }

        public string Kind { get; set; } = "";

        public string Name { get; set; } = "";

        public string Reason { get; set; } = "";

        public DateTimeOffset Since { get; set; }

        public DateTimeOffset LookedAt { get; set; }

        public WorkerLack ToLack() => new(Kind, Name, Reason, Since, LookedAt);
    }
}

/// <summary>Something that a worker lacks on its machine.</summary>
/// <param name="Kind">What it is: <c>adapter</c>, <c>model</c> or <c>output</c>.</param>
/// <param name="Name">The adapter or model as registered; of images, their folder.</param>
/// <param name="Reason">What is wrong and what to do.</param>
/// <param name="Since">When the lack began.</param>
/// <param name="LookedAt">When the worker looked last.</param>
public sealed record WorkerLack(string Kind, string Name, string Reason, DateTimeOffset Since, DateTimeOffset LookedAt);

/// <summary>Failed attempts beside drawn images; failures that are the job's own are not counted.</summary>
/// <param name="Failed">Attempts of the worker that failed.</param>
/// <param name="Drawn">Images that the worker drew.</param>
/// <param name="OthersFailed">Attempts of all other workers that failed.</param>
/// <param name="OthersDrawn">Images that all other workers drew.</param>
public sealed record FailureComparison(long Failed, long Drawn, long OthersFailed, long OthersDrawn);

/// <summary>Failed attempts beside drawn images; failures that are the job's own are not counted.</summary>
/// <param name="Failed">Attempts that failed.</param>
/// <param name="Drawn">Images that were drawn.</param>
public sealed record FailureCounts(long Failed, long Drawn);

/// <summary>Orders that people gave a worker.</summary>
/// <param name="Paused">The worker is to claim nothing until it is resumed.</param>
/// <param name="Draining">The worker is to claim nothing more and exit.</param>
/// <param name="Canary">The worker is to draw a canary.</param>
/// <param name="SetAside">The worker set itself aside, and nobody has resumed it.</param>
public sealed record WorkerOrders(bool Paused, bool Draining, bool Canary = false, bool SetAside = false)
{
    /// <summary>Orders of a worker to which nobody gave any.</summary>
    public static WorkerOrders None { get; } = new(Paused: false, Draining: false);
}

/// <summary>A worker with the batch it works on now.</summary>
public sealed record WorkerDetails(
    Guid WorkerId, string Name, DeviceInfo Device, DateTimeOffset StartedAt, DateTimeOffset HeartbeatAt, DateTimeOffset? StoppedAt,
    string? StopReason, string? Signature, long? BatchId, int BatchJobs, int BatchFinished, int Step, int Steps,
    AdapterCacheUse AdapterCache)
{
    /// <summary>Since when the worker claims nothing because it failed jobs at an unusual rate; null while it works.</summary>
    public DateTimeOffset? SetAsideAt { get; init; }

    /// <summary>Why it set itself aside, and what to do; null while it works.</summary>
    public string? SetAsideReason { get; init; }

    /// <summary>What it lacks on its machine; it claims nothing that needs it.</summary>
    public IReadOnlyList<WorkerLack> Lacks { get; init; } = [];

    // A worker sends a heartbeat every few seconds; after a minute, as long as a lease lasts, others may already have its jobs.
    internal static readonly TimeSpan AnswerLimit = TimeSpan.FromMinutes(1);

    /// <summary>True when the worker has sent no heartbeat for a minute, although it was not stopped.</summary>
    /// <param name="now">The present instant.</param>
    public bool StoppedAnswering(DateTimeOffset now) => StoppedAt is null && now - HeartbeatAt >= AnswerLimit;

    /// <summary>True when the worker runs and sends heartbeats.</summary>
    /// <param name="now">The present instant.</param>
    public bool IsAnswering(DateTimeOffset now) => StoppedAt is null && !StoppedAnswering(now);
}
