using BatchGen.Dashboard.Live;

namespace BatchGen.Dashboard.Pages.Workers;

/// <summary>Workers that run, and those that stopped within a day.</summary>
/// <param name="Workers">The workers.</param>
/// <param name="Note">A sentence about the order that led to this page, or null.</param>
public sealed record WorkersModel(IReadOnlyList<WorkerState> Workers, string? Note);
