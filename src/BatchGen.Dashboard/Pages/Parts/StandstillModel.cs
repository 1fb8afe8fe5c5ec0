using BatchGen.Queue.Reports;

namespace BatchGen.Dashboard.Pages.Parts;

/// <summary>The reasons for which the queue stands still.</summary>
public sealed record StandstillModel(IReadOnlyList<Standstill> Standstills);
