using BatchGen.Core.Failures;
using BatchGen.Core.Jobs;

namespace BatchGen.Queue.Claims;

/// <summary>Claims batches and writes down what became of them; every write is guarded by batch, epoch and state.</summary>
public sealed class BatchClaims(QueueDatabase database)
{
    /// <summary>Takes up to <see cref="ClaimRequest.MaxJobs"/> waiting jobs of one signature, in the order of dispatch of docs/queue.md.</summary>
    /// <returns>The leased batch, or null when nothing waits that this worker may take.</returns>
    public Task<ClaimedBatch?> ClaimAsync(ClaimRequest request, CancellationToken cancellationToken) => throw new NotImplementedException(database.Options.Schema);

    /// <summary>Extends the lease and reports progress.</summary>
    /// <returns>Ids of jobs of the batch that were cancelled meanwhile.</returns>
    /// <exception cref="LeaseLostException">The lease is someone else's now.</exception>
    public Task<IReadOnlyList<long>> HeartbeatAsync(ClaimedBatch batch, BatchProgress progress, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Records finished jobs and their pictures, not verified yet.</summary>
    /// <exception cref="LeaseLostException">The lease is someone else's now; nothing was recorded.</exception>
    public Task CompleteAsync(ClaimedBatch batch, IReadOnlyList<CompletedJob> jobs, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Records failed attempts: retried later with back-off, or failed for good.</summary>
    /// <exception cref="LeaseLostException">The lease is someone else's now; nothing was recorded.</exception>
    public Task FailAsync(ClaimedBatch batch, IReadOnlyList<FailedJob> jobs, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Puts the unfinished jobs of a batch back without counting the attempt, and ends the batch.</summary>
    /// <returns>Jobs put back.</returns>
    public Task<int> GiveBackAsync(ClaimedBatch batch, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Ends a batch all of whose jobs ended; unfinished ones go back uncounted.</summary>
    public Task CloseAsync(ClaimedBatch batch, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Puts back the jobs of batches whose lease expired: unfinished ones with the attempt counted, finished but unverified ones to be rendered again.</summary>
    /// <returns>Batches rescued.</returns>
    public Task<int> RescueExpiredAsync(CancellationToken cancellationToken) => throw new NotImplementedException();
}

/// <summary>What a worker asks for.</summary>
/// <param name="WorkerId">The registered worker.</param>
/// <param name="Models">Models it may serve; null means every registered one.</param>
/// <param name="MaxJobs">Most jobs in the batch.</param>
public sealed record ClaimRequest(Guid WorkerId, IReadOnlyList<string>? Models, int MaxJobs);

/// <summary>How far a batch is, shown to people.</summary>
/// <param name="Finished">Jobs of the batch that ended.</param>
/// <param name="Step">Denoising steps done of the current tensor batch.</param>
/// <param name="Steps">Denoising steps in all.</param>
public sealed record BatchProgress(int Finished, int Step, int Steps);
