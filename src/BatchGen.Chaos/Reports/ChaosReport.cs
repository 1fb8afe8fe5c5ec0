using System.Text;
using BatchGen.Chaos.Audits;
using BatchGen.Chaos.Processes;
using static System.FormattableString;

namespace BatchGen.Chaos.Reports;

/// <summary>What a run did and what its audit found.</summary>
/// <param name="Options">What was asked for.</param>
/// <param name="Faults">The faults that were done.</param>
public sealed record ChaosReport(ChaosOptions Options, IReadOnlyList<StruckFault> Faults)
{
    // Of a check that fails for every job, some lines say enough.
    private const int MostViolations = 12;

    internal ChaosReport(ChaosOptions options, IReadOnlyList<StruckFault> faults, IReadOnlyList<WorkerExit> exits)
        : this(options, faults) => Exits = exits;

    /// <summary>What the audit checked.</summary>
    public IReadOnlyList<AuditLine> Lines { get; init; } = [];

    /// <summary>Jobs that were submitted.</summary>
    public int Jobs { get; init; }

    /// <summary>Jobs that were cancelled.</summary>
    public int Cancelled { get; init; }

    /// <summary>Images that are there at the end.</summary>
    public int Images { get; init; }

    /// <summary>Files without a record that upkeep removed.</summary>
    public int Leftovers { get; init; }

    /// <summary>Time from the last fault until all jobs had ended; null when they had not.</summary>
    public TimeSpan? Drained { get; init; }

    internal IReadOnlyList<WorkerExit> Exits { get; init; } = [];

    /// <summary>Everything that does not hold, in words.</summary>
    public IReadOnlyList<string> Violations =>
    [
        .. Lines.SelectMany(line => line.Violations.Take(MostViolations).Select(violation => $"{line.What}: {violation}")),
        .. Faults.Where(fault => fault.Outcome.StartsWith(StruckFault.Failed, StringComparison.Ordinal)).Select(fault => $"{fault}"),
    ];

    /// <summary>The report as Markdown.</summary>
    /// <param name="title">What the run was.</param>
    public string Write(string title)
    {
        var text = new StringBuilder();
        text.Append(Invariant($"## {title}\n\n"));
        text.Append(Invariant($"Seed {Options.Seed}, {Options.Workers} workers, lease {Options.Lease.TotalSeconds:0} s: "));
        text.Append(Invariant($"{Faults.Count(fault => fault.IsDone)} faults (of {Faults.Count} drawn), {Jobs} jobs, "));
        text.Append(Invariant($"{Cancelled} of them cancelled, {Images} images. "));
        text.Append(Drained is { } time
            ? Invariant($"All jobs had ended {time.TotalSeconds:0} s after the last fault. ")
            : "Not all jobs ended. ");
        text.Append(Invariant($"Upkeep removed {Leftovers} files without a record.\n\n"));
        text.Append("| checked | of | violations |\n| --- | ---: | ---: |\n");
        foreach (var line in Lines) text.Append(Invariant($"| {line.What} | {line.Checked} | {line.Violations.Count} |\n"));
        if (Faults.Count > 0)
        {
            text.Append("\n| fault | times |\n| --- | ---: |\n");
            text.Append(Counted(Faults.Where(fault => fault.IsDone).Select(fault => fault.Kind)));
        }

        text.Append("\n| end of a worker process | times |\n| --- | ---: |\n");
        text.Append(Counted(Exits.Select(exit => Invariant($"{exit.Reason ?? "by itself"}, exit code {exit.ExitCode}"))));
        if (Violations.Count > 0) text.Append("\n### Violations\n\n");
        foreach (var violation in Violations) text.Append(Invariant($"- {violation.ReplaceLineEndings(" / ")}\n"));
        return text.ToString();
    }

    private static string Counted(IEnumerable<string> values) => string.Concat(values.GroupBy(value => value)
        .OrderByDescending(group => group.Count()).ThenBy(group => group.Key, StringComparer.Ordinal)
        .Select(group => Invariant($"| {group.Key} | {group.Count()} |\n")));
}
