namespace BatchGen.Core.Failures;

/// <summary>Why an attempt failed; stored with the job as a text code (<see cref="FailureCodes"/>).</summary>
public enum FailureCode
{
    /// <summary>The request can never work; no retry.</summary>
    InvalidJob,

    /// <summary>An adapter is missing, corrupt or does not fit; no retry.</summary>
    Adapter,

    /// <summary>A model file is missing, corrupt or changed on disk; no retry.</summary>
    Model,

    /// <summary>This attempt failed (out of memory, not-a-number); retried.</summary>
    Generation,

    /// <summary>The image could not be written (disk full, no permission); retried.</summary>
    Output,

    /// <summary>The worker that held the job stopped answering; retried.</summary>
    WorkerLost,

    /// <summary>The base weights differed after unload; the attempt does not count.</summary>
    WeightIntegrity,

    /// <summary>The job's deadline passed before it was claimed; no retry.</summary>
    DeadlinePassed,

    /// <summary>The worker requeued the job, for example because its program is older than the job; the attempt does not count.</summary>
    Requeued,
}

/// <summary>The text codes of <see cref="FailureCode"/>, which never change.</summary>
public static class FailureCodes
{
    /// <summary>The text code, as the database and every interface spell it.</summary>
    public static string ToCode(this FailureCode code) => code switch
    {
        FailureCode.InvalidJob => "invalid_job",
        FailureCode.Adapter => "adapter",
        FailureCode.Model => "model",
        FailureCode.Generation => "generation",
        FailureCode.Output => "output",
        FailureCode.WorkerLost => "worker_lost",
        FailureCode.WeightIntegrity => "weight_integrity",
        FailureCode.DeadlinePassed => "deadline_passed",
        FailureCode.Requeued => "requeued",
        _ => throw new ArgumentOutOfRangeException(nameof(code), code, "unknown failure code"),
    };
}
