using System.Diagnostics.Metrics;
using BatchGen.Dashboard.Live;
using BatchGen.Queue.Reports;

namespace BatchGen.Dashboard.Monitoring;

/// <summary>The instruments of queue and workers; their names are public and listed in docs/operations.md.</summary>
/// <remarks>All of them say nothing while the database does not answer, but for the one that says so.</remarks>
internal static class QueueGauges
{
    // What a worker may do; each is always told, so that an alert on it has something to look at.
    private static readonly (string State, Func<WorkerState, bool> Holds)[] WorkerStates =
    [
        ("working", worker => worker is { IsRunning: true, Details.BatchId: not null }),
        ("idle", worker => worker is { IsRunning: true, Details: { BatchId: null, SetAsideAt: null }, Paused: false, Draining: false }),
        ("set_aside", worker => worker is
            { IsRunning: true, Details: { BatchId: null, SetAsideAt: not null }, Paused: false, Draining: false }),
        ("paused", worker => worker is { IsRunning: true, Details.BatchId: null, Paused: true, Draining: false }),
        ("draining", worker => worker is { IsRunning: true, Details.BatchId: null, Draining: true }),
        ("silent", worker => worker is { StoppedAnswering: true, IsReplaced: false }),
    ];

    /// <summary>Adds the instruments to a meter.</summary>
    public static void Add(Meter meter, Func<Reading?> read)
    {
        meter.CreateObservableGauge("batchgen.database.up", () => read() is null ? 0 : 1, "{flag}", "Whether the database answers: 1 or 0");
        Gauge("batchgen.queue.jobs", "{job}", "Jobs by state", reading =>
        [
            Of(reading.Counts.Queued, "state", "queued"), Of(reading.Counts.Running, "state", "running"),
            Of(reading.Counts.Succeeded, "state", "succeeded"), Of(reading.Counts.Failed, "state", "failed"),
            Of(reading.Counts.Cancelled, "state", "cancelled"),
        ]);
        Gauge("batchgen.queue.verified", "{image}", "Images that a checkpoint verified", reading => [new(reading.Counts.Verified)]);
        Gauge("batchgen.queue.oldest", "s", "How long the oldest job waits", reading => [new(reading.Queue.OldestSeconds)]);
        Gauge("batchgen.queue.claimable", "{flag}", "Whether a job waits that may be claimed now: 1 or 0",
            reading => [new(reading.Queue.Claimable ? 1 : 0)]);
        Gauge("batchgen.queue.standstill", "s", "How long the queue has stood still, by reason; 0 while it does not",
            reading => [.. Standstill.Kinds.Select(kind => Of(
                reading.Standstills.Where(found => found.Kind == kind).Select(found => found.ForSeconds).DefaultIfEmpty().Max(),
                "reason", kind))]);
        Gauge("batchgen.workers", "{worker}", "Workers by state",
            reading => [.. WorkerStates.Select(state => Of(reading.Workers.Count(state.Holds), "state", state.State))]);
        meter.CreateObservableCounter("batchgen.queue.checkpoints", () => Read(reading =>
            [Of(reading.Checkpoints.Passed, "verdict", "passed"), Of(reading.Checkpoints.Drifted, "verdict", "drifted")]),
            "{checkpoint}", "Checkpoints of all workers, by verdict");

        // One line for each further instrument.
        void Gauge(string name, string unit, string description, Func<Reading, Measurement<double>[]> choose) =>
            meter.CreateObservableGauge(name, () => Read(choose), unit, description);

        IEnumerable<Measurement<double>> Read(Func<Reading, Measurement<double>[]> choose) => read() is { } reading ? choose(reading) : [];
    }

    private static Measurement<double> Of(double value, string tag, string text) =>
        new(value, new KeyValuePair<string, object?>(tag, text));
}
