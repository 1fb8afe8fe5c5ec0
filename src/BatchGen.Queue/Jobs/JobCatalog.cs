using BatchGen.Core.Adapters;
using BatchGen.Core.Jobs;
using NpgsqlTypes;
using static BatchGen.Queue.QueueDatabase;

namespace BatchGen.Queue.Jobs;

/// <summary>Looks jobs up, counts them, cancels them and puts failed ones back.</summary>
public sealed class JobCatalog(QueueDatabase database)
{
    /// <summary>One job, or null.</summary>
    public async Task<JobDetails?> FindAsync(long jobId, CancellationToken cancellationToken) =>
        (await FindAsync([jobId], cancellationToken)).SingleOrDefault();

    /// <summary>Several jobs in the order of their ids; unknown ids are left out.</summary>
    public async Task<IReadOnlyList<JobDetails>> FindAsync(IReadOnlyList<long> jobIds, CancellationToken cancellationToken)
    {
        var rows = await database.QueryAsync<JobRow>("find_jobs", new { job_ids = jobIds.ToArray() }, cancellationToken);
        return rows.ConvertAll(row => row.ToDetails());
    }

    /// <summary>Jobs, newest first.</summary>
    public async Task<IReadOnlyList<JobDetails>> ListAsync(JobFilter filter, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(filter);
        ArgumentOutOfRangeException.ThrowIfLessThan(filter.Limit, 1);
        return await FindAsync(await ListIdsAsync(filter, cancellationToken), cancellationToken);
    }

    // Each filter has a query of its own, so that each keeps its own index; the page of ids is looked up afterwards. A filter with two conditions is first
    // tried on the newest jobs of one, which fills the page when the other is common; a rare one is then looked for from its own side.
    private async Task<IReadOnlyList<long>> ListIdsAsync(JobFilter filter, CancellationToken cancellationToken)
    {
        string? thorough = null;
        var quick = filter switch
        {
            { Campaign: not null } => "list_ids_of_campaign",
            { Signature: not null } => "list_ids_of_signature_recent",
            { State: null } => "list_ids_any",
            { State: { } state } => "list_ids_" + state.ToCode(),
        };
        if (filter.Signature is not null) thorough = "list_ids_of_signature";
        else if (filter is { Campaign: not null, State: not null }) thorough = "list_ids_in_state_of_campaign";
        var ids = await database.ListAsync<long>(quick, Parameters(filter), cancellationToken);
        if (thorough is null || ids.Count == filter.Limit) return ids;
        var more = await database.ListAsync<long>(thorough, Parameters(filter), cancellationToken);
        return ids.Union(more).OrderDescending().Take(filter.Limit).ToArray();
    }

    private static List<Npgsql.NpgsqlParameter> Parameters(JobFilter filter)
    {
        var parameters = new List<Npgsql.NpgsqlParameter>
        {
            Parameter("before", NpgsqlDbType.Bigint, filter.BeforeJobId ?? long.MaxValue),
            Parameter("limit", NpgsqlDbType.Integer, filter.Limit),
        };
        if (filter.Campaign is null && filter.Signature is null) return parameters;
        parameters.Add(Parameter("campaign", NpgsqlDbType.Text, filter.Campaign));
        parameters.Add(Parameter("signature", NpgsqlDbType.Text, filter.Signature));
        parameters.Add(Parameter("state", NpgsqlDbType.Text, filter.State?.ToCode()));
        return parameters;
    }

    /// <summary>How many jobs stand where; a campaign restricts.</summary>
    public async Task<JobCounts> CountAsync(string? campaign, CancellationToken cancellationToken)
    {
        var rows = await database.QueryAsync<(string State, long Count)>("count_jobs", new { campaign }, cancellationToken);
        var counts = rows.ToDictionary(row => row.State, row => row.Count, StringComparer.Ordinal);
        return new JobCounts(Of("queued"), Of("running"), Of("succeeded"), Of("failed"), Of("cancelled"), Of("verified"));

        long Of(string state) => counts.GetValueOrDefault(state);
    }

    /// <summary>Cancels jobs that have not ended; a running one is dropped by its worker between two steps.</summary>
    /// <returns>Ids cancelled now.</returns>
    public async Task<IReadOnlyList<long>> CancelAsync(IReadOnlyList<long> jobIds, CancellationToken cancellationToken) =>
        await database.ListAsync<long>("cancel_jobs", JobIds(jobIds), cancellationToken);

    /// <summary>Puts failed or cancelled jobs back with fresh attempts.</summary>
    /// <returns>Ids put back.</returns>
    public async Task<IReadOnlyList<long>> RetryAsync(IReadOnlyList<long> jobIds, CancellationToken cancellationToken) =>
        await database.ListAsync<long>("retry_jobs", JobIds(jobIds), cancellationToken);

