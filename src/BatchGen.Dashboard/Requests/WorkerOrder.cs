using BatchGen.Queue.Workers;

namespace BatchGen.Dashboard.Requests;

/// <summary>Orders that people and programs give to workers.</summary>
internal static class WorkerOrder
{
    /// <summary>The orders by name.</summary>
    public static IReadOnlyList<string> All { get; } = ["pause", "resume", "drain", "canary"];

    /// <summary>Gives an order; the worker receives it with its next heartbeat.</summary>
    /// <returns>False when no such worker runs.</returns>
    public static async Task<bool> GiveAsync(WorkerRegistry workers, Guid workerId, string order, CancellationToken cancellationToken) =>
        order switch
        {
            "pause" => await workers.OrderAsync(workerId, paused: true, draining: null, cancellationToken),
            "resume" => await workers.OrderAsync(workerId, paused: false, draining: false, cancellationToken),
            "drain" => await workers.OrderAsync(workerId, paused: null, draining: true, cancellationToken),
            "canary" => await workers.OrderCanariesAsync(workerId, cancellationToken) > 0,
            _ => throw new ArgumentOutOfRangeException(nameof(order), order, "unknown order"),
        };
}
