using NpgsqlTypes;
using static BatchGen.Queue.QueueDatabase;

namespace BatchGen.Queue.Reports;

/// <summary>Looks up what became of a job and whose it is.</summary>
public sealed class JobHistory(QueueDatabase database)
{
    /// <summary>Attempts of a job that did not end in an image, oldest first.</summary>
    public async Task<IReadOnlyList<JobAttempt>> ListAttemptsAsync(long jobId, CancellationToken cancellationToken) =>
        await database.QueryAsync<JobAttempt>("list_attempts", new { job_id = jobId }, cancellationToken);

    /// <summary>What a job's page shows beside the job itself, or null when there is no such job.</summary>
    public async Task<JobExtras?> FindExtrasAsync(long jobId, CancellationToken cancellationToken) =>
        (await database.QueryAsync<JobExtras>("find_job_extras", new { job_id = jobId }, cancellationToken)).SingleOrDefault();

    /// <summary>Which of the jobs belong to a tenant.</summary>
    public async Task<IReadOnlyList<long>> ListOwnedAsync(IReadOnlyList<long> jobIds, string tenant, CancellationToken cancellationToken) =>
        await database.ListAsync<long>("list_owned_ids",
        [
            Parameter("job_ids", NpgsqlDbType.Array | NpgsqlDbType.Bigint, jobIds.ToArray()),
            Parameter("tenant", NpgsqlDbType.Text, tenant),
        ], cancellationToken);
}

/// <summary>An attempt at a job that did not end in an image.</summary>
public sealed class JobAttempt
{
    /// <summary>Number of the attempt, from 1.</summary>
    public short Attempt { get; init; }

    /// <summary>True when the attempt counts towards the job's limit of attempts.</summary>
    public bool Counted { get; init; }

    /// <summary>Stable code of how the attempt ended.</summary>
    public string Code { get; init; } = "";

    /// <summary>What happened, for people.</summary>
    public string Message { get; init; } = "";

    /// <summary>Name of the worker that made the attempt, or null.</summary>
    public string? Worker { get; init; }

    /// <summary>The batch in which the attempt was made, or null.</summary>
    public long? BatchId { get; init; }

    /// <summary>When the attempt began, or null when it never did.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>When the attempt ended.</summary>
    public DateTimeOffset EndedAt { get; init; }
}

/// <summary>What a job's page shows beside the job itself.</summary>
public sealed class JobExtras
{
    /// <summary>Tenant that the job belongs to.</summary>
    public string Tenant { get; init; } = "";

    /// <summary>Words by which the job can be found, or null.</summary>
    public string[]? Tags { get; init; }

    /// <summary>The job fails when it has not started by then; null means never.</summary>
    public DateTimeOffset? Deadline { get; init; }

    /// <summary>The batch that drew the image, or null.</summary>
    public long? BatchId { get; init; }

    /// <summary>Name of the worker that drew the image or has the job now, or null.</summary>
    public string? Worker { get; init; }

    /// <summary>When the job's batch was claimed, or null.</summary>
    public DateTimeOffset? ClaimedAt { get; init; }

    /// <summary>When the image was saved, or null.</summary>
    public DateTimeOffset? SavedAt { get; init; }

    /// <summary>The recipe inside the image, as JSON, or null.</summary>
    public string? Recipe { get; init; }
}