    /// <summary>Puts failed jobs back by what they have in common; null does not restrict.</summary>
    /// <param name="campaign">Only this campaign.</param>
    /// <param name="failureCode">Only jobs whose last failure has this code.</param>
    /// <param name="signature">Only this canonical signature.</param>
    /// <param name="limit">At most this many, oldest first.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>How many were put back.</returns>
    public Task<int> RetryFailedAsync(string? campaign, string? failureCode, string? signature, int limit, CancellationToken cancellationToken) => CountAsync("retry_failed",
    [
        Parameter("campaign", NpgsqlDbType.Text, campaign), Parameter("code", NpgsqlDbType.Text, failureCode),
        Parameter("signature", NpgsqlDbType.Text, signature), Parameter("at_most", NpgsqlDbType.Integer, limit),
    ], cancellationToken);

    /// <summary>Cancels waiting jobs of a campaign, a signature, or both; one must be named.</summary>
    /// <returns>How many were cancelled.</returns>
    public Task<int> CancelWaitingAsync(string? campaign, string? signature, int limit, CancellationToken cancellationToken) => CountAsync("cancel_waiting",
    [
        Parameter("campaign", NpgsqlDbType.Text, campaign), Parameter("signature", NpgsqlDbType.Text, signature), Parameter("at_most", NpgsqlDbType.Integer, limit),
    ], cancellationToken);

    /// <summary>Moves waiting jobs to another priority.</summary>
    /// <returns>How many moved.</returns>
    public Task<int> SetPriorityAsync(IReadOnlyList<long> jobIds, int priority, CancellationToken cancellationToken) => CountAsync("set_priority",
        [Parameter("job_ids", NpgsqlDbType.Array | NpgsqlDbType.Bigint, jobIds.ToArray()), Parameter("priority", NpgsqlDbType.Integer, priority)], cancellationToken);

    /// <summary>Fusions done so far, and the fusions that the same finished jobs would have cost in order of arrival with the same batch limit of one signature.</summary>
    /// <param name="campaign">Only this campaign; null counts all.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    public async Task<FusionCounts> CountFusionsAsync(string? campaign, CancellationToken cancellationToken) =>
        (await database.QueryAsync<FusionCounts>("count_fusions", new { campaign }, cancellationToken)).Single();

    private Task<int> CountAsync(string query, IReadOnlyList<Npgsql.NpgsqlParameter> parameters, CancellationToken cancellationToken) =>
        database.CommandAsync(query, parameters, async reader =>
        {
            await reader.ReadAsync(cancellationToken);
            return await reader.GetFieldValueAsync<int>(0, cancellationToken);
        }, cancellationToken);

    private static Npgsql.NpgsqlParameter[] JobIds(IReadOnlyList<long> jobIds) =>
        [Parameter("job_ids", NpgsqlDbType.Array | NpgsqlDbType.Bigint, jobIds.ToArray()), Parameter("tenant", NpgsqlDbType.Text, null)];

    private sealed class JobRow
    {
        public long JobId { get; set; }

        public string State { get; set; } = "";

        public string Signature { get; set; } = "";

        public short Priority { get; set; }

        public string? Campaign { get; set; }

        public short Attempts { get; set; }

        public short MaxAttempts { get; set; }

        public DateTimeOffset RunAt { get; set; }

        public DateTimeOffset? FinishedAt { get; set; }

        public DateTimeOffset CreatedAt { get; set; }

        public string Recipe { get; set; } = "";

        public string? Path { get; set; }

        public long? SizeBytes { get; set; }

        public string? Sha256 { get; set; }

        public int? ImageWidth { get; set; }

        public int? ImageHeight { get; set; }

        public DateTimeOffset? VerifiedAt { get; set; }

        public long? CheckpointId { get; set; }

        public string? FailureCode { get; set; }

        public string? FailureMessage { get; set; }

        public JobDetails ToDetails() => new()
        {
            JobId = JobId,
            State = JobStates.Parse(State),
            Recipe = RecipeJson.Read(Recipe, AdapterSignature.Parse(Signature)),
            Priority = Priority,
            Campaign = Campaign,
            Attempts = Attempts,
            MaxAttempts = MaxAttempts,
            FailureCode = FailureCode,
            FailureMessage = FailureMessage,
            CreatedAt = CreatedAt,
            RunAt = RunAt,
            FinishedAt = FinishedAt,
            Image = Path is null ? null : new ImageDetails(Path, SizeBytes!.Value, Sha256!, ImageWidth!.Value, ImageHeight!.Value, VerifiedAt, CheckpointId),
        };
    }
}

/// <summary>What sorting by signature saved.</summary>
/// <param name="Done">Times adapters were fused: a batch whose signature differs from the one its worker had fused before.</param>
/// <param name="InArrivalOrder">Times the signature changes from one finished job to the next in order of submission.</param>
public sealed record FusionCounts(long Done, long InArrivalOrder);
