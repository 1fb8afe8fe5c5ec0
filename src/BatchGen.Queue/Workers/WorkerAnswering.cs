namespace BatchGen.Queue.Workers;

/// <summary>The rule by which a worker counts as one that stopped answering.</summary>
public static class WorkerAnswering
{
    /// <summary>The time without a write after which a worker counts as one that stopped answering.</summary>
    /// <remarks>
    /// A worker writes every few seconds; one that has not written for longer than a lease lasts has ended, or has lost the database.
    /// </remarks>
    public static readonly TimeSpan GracePeriod = TimeSpan.FromMinutes(1);

    /// <summary>True for a worker that did not say that it stopped, and yet has not written for the grace period.</summary>
    public static bool StoppedAnswering(this WorkerDetails worker, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(worker);
        return worker.StoppedAt is null && now - worker.HeartbeatAt >= GracePeriod;
    }

    /// <summary>True for a worker that runs, as far as its writes show.</summary>
    public static bool IsAnswering(this WorkerDetails worker, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(worker);
        return worker.StoppedAt is null && !worker.StoppedAnswering(now);
    }
}
