using BatchGen.Queue.Workers;

namespace BatchGen.Dashboard.Live;

/// <summary>A worker, what was ordered of it, and whether it still answers.</summary>
/// <param name="Details">The worker and what it does.</param>
/// <param name="Paused">True when it was ordered to claim nothing until it is resumed.</param>
/// <param name="Draining">True when it was ordered to finish its batch and exit.</param>
/// <param name="StoppedAnswering">True when it has not written for so long that it must have ended without saying so.</param>
/// <param name="IsReplaced">True when it stopped answering and a later one of its name runs, as after a crash that has healed.</param>
public sealed record WorkerState(WorkerDetails Details, bool Paused, bool Draining, bool StoppedAnswering, bool IsReplaced = false)
{
    /// <summary>True while the worker runs, as far as its writes show.</summary>
    public bool IsRunning => Details.StoppedAt is null && !StoppedAnswering;

    /// <summary>How far the worker's batch is, in hundredths of a job.</summary>
    public int BatchProgress
    {
        get
        {
            var ofThisJob = Details.Steps > 0 && Details.BatchFinished < Details.BatchJobs ? 100 * Details.Step / Details.Steps : 0;
            return Math.Min(Details.BatchJobs * 100, (Details.BatchFinished * 100) + ofThisJob);
        }
    }

    /// <summary>Running workers, and those stopped within a day, with their orders.</summary>
    internal static async Task<IReadOnlyList<WorkerState>> ListAsync(
        WorkerRegistry workers, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var list = await workers.ListAsync(cancellationToken);
        if (list.All(worker => worker.StoppedAt is not null))
            return list.Select(worker => new WorkerState(worker, false, false, false)).ToArray();
        var orders = await workers.ListOrdersAsync(cancellationToken);
        return list.Select(worker =>
        {
            var order = orders.GetValueOrDefault(worker.WorkerId, WorkerOrders.None);
            var isReplaced = worker.StoppedAnswering(now)
                && list.Any(other => other.Name == worker.Name && other.StartedAt > worker.StartedAt && other.IsAnswering(now));
            return new WorkerState(worker, order.Paused, order.Draining, worker.StoppedAnswering(now), isReplaced);
        }).ToArray();
    }
}
