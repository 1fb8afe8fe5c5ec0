using NpgsqlTypes;
using static BatchGen.Queue.QueueDatabase;

namespace BatchGen.Queue.Reports;

/// <summary>What waits, and how fast it goes.</summary>
public sealed class QueueOverview(QueueDatabase database)
{
    /// <summary>Waiting jobs by signature, in the order of dispatch; counts stop at 5,000.</summary>
    /// <param name="priority">Where the page before ended; 100 at first.</param>
    /// <param name="after">Its last signature; empty at first.</param>
    /// <param name="afterGroup">Its last dispatch group; 0 at first.</param>
    /// <param name="limit">At most this many.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    public async Task<IReadOnlyList<WaitingSignature>> ListSignaturesAsync(int priority, string after, int afterGroup, int limit, CancellationToken cancellationToken) =>
        await database.QueryAsync<WaitingSignature>("list_waiting_signatures", new { priority, after, after_group = afterGroup, limit }, cancellationToken);

    /// <summary>Ids of waiting jobs of a tenant and a signature at a priority.</summary>
    public async Task<IReadOnlyList<long>> ListWaitingIdsAsync(string tenant, string signature, int priority, int limit, CancellationToken cancellationToken) =>
        await database.QueryAsync<long>("list_waiting_ids", new { tenant, signature, priority, limit }, cancellationToken);

    /// <summary>Moves waiting jobs to another priority.</summary>
    /// <returns>How many moved.</returns>
    /// <exception cref="SubmitRefusedException">The priority is out of range.</exception>
    public async Task<int> SetPriorityAsync(IReadOnlyList<long> jobIds, int priority, CancellationToken cancellationToken) => (await database.ListAsync<int>("set_priority",
        [Parameter("job_ids", NpgsqlDbType.Array | NpgsqlDbType.Bigint, jobIds.ToArray()), Parameter("priority", NpgsqlDbType.Integer, priority)], cancellationToken)).Single();

    /// <summary>Jobs that wait for a start time.</summary>
    public async Task<ScheduledJobs> CountScheduledAsync(CancellationToken cancellationToken) =>
        (await database.QueryAsync<ScheduledJobs>("count_scheduled", null, cancellationToken)).Single();

    /// <summary>Pictures by five minutes.</summary>
    public async Task<IReadOnlyList<ThroughputSlice>> ListThroughputAsync(DateTimeOffset since, CancellationToken cancellationToken) =>
        await database.QueryAsync<ThroughputSlice>("list_throughput", new { since = since.ToUniversalTime() }, cancellationToken);

    /// <summary>Fusions in the newest batches, and what the same jobs would have cost in order of submission.</summary>
    public async Task<FusionComparison> CompareFusionsAsync(int batches, CancellationToken cancellationToken) =>
        (await database.QueryAsync<FusionComparison>("compare_fusions", new { batches }, cancellationToken)).Single();

    /// <summary>Pauses or resumes a model.</summary>
    /// <returns>False when there is no such model.</returns>
    public async Task<bool> PauseModelAsync(string name, bool paused, CancellationToken cancellationToken) =>
        (await database.QueryAsync<string>("pause_model", new { name, paused }, cancellationToken)).Count > 0;

    /// <summary>Pauses or resumes a tenant.</summary>
    /// <returns>False when there is no such tenant.</returns>
    public async Task<bool> PauseTenantAsync(string name, bool paused, CancellationToken cancellationToken) =>
        (await database.QueryAsync<string>("pause_tenant", new { name, paused }, cancellationToken)).Count > 0;

    /// <summary>What is paused: <c>model</c> or <c>tenant</c>, and its name.</summary>
    public async Task<IReadOnlyList<(string Kind, string Name)>> ListPausedAsync(CancellationToken cancellationToken) =>
        await database.QueryAsync<(string, string)>("list_paused", null, cancellationToken);

    /// <summary>What people ordered of workers that run.</summary>
    public async Task<IReadOnlyDictionary<Guid, (bool Paused, bool Draining)>> ListWorkerOrdersAsync(CancellationToken cancellationToken) =>
        (await database.QueryAsync<(Guid Id, bool Paused, bool Draining)>("list_worker_orders", null, cancellationToken)).ToDictionary(row => row.Id, row => (row.Paused, row.Draining));
}

/// <summary>Waiting jobs of one signature and dispatch group.</summary>
public sealed class WaitingSignature
{
    /// <summary>Priority they have.</summary>
    public short Priority { get; init; }

    /// <summary>Canonical signature.</summary>
    public string Signature { get; init; } = "";

    /// <summary>The dispatch group: model, priority and tenant.</summary>
    public int GroupId { get; init; }

    /// <summary>Base model.</summary>
    public string Model { get; init; } = "";

    /// <summary>True while the model is paused.</summary>
    public bool ModelPaused { get; init; }

    /// <summary>Whose jobs.</summary>
    public string Tenant { get; init; } = "";

    /// <summary>True while the tenant is paused.</summary>
    public bool TenantPaused { get; init; }

    /// <summary>How many wait; 5,000 means that many or more.</summary>
    public long Waiting { get; init; }

    /// <summary>Since when the first of them waits.</summary>
    public DateTimeOffset OldestAt { get; init; }
}

/// <summary>Jobs that wait for a start time.</summary>
public sealed class ScheduledJobs
{
    /// <summary>How many; 5,000 means that many or more.</summary>
    public long Scheduled { get; init; }

    /// <summary>When the first of them starts.</summary>
    public DateTimeOffset? FirstAt { get; init; }
}

/// <summary>What was drawn in five minutes.</summary>
public sealed class ThroughputSlice
{
    /// <summary>Start of the five minutes.</summary>
    public DateTimeOffset At { get; init; }

    /// <summary>Pictures.</summary>
    public long Images { get; init; }

    /// <summary>Batches that switched signature.</summary>
    public long Fusions { get; init; }
}

/// <summary>What sorting by signature saved in the newest batches.</summary>
public sealed class FusionComparison
{
    /// <summary>Fusions done.</summary>
    public long Done { get; init; }

    /// <summary>Fusions the same jobs would have cost in order of submission.</summary>
    public long InArrivalOrder { get; init; }

    /// <summary>Jobs compared.</summary>
    public long Jobs { get; init; }
}
