using System.Globalization;
using BatchGen.Chaos.Faults;

namespace BatchGen.Chaos.Reports;

/// <summary>A fault that was done.</summary>
/// <param name="Number">Its place in the schedule.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Worker">Which worker it struck.</param>
/// <param name="At">When it began.</param>
/// <param name="Took">How long it took.</param>
/// <param name="Outcome">What happened.</param>
public sealed record StruckFault(int Number, string Kind, int Worker, DateTimeOffset At, TimeSpan Took, string Outcome)
{
    /// <summary>What the outcome of a fault begins with that could not be done.</summary>
    public const string Failed = "could not be done: ";

    /// <summary>False for a fault that met nothing to strike: a worker that was down, a server that was away already.</summary>
    public bool IsDone => !Outcome.StartsWith(FaultKind.NotDone, StringComparison.Ordinal)
        && !Outcome.StartsWith(Failed, StringComparison.Ordinal);

    /// <inheritdoc/>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{At:HH:mm:ss} {Number,4} {Kind} (worker {Worker}), {Took.TotalSeconds:0.0} s: {Outcome}");
}
