namespace BatchGen.Core.Failures;

/// <summary>Why an attempt failed; stored with the job as a stable text code (<see cref="FailureKinds"/>).</summary>
public enum FailureKind
{
    /// <summary>The request can never work; no retry.</summary>
    InvalidJob,

    /// <summary>An adapter is missing, corrupt or does not fit; no retry.</summary>
    Adapter,

    /// <summary>A model file is missing, corrupt or changed on disk; no retry.</summary>
    Model,

    /// <summary>This attempt failed (out of memory, not-a-number); retried.</summary>
    Generation,

    /// <summary>The picture could not be written (disk full, no permission); retried.</summary>
    Output,

    /// <summary>The worker that held the job went away; retried.</summary>
    WorkerLost,

    /// <summary>The base weights differed after unload; the attempt does not count.</summary>
    WeightIntegrity,

    /// <summary>The job's deadline passed before it was claimed; no retry.</summary>
    DeadlinePassed,
}

/// <summary>The stable text codes of <see cref="FailureKind"/>, as the database stores them.</summary>
public static class FailureKinds
{
    /// <summary>The code of a kind.</summary>
    public static string ToCode(this FailureKind kind) => kind switch
    {
        FailureKind.InvalidJob => "invalid_job",
        FailureKind.Adapter => "adapter",
        FailureKind.Model => "model",
        FailureKind.Generation => "generation",
        FailureKind.Output => "output",
        FailureKind.WorkerLost => "worker_lost",
        FailureKind.WeightIntegrity => "weight_integrity",
        FailureKind.DeadlinePassed => "deadline_passed",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "unknown failure kind"),
    };

    /// <summary>True when another attempt may succeed.</summary>
    public static bool IsRetryable(this FailureKind kind) => kind switch
    {
        FailureKind.InvalidJob or FailureKind.Adapter or FailureKind.Model or FailureKind.DeadlinePassed => false,
        FailureKind.Generation or FailureKind.Output or FailureKind.WorkerLost or FailureKind.WeightIntegrity => true,
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "unknown failure kind"),
    };
}
