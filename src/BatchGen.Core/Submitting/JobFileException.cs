namespace BatchGen.Core.Submitting;

/// <summary>A list of jobs cannot be read; the message names rows, fields, what was expected and the fix.</summary>
public sealed class JobFileException : Exception
{
    /// <summary>Problems that the message shows.</summary>
    internal const int MaxShown = 10;

    /// <summary>Reports a single problem.</summary>
    public JobFileException(string problem) : this([problem])
    {
    }

    /// <summary>Reports several problems at once.</summary>
    public JobFileException(IReadOnlyList<string> problems) : base(Join(problems)) => Problems = problems;

    /// <summary>The problems, in order of appearance.</summary>
    public IReadOnlyList<string> Problems { get; }

    private static string Join(IReadOnlyList<string> problems) =>
        string.Join('\n', problems.Take(MaxShown))
        + (problems.Count > MaxShown ? $"\n... and {problems.Count - MaxShown} more problems" : "");
}
