using NpgsqlTypes;
using static BatchGen.Queue.QueueDatabase;

namespace BatchGen.Queue.Jobs;

/// <summary>Changes jobs that are in the queue: cancels them, queues them again, moves them to another priority.</summary>
/// <remarks>Each call waits for jobs that a transaction of somebody else keeps for a limited time (<see cref="LockWait"/>).</remarks>
public sealed class JobActions(QueueDatabase database)
{
    private const string Kept = "one of these jobs";

    /// <summary>Cancels jobs that have not ended; a running one is dropped by its worker between two steps.</summary>
    /// <returns>Ids cancelled now.</returns>
    public Task<IReadOnlyList<long>> CancelAsync(IReadOnlyList<long> jobIds, CancellationToken cancellationToken) =>
        CancelAsync(jobIds, tenant: null, cancellationToken);

    /// <summary>Cancels jobs that have not ended and belong to a tenant; jobs of others are left alone.</summary>
    /// <param name="jobIds">The jobs.</param>
    /// <param name="tenant">The tenant; null cancels the jobs of any tenant.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>Ids cancelled now.</returns>
    public async Task<IReadOnlyList<long>> CancelAsync(IReadOnlyList<long> jobIds, string? tenant, CancellationToken cancellationToken) =>
        await LockWait.RunAsync(Kept, () => database.ListAsync<long>(
            "cancel_jobs", [JobIds(jobIds), Parameter("tenant", NpgsqlDbType.Text, tenant), LockWait.Parameter()], cancellationToken));

    /// <summary>Queues failed or cancelled jobs again, with all their attempts.</summary>
    /// <returns>Ids queued again.</returns>
    public async Task<IReadOnlyList<long>> RetryAsync(IReadOnlyList<long> jobIds, CancellationToken cancellationToken) =>
        await LockWait.RunAsync(Kept, () => database.ListAsync<long>(
            "retry_jobs", [JobIds(jobIds), Parameter("tenant", NpgsqlDbType.Text, null), LockWait.Parameter()], cancellationToken));

    /// <summary>Moves waiting jobs to another priority; jobs that do not wait are left alone.</summary>
    /// <returns>How many moved.</returns>
    /// <exception cref="SubmitRefusedException">The priority is out of range.</exception>
    public async Task<int> SetPriorityAsync(IReadOnlyList<long> jobIds, int priority, CancellationToken cancellationToken) =>
        (await LockWait.RunAsync(Kept, () => database.ListAsync<int>(
            "set_priority", [JobIds(jobIds), Parameter("priority", NpgsqlDbType.Integer, priority), LockWait.Parameter()],
            cancellationToken))).Single();

    private static Npgsql.NpgsqlParameter JobIds(IReadOnlyList<long> jobIds) =>
        Parameter("job_ids", NpgsqlDbType.Array | NpgsqlDbType.Bigint, jobIds.ToArray());
}
