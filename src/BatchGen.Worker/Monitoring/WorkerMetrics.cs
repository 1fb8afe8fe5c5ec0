using System.Diagnostics.Metrics;
using BatchGen.Core.Failures;
using BatchGen.Core.Monitoring;
using BatchGen.Core.Rendering;

namespace BatchGen.Worker.Monitoring;

/// <summary>The instruments of a worker; their names are public and listed in docs/operations.md.</summary>
internal static class WorkerMetrics
{
    private static readonly Histogram<double> Batch = Telemetry.Duration("batchgen.batch.duration", "From claim to checkpoint");
    private static readonly Counter<long> Jobs = Telemetry.Counter("batchgen.jobs.ended", "{job}", "Jobs that ended, by outcome");
    private static readonly Histogram<double> Claim = Telemetry.Duration("batchgen.claim.duration", "Claims, by result");
    private static readonly Histogram<double> Load = Telemetry.Duration("batchgen.load.duration", "Putting a model on the device");
    private static readonly Histogram<double> Fuse = Telemetry.Duration("batchgen.fuse.duration", "Fusing the adapters of a signature");
    private static readonly Histogram<double> Checkpoint =
        Telemetry.Duration("batchgen.checkpoint.duration", "Checksumming the base, by verdict");

    private static readonly Counter<long> Drifted = Telemetry.Counter("batchgen.drift", "{tensor}", "Tensors that differed");
    private static readonly Counter<long> Leases = Telemetry.Counter("batchgen.leases.lost", "{lease}", "Leases that were lost");
    private static readonly Counter<long> Attempts =
        Telemetry.Counter("batchgen.attempts.failed", "{attempt}", "Attempts that failed, by failure code");

    private static readonly UpDownCounter<long> Lacks =
        Telemetry.Balance("batchgen.worker.lacks", "{lack}", "What the worker lacks on its machine, by kind");

    private static readonly UpDownCounter<long> SetAside =
        Telemetry.Balance("batchgen.worker.set_aside", "{worker}", "Workers that set themselves aside");

    /// <summary>Begins every counter at zero, so that its first step can be told from its beginning.</summary>
    public static void Begin()
    {
        foreach (var counter in (Counter<long>[])[Drifted, Leases]) counter.Add(0);
        foreach (var outcome in (string[])["succeeded", "failed"]) Jobs.Add(0, Tag("outcome", outcome));
        foreach (var code in Enum.GetValues<FailureCode>().Where(IsFailure)) Attempts.Add(0, Tag("code", code.ToCode()));
        foreach (var kind in Enum.GetValues<LackKind>()) AddLack(kind, 0);
        AddSetAside(0);
    }

    /// <summary>Records a batch that ended.</summary>
    /// <param name="seconds">From its claim to its checkpoint.</param>
    public static void BatchDone(double seconds) => Batch.Record(seconds);

    /// <summary>Records jobs whose image was saved and recorded.</summary>
    public static void JobsSucceeded(int jobs) => Jobs.Add(jobs, Tag("outcome", "succeeded"));

    /// <summary>Records jobs that failed for good; those that are tried again have not ended.</summary>
    public static void JobsFailed(int jobs) => Jobs.Add(jobs, Tag("outcome", "failed"));

    /// <summary>Records a claim that the database answered.</summary>
    public static void Claimed(double seconds, bool gotBatch) => Claim.Record(seconds, Tag("result", gotBatch ? "batch" : "nothing"));

    /// <summary>Records that a model was put on the device.</summary>
    public static void Loaded(double milliseconds) => Load.Record(milliseconds / 1000);

    /// <summary>Records that the adapters of a signature were fused.</summary>
    public static void Fused(double milliseconds) => Fuse.Record(milliseconds / 1000);

    /// <summary>Records that the base was checksummed.</summary>
    public static void Checked(WeightCheck check, CheckpointVerdict verdict)
    {
        Checkpoint.Record(check.ElapsedMs / 1000, Tag("verdict", verdict.ToCode()));
        // Checks after a reload tell of the same tensors again.
        if (verdict == CheckpointVerdict.Drifted) Drifted.Add(check.DriftedTensors.Count);
    }

    /// <summary>Records that a lease was lost.</summary>
    public static void LeaseLost() => Leases.Add(1);

    /// <summary>Records that the attempt of a job failed; one that was requeued did not.</summary>
    public static void AttemptFailed(FailureCode code)
    {
        if (IsFailure(code)) Attempts.Add(1, Tag("code", code.ToCode()));
    }

    /// <summary>Records that the worker lacks something, or has it again.</summary>
    /// <param name="kind">What.</param>
    /// <param name="change">1, or -1.</param>
    public static void AddLack(LackKind kind, int change) => Lacks.Add(change, Tag("kind", kind.ToCode()));

    /// <summary>Records that the worker set itself aside, or works again.</summary>
    /// <param name="change">1, or -1.</param>
    public static void AddSetAside(int change) => SetAside.Add(change);

    private static bool IsFailure(FailureCode code) => code != FailureCode.Requeued;

    private static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);
}
