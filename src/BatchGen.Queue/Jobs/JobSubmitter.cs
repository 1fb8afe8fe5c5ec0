using BatchGen.Core.Jobs;

namespace BatchGen.Queue.Jobs;

/// <summary>Puts jobs into the queue through <c>submit_jobs</c>, as every producer does.</summary>
public sealed class JobSubmitter(QueueDatabase database)
{
    /// <summary>Submits all jobs or none.</summary>
    /// <returns>One id per request, in order.</returns>
    /// <exception cref="SubmitRefusedException">A request breaks a rule; nothing was submitted.</exception>
    public Task<IReadOnlyList<long>> SubmitAsync(IReadOnlyList<JobRequest> requests, CancellationToken cancellationToken) =>
        throw new NotImplementedException(database.Options.Schema);
}
