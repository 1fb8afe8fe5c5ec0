namespace BatchGen.Queue.Reports;

/// <summary>Reads what waits in the queue, what is paused, and how fast images are drawn.</summary>
public sealed class QueueOverview(QueueDatabase database)
{
    /// <summary>Waiting jobs by signature, in the order of dispatch; counts stop at 5,000.</summary>
    /// <param name="priority">Where the page before ended; 100 at first.</param>
    /// <param name="after">Its last signature; empty at first.</param>
    /// <param name="afterGroup">Its last dispatch group; 0 at first.</param>
    /// <param name="limit">At most this many.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    public async Task<IReadOnlyList<WaitingSignature>> ListSignaturesAsync(
        int priority, string after, int afterGroup, int limit, CancellationToken cancellationToken) =>
            await database.QueryAsync<WaitingSignature>(
                "list_waiting_signatures", new { priority, after, after_group = afterGroup, limit }, cancellationToken);

    /// <summary>Ids of waiting jobs of a tenant and a signature at a priority.</summary>
    public async Task<IReadOnlyList<long>> ListWaitingIdsAsync(
        string tenant, string signature, int priority, int limit, CancellationToken cancellationToken) =>
            await database.QueryAsync<long>("list_waiting_ids", new { tenant, signature, priority, limit }, cancellationToken);

    /// <summary>Jobs that wait for a start time.</summary>
    public async Task<ScheduledJobs> CountScheduledAsync(CancellationToken cancellationToken) =>
        (await database.QueryAsync<ScheduledJobs>("count_scheduled", null, cancellationToken)).Single();

    /// <summary>Images and fusions in slices of five minutes.</summary>
    public async Task<IReadOnlyList<ThroughputSlice>> ListThroughputAsync(DateTimeOffset since, CancellationToken cancellationToken) =>
        await database.QueryAsync<ThroughputSlice>("list_throughput", new { since = since.ToUniversalTime() }, cancellationToken);

    /// <summary>Fusions in the newest batches, and what the same jobs would have cost in order of submission.</summary>
    public async Task<FusionComparison> CompareFusionsAsync(int batches, CancellationToken cancellationToken) =>
        (await database.QueryAsync<FusionComparison>("compare_fusions", new { batches }, cancellationToken)).Single();

    /// <summary>What waits, and whether it may be claimed, for metrics.</summary>
    public async Task<QueueMeasure> MeasureAsync(CancellationToken cancellationToken) =>
        (await database.QueryAsync<QueueMeasure>("measure_queue", null, cancellationToken)).Single();

    /// <summary>Paused models and tenants.</summary>
    public async Task<IReadOnlyList<PausedName>> ListPausedAsync(CancellationToken cancellationToken) =>
        await database.QueryAsync<PausedName>("list_paused", null, cancellationToken);
}

/// <summary>What waits in the queue at one moment, and whether it may be claimed.</summary>
/// <param name="OldestSeconds">For how long the oldest job has waited since its start time; 0 when none waits.</param>
/// <param name="Claimable">True when a worker may claim a job now.</param>
/// <param name="AllPaused">True when jobs wait, all of them of paused models or tenants.</param>
/// <param name="WindowClosed">True when jobs wait that are not paused, but may not be claimed at this hour.</param>
/// <param name="Drifted">True when the newest checkpoint of a worker that runs found a difference.</param>
public sealed record QueueMeasure(double OldestSeconds, bool Claimable, bool AllPaused, bool WindowClosed, bool Drifted);

/// <summary>Waiting jobs of one signature and dispatch group.</summary>
public sealed class WaitingSignature
{
    /// <summary>Priority of the jobs.</summary>
    public short Priority { get; init; }

    /// <summary>Canonical signature of the jobs.</summary>
    public string Signature { get; init; } = "";

    /// <summary>Id of the dispatch group: model, priority and tenant.</summary>
    public int GroupId { get; init; }

    /// <summary>Name of the base model.</summary>
    public string Model { get; init; } = "";

    /// <summary>True while the model is paused.</summary>
    public bool ModelPaused { get; init; }

    /// <summary>Tenant that the jobs belong to.</summary>
    public string Tenant { get; init; } = "";

    /// <summary>True while the tenant is paused.</summary>
    public bool TenantPaused { get; init; }

    /// <summary>How many jobs wait; 5,000 means that many or more.</summary>
    public long Waiting { get; init; }

    /// <summary>Since when the oldest of the jobs waits.</summary>
    public DateTimeOffset OldestAt { get; init; }
}

/// <summary>A model or tenant that is paused.</summary>
/// <param name="Kind"><c>model</c> or <c>tenant</c>.</param>
/// <param name="Name">Name of the model or tenant.</param>
public sealed record PausedName(string Kind, string Name);

/// <summary>Jobs that wait for a start time.</summary>
public sealed class ScheduledJobs
{
    /// <summary>How many jobs wait for a start time; 5,000 means that many or more.</summary>
    public long Scheduled { get; init; }

    /// <summary>When the first of the jobs starts, or null when there is none.</summary>
    public DateTimeOffset? FirstAt { get; init; }
}

/// <summary>Images drawn in a slice of five minutes.</summary>
public sealed class ThroughputSlice
{
    /// <summary>Start of the slice.</summary>
    public DateTimeOffset At { get; init; }

    /// <summary>How many images were drawn.</summary>
    public long Images { get; init; }

    /// <summary>How many batches switched to another signature.</summary>
    public long Fusions { get; init; }
}

/// <summary>What sorting by signature saved in the newest batches.</summary>
public sealed class FusionComparison
{
    /// <summary>Fusions that were done.</summary>
    public long Done { get; init; }

    /// <summary>Fusions the same jobs would have cost in order of submission.</summary>
    public long InArrivalOrder { get; init; }

    /// <summary>How many jobs were compared.</summary>
    public long Jobs { get; init; }
}
