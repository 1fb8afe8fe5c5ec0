using BatchGen.Core.Jobs;
using BatchGen.Queue.Reports;
using BatchGen.Queue.Schedules;

namespace BatchGen.Dashboard.Pages.Queue;

/// <summary>Waiting jobs, and the hours in which jobs may be claimed.</summary>
public sealed record QueueModel
{
    /// <summary>Waiting jobs by signature, priority and tenant, in the order of dispatch.</summary>
    public required IReadOnlyList<QueueRow> Rows { get; init; }

    /// <summary>How many jobs stand where.</summary>
    public required JobCounts Counts { get; init; }

    /// <summary>Jobs that wait for their time.</summary>
    public required ScheduledJobs Scheduled { get; init; }

    /// <summary>Models and tenants that are paused.</summary>
    public required IReadOnlyList<PausedName> Paused { get; init; }

    /// <summary>Hours in which jobs may be claimed.</summary>
    public required IReadOnlyList<WindowRow> Windows { get; init; }

    /// <summary>Address of the next page of signatures; null at the end.</summary>
    public string? NextAddress { get; init; }

    /// <summary>A sentence about the change that led to this page, or null.</summary>
    public string? Note { get; init; }

    /// <summary>A window that was refused, as it was filled in; null shows an empty form.</summary>
    public WindowDraft? Draft { get; init; }
}

/// <summary>Waiting jobs of one signature, priority and tenant.</summary>
/// <param name="Waiting">The jobs.</param>
/// <param name="FusedOn">Name of a worker that draws this signature now, or null.</param>
/// <param name="TakesAbout">How long they take at the present rate; null while that is unknown.</param>
public sealed record QueueRow(WaitingSignature Waiting, string? FusedOn, TimeSpan? TakesAbout);

/// <summary>A dispatch window and whether it is open.</summary>
/// <param name="Window">The window.</param>
/// <param name="State">open, closed, or off.</param>
public sealed record WindowRow(DispatchWindow Window, string State);

/// <summary>A window that was refused, as it was filled in.</summary>
/// <param name="Name">Name.</param>
/// <param name="Zone">Time zone.</param>
/// <param name="Opens">Hour at which it opens.</param>
/// <param name="Closes">Hour at which it closes.</param>
/// <param name="Field">Name of the field that is wrong.</param>
/// <param name="Problem">What is wrong with it.</param>
public sealed record WindowDraft(string? Name, string? Zone, string? Opens, string? Closes, string Field, string Problem);
