using BatchGen.Core.Adapters;
using BatchGen.Core.Jobs;

namespace BatchGen.Queue.Jobs;

/// <summary>Looks jobs up, lists and counts them.</summary>
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

    // Each filter has a query of its own, so that each keeps its own index; the page of ids is looked up afterwards. A filter with two
    // conditions is first tried on the newest jobs of one condition, which fills the page when the other is common; a rare one is
    // then looked for from its own side.
    private async Task<IReadOnlyList<long>> ListIdsAsync(JobFilter filter, CancellationToken cancellationToken)
    {
        var ids = await database.ListAsync<long>(QuickQuery(filter), JobIdParameters.Of(filter), cancellationToken);
        if (ThoroughQuery(filter) is not { } thorough || ids.Count == filter.Limit) return ids;
        var more = await database.ListAsync<long>(thorough, JobIdParameters.Of(filter), cancellationToken);
        return ids.Union(more).OrderDescending().Take(filter.Limit).ToArray();
    }

    private static string QuickQuery(JobFilter filter) => filter switch
    {
        { Campaign: not null } => "list_ids_of_campaign",
        { Signature: not null } => "list_ids_of_signature_recent",
        { State: null } => "list_ids_any",
        { State: JobState.Queued } => "list_ids_queued",
        { State: JobState.Running } => "list_ids_running",
        { State: JobState.Succeeded } => "list_ids_succeeded",
        { State: JobState.Failed } => "list_ids_failed",
        { State: JobState.Cancelled } => "list_ids_cancelled",
        { State: var state } => throw new ArgumentOutOfRangeException(nameof(filter), state, "unknown state"),
    };

    private static string? ThoroughQuery(JobFilter filter) => filter switch
    {
        { Signature: not null } => "list_ids_of_signature",
        { Campaign: not null, State: not null } => "list_ids_in_state_of_campaign",
        _ => null,
    };

    /// <summary>How many jobs are in each state.</summary>
    /// <param name="campaign">Only jobs of this campaign; null counts all.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    public async Task<JobCounts> CountAsync(string? campaign, CancellationToken cancellationToken)
    {
        var rows = await database.QueryAsync<StateCount>("count_jobs", new { campaign }, cancellationToken);
        var counts = rows.ToDictionary(row => row.State, row => row.Count, StringComparer.Ordinal);
        return new JobCounts(Of("queued"), Of("running"), Of("succeeded"), Of("failed"), Of("cancelled"), Of("verified"));

        long Of(string state) => counts.GetValueOrDefault(state);
    }

    /// <summary>Fusions done so far, and fusions that the same finished jobs would have cost in order of arrival with the same batch
    /// limit of one signature.</summary>
    /// <param name="campaign">Only this campaign; null counts all.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    public async Task<FusionCounts> CountFusionsAsync(string? campaign, CancellationToken cancellationToken) =>
        (await database.QueryAsync<FusionCounts>("count_fusions", new { campaign }, cancellationToken)).Single();

    private sealed record StateCount(string State, long Count);

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
            Recipe = RecipeJson.ReadKnown(Recipe, AdapterSignature.Parse(Signature)),
            Priority = Priority,
            Campaign = Campaign,
            Attempts = Attempts,
            MaxAttempts = MaxAttempts,
            FailureCode = FailureCode,
            FailureMessage = FailureMessage,
            CreatedAt = CreatedAt,
            RunAt = RunAt,
            FinishedAt = FinishedAt,
            Image = Path is null ? null
                : new ImageDetails(Path, SizeBytes!.Value, Sha256!, ImageWidth!.Value, ImageHeight!.Value, VerifiedAt, CheckpointId),
        };
    }
}

/// <summary>What sorting by signature saved.</summary>
/// <param name="Done">Times adapters were fused: a batch whose signature differs from the one its worker had fused before.</param>
/// <param name="InArrivalOrder">Times the signature changes from one finished job to the next in order of submission.</param>
public sealed record FusionCounts(long Done, long InArrivalOrder);
