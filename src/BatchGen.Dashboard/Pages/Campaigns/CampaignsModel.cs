using BatchGen.Queue.Reports;
using BatchGen.Queue.Schedules;

namespace BatchGen.Dashboard.Pages.Campaigns;

/// <summary>Campaigns, and those that recur.</summary>
public sealed record CampaignsModel
{
    /// <summary>Campaigns, newest first.</summary>
    public required IReadOnlyList<CampaignSummary> Campaigns { get; init; }

    /// <summary>Number of the campaign below which the next page begins; null at the end.</summary>
    public int? NextBefore { get; init; }

    /// <summary>Recurring campaigns, by name.</summary>
    public required IReadOnlyList<CampaignSchedule> Schedules { get; init; }

    /// <summary>A sentence about the change that led to this page, or null.</summary>
    public string? Note { get; init; }

    /// <summary>A recurring campaign that was refused, as it was filled in; null shows an empty form.</summary>
    public ScheduleDraft? Draft { get; init; }
}

/// <summary>A recurring campaign that was refused, as it was filled in.</summary>
/// <param name="Name">Name.</param>
/// <param name="Cron">Cron expression.</param>
/// <param name="Zone">Time zone.</param>
/// <param name="Jobs">The list of jobs.</param>
/// <param name="Problem">What is wrong.</param>
public sealed record ScheduleDraft(string? Name, string? Cron, string? Zone, string? Jobs, string Problem);
