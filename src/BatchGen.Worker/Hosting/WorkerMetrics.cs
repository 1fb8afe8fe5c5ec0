using System.Diagnostics.Metrics;
using BatchGen.Core.Failures;
using BatchGen.Core.Rendering;

namespace BatchGen.Worker.Hosting;

/// <summary>The instruments of a worker; their names are public and listed in docs/operations.md.</summary>
internal static class WorkerMetrics
{
    private static readonly Meter Meter = new("BatchGen");

    private static readonly Histogram<double> Batch =
        Meter.CreateHistogram<double>("batchgen.batch.duration", "s", "From claim to checkpoint");

    private static readonly Counter<long> Jobs =
        Meter.CreateCounter<long>("batchgen.jobs.ended", "{job}", "Jobs that ended, by outcome");

    private static readonly Histogram<double> Fuse =
        Meter.CreateHistogram<double>("batchgen.fuse.duration", "s", "Fusing the adapters of a signature");

    private static readonly Histogram<double> Checkpoint =
        Meter.CreateHistogram<double>("batchgen.checkpoint.duration", "s", "Checksumming the base, by verdict");

    private static readonly UpDownCounter<long> Lacks =
        Meter.CreateUpDownCounter<long>("batchgen.worker.lacks", "{lack}", "What the worker lacks on its machine, by kind");

    private static readonly UpDownCounter<long> SetAside =
        Meter.CreateUpDownCounter<long>("batchgen.worker.set_aside", "{worker}", "Workers that set themselves aside");

    /// <summary>Records that the worker lacks something, or has it again.</summary>
    /// <param name="kind">What.</param>
    /// <param name="change">1, or -1.</param>
    public static void AddLack(LackKind kind, int change) =>
        Lacks.Add(change, new KeyValuePair<string, object?>("kind", kind.ToCode()));

    /// <summary>Records that the worker set itself aside, or works again.</summary>
    /// <param name="change">1, or -1.</param>
    public static void AddSetAside(int change) => SetAside.Add(change);

    /// <summary>Records a batch that ended.</summary>
    /// <param name="seconds">From its claim to its checkpoint.</param>
    /// <param name="succeeded">Its images that were saved.</param>
    /// <param name="failed">Its jobs whose attempt failed.</param>
    public static void BatchDone(double seconds, int succeeded, int failed)
    {
        Batch.Record(seconds);
        Jobs.Add(succeeded, new KeyValuePair<string, object?>("outcome", "succeeded"));
        Jobs.Add(failed, new KeyValuePair<string, object?>("outcome", "failed"));
    }

    /// <summary>Records that the adapters of a signature were fused.</summary>
    public static void Fused(double milliseconds) => Fuse.Record(milliseconds / 1000);

    /// <summary>Records that the base was checksummed.</summary>
    public static void Checked(WeightCheck check, CheckpointVerdict verdict) =>
        Checkpoint.Record(check.ElapsedMs / 1000, new KeyValuePair<string, object?>("verdict", verdict.ToString().ToLowerInvariant()));
}
