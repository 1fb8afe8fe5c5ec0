namespace BatchGen.Core.Jobs;

/// <summary>State of a job in the queue.</summary>
public enum JobState
{
    /// <summary>The job waits for its turn, its start time or a retry.</summary>
    Queued,

    /// <summary>The job is leased to a worker.</summary>
    Running,

    /// <summary>The image is saved; it is verified once the checkpoint after its batch has passed.</summary>
    Succeeded,

    /// <summary>The job ended without an image.</summary>
    Failed,

    /// <summary>The job was cancelled by a person or an app.</summary>
    Cancelled,
}

/// <summary>The text codes of <see cref="JobState"/>, as the database and every interface spell them.</summary>
public static class JobStates
{
    /// <summary>Every state with its code.</summary>
    public static IReadOnlyDictionary<string, JobState> ByCode { get; } =
        Enum.GetValues<JobState>().ToDictionary(ToCode, StringComparer.Ordinal);

    /// <summary>The code of a state.</summary>
    public static string ToCode(this JobState state) => state switch
    {
        JobState.Queued => "queued",
        JobState.Running => "running",
        JobState.Succeeded => "succeeded",
        JobState.Failed => "failed",
        JobState.Cancelled => "cancelled",
        _ => throw new ArgumentOutOfRangeException(nameof(state), state, "unknown job state"),
    };

    /// <summary>Reads the code of a state.</summary>
    /// <exception cref="FormatException">The text is not the code of a state.</exception>
    public static JobState Parse(string code) => ByCode.TryGetValue(code, out var state)
        ? state
        : throw new FormatException($"Job state '{code}' is not known; use {string.Join(", ", ByCode.Keys)}.");
}
