using BatchGen.Queue.Reports;

namespace BatchGen.Dashboard.Reports;

/// <summary>What the webhook is told when the queue begins or ceases to stand still.</summary>
/// <param name="Title">One line for people.</param>
/// <param name="Standstill">Code of the reason, as <see cref="BatchGen.Queue.Reports.Standstill.Kind"/>.</param>
/// <param name="State"><c>began</c> or <c>ended</c>.</param>
/// <param name="Since">Since when it held.</param>
/// <param name="Worker">Name of the worker that it is about, or null.</param>
/// <param name="Remedy">What to do; null once it has ended.</param>
internal sealed record StandstillNotice(
    string Title, string Standstill, string State, DateTimeOffset Since, string? Worker, string? Remedy)
{
    /// <summary>The notice that it began.</summary>
    public static StandstillNotice Began(Standstill found) =>
        new(found.What, found.Kind, "began", found.Since, found.Subject, found.Remedy);

    /// <summary>The notice that it ended.</summary>
    public static StandstillNotice Ended(Standstill found) =>
        new("No longer so: " + found.What, found.Kind, "ended", found.Since, found.Subject, null);
}
