using BatchGen.Core.Jobs;
using NpgsqlTypes;
using static BatchGen.Queue.QueueDatabase;

namespace BatchGen.Queue.Reports;

/// <summary>Looks deeper into jobs than the catalog: attempts, tags, text, tenants.</summary>
public sealed class JobHistory(QueueDatabase database)
{
    /// <summary>What became of a job so far, oldest first.</summary>
    public async Task<IReadOnlyList<JobAttempt>> ListAttemptsAsync(long jobId, CancellationToken cancellationToken) =>
        await database.QueryAsync<JobAttempt>("list_attempts", new { job_id = jobId }, cancellationToken);

    /// <summary>More of a job, or null.</summary>
    public async Task<JobExtras?> FindExtrasAsync(long jobId, CancellationToken cancellationToken) =>
        (await database.QueryAsync<JobExtras>("find_job_extras", new { job_id = jobId }, cancellationToken)).SingleOrDefault();

    /// <summary>Ids of jobs whose prompt holds a text, among the 20,000 jobs below the cursor.</summary>
    public async Task<IReadOnlyList<long>> ListIdsWithTextAsync(string text, string? tag, JobFilter filter, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(filter);
        return await ListIdsAsync(filter.Campaign is null ? "list_ids_with_text" : "list_campaign_ids_with_text", PatternOf(text), tag, filter, cancellationToken);
    }

    /// <summary>Ids of jobs with a tag.</summary>
    public async Task<IReadOnlyList<long>> ListIdsWithTagAsync(string tag, JobFilter filter, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(filter);
        if (filter.Campaign is not null) return await ListIdsAsync("list_campaign_ids_with_text", "%", tag, filter, cancellationToken);
        // A common tag fills the page from the newest jobs; only a rare one needs its index, and then there is little behind it.
        var recent = await ListIdsAsync("list_ids_with_text", "%", tag, filter, cancellationToken);
        return recent.Count == filter.Limit ? recent : await ListIdsAsync("list_ids_with_tag", null, tag, filter, cancellationToken);
    }

    private async Task<IReadOnlyList<long>> ListIdsAsync(string query, string? pattern, string? tag, JobFilter filter, CancellationToken cancellationToken)
    {
        var parameters = new List<Npgsql.NpgsqlParameter>
        {
            Parameter("tag", NpgsqlDbType.Text, tag), Parameter("before", NpgsqlDbType.Bigint, filter.BeforeJobId ?? long.MaxValue),
            Parameter("state", NpgsqlDbType.Text, filter.State?.ToCode()), Parameter("signature", NpgsqlDbType.Text, filter.Signature), Parameter("limit", NpgsqlDbType.Integer, filter.Limit),
        };
        if (pattern is not null) parameters.Add(Parameter("text", NpgsqlDbType.Text, pattern));
        if (filter.Campaign is not null) parameters.Add(Parameter("campaign", NpgsqlDbType.Text, filter.Campaign));
        return await database.ListAsync<long>(query, parameters, cancellationToken);
    }

    /// <summary>Which of the jobs belong to a tenant.</summary>
    public async Task<IReadOnlyList<long>> ListOwnedAsync(IReadOnlyList<long> jobIds, string tenant, CancellationToken cancellationToken) =>
        await database.ListAsync<long>("list_owned_ids",
            [Parameter("job_ids", NpgsqlDbType.Array | NpgsqlDbType.Bigint, jobIds.ToArray()), Parameter("tenant", NpgsqlDbType.Text, tenant)], cancellationToken);

    /// <summary>Ids of a tenant's jobs that fit, newest first, among 20,000 of its jobs (of the campaign, when one is named) below the cursor.</summary>
    public async Task<IReadOnlyList<long>> ListIdsOfTenantAsync(JobQuery query, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(query);
        var filter = query.Filter;
        var parameters = TenantParameters(query);
        parameters.Add(Parameter("state", NpgsqlDbType.Text, filter.State?.ToCode()));
        parameters.Add(Parameter("signature", NpgsqlDbType.Text, filter.Signature));
        parameters.Add(Parameter("text", NpgsqlDbType.Text, query.Text is null ? null : PatternOf(query.Text)));
        parameters.Add(Parameter("tag", NpgsqlDbType.Text, query.Tag));
        parameters.Add(Parameter("limit", NpgsqlDbType.Integer, filter.Limit));
        return await database.ListAsync<long>(filter.Campaign is null ? "list_ids_of_tenant" : "list_campaign_ids_of_tenant", parameters, cancellationToken);
    }

    /// <summary>The last of those 20,000 jobs, from where on the search can go on; null when it saw all there are.</summary>
    public async Task<long?> FindWindowOfTenantAsync(JobQuery query, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(query);
        var parameters = TenantParameters(query);
        return await database.ListAsync<long>("find_window_of_tenant", parameters, cancellationToken) is [var last, ..] ? last : null;
    }

    private static List<Npgsql.NpgsqlParameter> TenantParameters(JobQuery query) =>
    [
        Parameter("tenant", NpgsqlDbType.Text, query.Tenant), Parameter("campaign", NpgsqlDbType.Text, query.Filter.Campaign),
        Parameter("before", NpgsqlDbType.Bigint, query.Filter.BeforeJobId ?? long.MaxValue),
    ];

    private static string PatternOf(string text) => "%" + text.Replace("\\", "\\\\").Replace("%", "\\%").Replace("_", "\\_") + "%";

    /// <summary>Cancels jobs of one tenant.</summary>
    /// <returns>Ids cancelled now.</returns>
    public async Task<IReadOnlyList<long>> CancelAsync(IReadOnlyList<long> jobIds, string? tenant, CancellationToken cancellationToken) =>
        await database.ListAsync<long>("cancel_jobs",
            [Parameter("job_ids", NpgsqlDbType.Array | NpgsqlDbType.Bigint, jobIds.ToArray()), Parameter("tenant", NpgsqlDbType.Text, tenant)], cancellationToken);
}

/// <summary>An attempt that did not end in a picture.</summary>
public sealed class JobAttempt
{
    /// <summary>Its number.</summary>
    public short Attempt { get; init; }

    /// <summary>True when it counts towards the limit.</summary>
    public bool Counted { get; init; }

    /// <summary>Stable code of how it ended.</summary>
    public string Code { get; init; } = "";

    /// <summary>What happened.</summary>
    public string Message { get; init; } = "";

    /// <summary>The worker.</summary>
    public string? Worker { get; init; }

    /// <summary>The batch.</summary>
    public long? BatchId { get; init; }

    /// <summary>When it began.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>When it ended.</summary>
    public DateTimeOffset EndedAt { get; init; }
}

/// <summary>More of a job.</summary>
public sealed class JobExtras
{
    /// <summary>Whose job.</summary>
    public string Tenant { get; init; } = "";

    /// <summary>Words to find it by.</summary>
    public string[]? Tags { get; init; }

    /// <summary>Fails when not started by then.</summary>
    public DateTimeOffset? Deadline { get; init; }

    /// <summary>The batch that drew it.</summary>
    public long? BatchId { get; init; }

    /// <summary>The worker that drew it, or has it now.</summary>
    public string? Worker { get; init; }

    /// <summary>When its batch was claimed.</summary>
    public DateTimeOffset? ClaimedAt { get; init; }

    /// <summary>When its picture was saved.</summary>
    public DateTimeOffset? SavedAt { get; init; }

    /// <summary>The recipe inside the picture, as JSON.</summary>
    public string? Recipe { get; init; }
}
