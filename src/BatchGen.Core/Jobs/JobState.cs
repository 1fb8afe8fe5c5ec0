namespace BatchGen.Core.Jobs;

/// <summary>Where a job stands.</summary>
public enum JobState
{
    /// <summary>Waiting: for its turn, its start time or a retry.</summary>
    Queued,

    /// <summary>Leased to a worker.</summary>
    Running,

    /// <summary>Its picture is saved; verified once the checkpoint after its batch has passed.</summary>
    Succeeded,

    /// <summary>Ended without a picture.</summary>
    Failed,

    /// <summary>Taken back by a person or an app.</summary>
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

    /// <summary>Reads a code.</summary>
    /// <exception cref="FormatException">The code is not a state.</exception>
    public static JobState Parse(string code) => ByCode.TryGetValue(code, out var state)
        ? state
        : throw new FormatException($"Job state '{code}' is not known; use {string.Join(", ", ByCode.Keys)}.");
}
