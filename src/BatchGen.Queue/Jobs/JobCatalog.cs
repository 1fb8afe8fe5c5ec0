using BatchGen.Core.Jobs;

namespace BatchGen.Queue.Jobs;

/// <summary>Looks jobs up, counts them, cancels them and puts failed ones back.</summary>
public sealed class JobCatalog(QueueDatabase database)
{
    /// <summary>One job, or null.</summary>
    public Task<JobDetails?> FindAsync(long jobId, CancellationToken cancellationToken) => throw new NotImplementedException(database.Options.Schema);

    /// <summary>Jobs, newest first.</summary>
    public Task<IReadOnlyList<JobDetails>> ListAsync(JobFilter filter, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>How many jobs stand where; a campaign restricts.</summary>
    public Task<JobCounts> CountAsync(string? campaign, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Cancels jobs that have not ended; a running one is dropped by its worker between two steps.</summary>
    /// <returns>Ids cancelled now.</returns>
    public Task<IReadOnlyList<long>> CancelAsync(IReadOnlyList<long> jobIds, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Puts failed or cancelled jobs back with fresh attempts.</summary>
    /// <returns>Ids put back.</returns>
    public Task<IReadOnlyList<long>> RetryAsync(IReadOnlyList<long> jobIds, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Fusions done so far, and the fusions that the same finished jobs would have cost in order of arrival with the same batch limit of one signature.</summary>
    /// <param name="campaign">Only this campaign; null counts all.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    public Task<FusionCounts> CountFusionsAsync(string? campaign, CancellationToken cancellationToken) => throw new NotImplementedException();
}

/// <summary>What sorting by signature saved.</summary>
/// <param name="Done">Times adapters were fused: a batch whose signature differs from the one its worker had fused before.</param>
/// <param name="InArrivalOrder">Times the signature changes from one finished job to the next in order of submission.</param>
public sealed record FusionCounts(long Done, long InArrivalOrder);
