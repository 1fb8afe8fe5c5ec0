using BatchGen.Core.Jobs;
using BatchGen.Queue.Canaries;
using BatchGen.Queue.Checkpoints;
using BatchGen.Queue.Reports;

namespace BatchGen.Dashboard.Reports;

/// <summary>Collects what reports say.</summary>
internal sealed class ReportWriter(CampaignCatalog campaigns, CheckpointLog checkpoints, CanaryLog canaries, TimeProvider clock)
{
    private const int NewestCanaries = 50;
    private const int MaxCampaigns = 200;

    /// <summary>The report of one campaign, or null when there is none of that name.</summary>
    public async Task<CampaignReport?> OfCampaignAsync(string name, CancellationToken cancellationToken)
    {
        if (await campaigns.FindAsync(name, cancellationToken) is not { } summary) return null;
        var span = await campaigns.FindSpanAsync(name, cancellationToken);
        return await WriteAsync(name, summary.Counts, span, name, [], cancellationToken);
    }

    /// <summary>The report of a night: all campaigns that began within a day.</summary>
    public async Task<CampaignReport> OfNightAsync(string title, CancellationToken cancellationToken)
    {
        var since = clock.GetUtcNow().AddDays(-1);
        var list = (await campaigns.ListAsync(null, MaxCampaigns, cancellationToken)).Where(campaign => campaign.CreatedAt >= since || campaign.Counts.Open > 0).ToArray();
        var counts = new JobCounts(
            list.Sum(campaign => campaign.Queued), list.Sum(campaign => campaign.Running), list.Sum(campaign => campaign.Succeeded), list.Sum(campaign => campaign.Failed),
            list.Sum(campaign => campaign.Cancelled), list.Sum(campaign => campaign.Verified));
        return await WriteAsync(title, counts, null, null, list, cancellationToken);
    }

    private async Task<CampaignReport> WriteAsync(
        string title, JobCounts counts, CampaignSpan? span, string? campaign, IReadOnlyList<CampaignSummary> list, CancellationToken cancellationToken)
    {
        var checks = await checkpoints.CountAsync(cancellationToken);
        return new CampaignReport
        {
            Title = title,
            At = clock.GetUtcNow(),
            Counts = counts,
            Span = span,
            Failures = counts.Failed == 0 ? [] : await campaigns.ListFailureReasonsAsync(campaign, cancellationToken),
            CheckpointsPassed = checks.Passed,
            CheckpointsDrifted = checks.Drifted,
            Canaries = (await canaries.ListAsync(NewestCanaries, cancellationToken)).GroupBy(canary => canary.Verdict, StringComparer.Ordinal)
                .ToDictionary(group => group.Key, group => group.Count(), StringComparer.Ordinal),
            Campaigns = list,
        };
    }
}
