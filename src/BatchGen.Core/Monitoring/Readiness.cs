namespace BatchGen.Core.Monitoring;

/// <summary>Whether a process can do its work now, and its state in a word or two.</summary>
/// <param name="IsReady">True when it can do its work.</param>
/// <param name="State">One of <see cref="ProcessStates"/>.</param>
public sealed record Readiness(bool IsReady, string State);

/// <summary>What <c>/readyz</c> says of a process; docs/operations.md has a line for each.</summary>
public static class ProcessStates
{
    /// <summary>The process has not begun to work.</summary>
    public const string Starting = "starting";

    /// <summary>Nothing is to be done.</summary>
    public const string Idle = "idle";

    /// <summary>A batch is worked on, or jobs wait that may be claimed.</summary>
    public const string Working = "working";

    /// <summary>Jobs may not be claimed at this hour.</summary>
    public const string OutsideWindow = "outside window";

    /// <summary>An operator paused it, or it paused itself.</summary>
    public const string Paused = "paused";

    /// <summary>Something that it needs is missing; its log says what.</summary>
    public const string Degraded = "degraded";

    /// <summary>A worker failed jobs at an unusual rate and claims nothing.</summary>
    public const string SetAside = "set aside";

    /// <summary>The base differed from what was loaded and was not restored, or a canary differed.</summary>
    public const string Drifted = "drifted";

    /// <summary>The process ends, and claims nothing more.</summary>
    public const string Stopping = "stopping";

    /// <summary>All of these states.</summary>
    public static IReadOnlyList<string> All { get; } =
        [Starting, Idle, Working, OutsideWindow, Paused, Degraded, SetAside, Drifted, Stopping];
}
