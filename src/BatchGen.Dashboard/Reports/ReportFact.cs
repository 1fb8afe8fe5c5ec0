namespace BatchGen.Dashboard.Reports;

/// <summary>A line of a report.</summary>
/// <param name="Name">What the line is about.</param>
/// <param name="Value">What is said of it.</param>
public sealed record ReportFact(string Name, string Value);

/// <summary>How many canaries compared how.</summary>
/// <param name="First">The first of their kind: later ones are compared with them.</param>
/// <param name="Equal">Canaries with the same pixels as their first one.</param>
/// <param name="Close">Canaries that another process drew than their first one, as good as equal.</param>
/// <param name="Differs">Canaries that differ from their first one: something is wrong with the model, the device or the program.</param>
public sealed record CanaryCounts(int First, int Equal, int Close, int Differs);

/// <summary>A run of a recurring campaign that was refused.</summary>
/// <param name="Name">Name of the recurring campaign.</param>
/// <param name="At">When it was to run.</param>
/// <param name="Reason">Why it was refused.</param>
public sealed record RefusedRun(string Name, DateTimeOffset At, string Reason);
