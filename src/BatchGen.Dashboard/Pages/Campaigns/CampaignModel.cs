using BatchGen.Dashboard.Reports;
using BatchGen.Queue.Reports;

namespace BatchGen.Dashboard.Pages.Campaigns;

/// <summary>A campaign with its report and its newest images.</summary>
/// <param name="Report">The outcome so far.</param>
/// <param name="Facts">The facts of the report, line by line.</param>
/// <param name="Images">Its newest images.</param>
public sealed record CampaignModel(CampaignReport Report, IReadOnlyList<ReportFact> Facts, IReadOnlyList<ImageCard> Images);
