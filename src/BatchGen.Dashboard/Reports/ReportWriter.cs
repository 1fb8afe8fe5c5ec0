using BatchGen.Core.Jobs;
using BatchGen.Queue.Canaries;
using BatchGen.Queue.Checkpoints;
using BatchGen.Queue.Reports;

namespace BatchGen.Dashboard.Reports;

/// <summary>Collects what reports say.</summary>
internal sealed class ReportWriter(CampaignCatalog campaigns, CheckpointLog checkpoints, CheckpointHistory faults, CanaryLog canaries, PictureCatalog pictures, TimeProvider clock)
{
    private const int NewestCanaries = 200;
    private const int MaxCanaryPictures = 12;
    private const int MaxFaults = 20;
    private const int MaxCampaigns = 200;

    // A page is loaded again and again and has to be quick; a file is asked for once.
    private const int SpanOnPages = 4_000;
    private const int SpanInFiles = 1_000_000;

    /// <summary>The report of one campaign, or null when there is none of that name.</summary>
    /// <param name="name">The campaign.</param>
    /// <param name="withPictures">As a file: canaries with their pictures, and times of all pictures instead of the newest.</param>
    /// <param name="cancellationToken">Cancels the queries.</param>
    public async Task<CampaignReport?> OfCampaignAsync(string name, bool withPictures, CancellationToken cancellationToken)
    {
        if (await campaigns.FindAsync(name, cancellationToken) is not { } summary) return null;
        var report = await WriteAsync(name, summary.Counts, name, summary.CreatedAt, withPictures, cancellationToken);
        return report with { Span = await campaigns.FindSpanAsync(name, withPictures ? SpanInFiles : SpanOnPages, cancellationToken) };
    }

    /// <summary>The report of a night: all campaigns that began within a day or are not done.</summary>
    public async Task<CampaignReport> OfNightAsync(string title, CancellationToken cancellationToken)
    {
        var since = clock.GetUtcNow().AddDays(-1);
        var list = (await campaigns.ListAsync(null, MaxCampaigns, cancellationToken)).Where(campaign => campaign.CreatedAt >= since || campaign.Counts.Open > 0).ToArray();
        var counts = new JobCounts(
            list.Sum(campaign => campaign.Queued), list.Sum(campaign => campaign.Running), list.Sum(campaign => campaign.Succeeded), list.Sum(campaign => campaign.Failed),
            list.Sum(campaign => campaign.Cancelled), list.Sum(campaign => campaign.Verified));
        return await WriteAsync(title, counts, null, since, withPictures: true, cancellationToken) with { Campaigns = list };
    }

    private async Task<CampaignReport> WriteAsync(
        string title, JobCounts counts, string? campaign, DateTimeOffset since, bool withPictures, CancellationToken cancellationToken)
    {
        var (checks, _) = await checkpoints.CountAsync(0, since, cancellationToken);
        var drawn = (await canaries.ListAsync(NewestCanaries, cancellationToken)).Where(canary => canary.CreatedAt >= since).ToArray();
        return new CampaignReport
        {
            Title = title,
            At = clock.GetUtcNow(),
            Since = since,
            Counts = counts,
            Failures = counts.Failed == 0 ? [] : await campaigns.ListFailureReasonsAsync(campaign, cancellationToken),
            CheckpointsPassed = checks.Passed,
            CheckpointsDrifted = checks.Drifted,
            Faults = (await faults.ListFaultsAsync(MaxFaults, cancellationToken)).Where(fault => fault.CreatedAt >= since).ToArray(),
            Canaries = drawn.GroupBy(canary => canary.Verdict, StringComparer.Ordinal).ToDictionary(group => group.Key, group => group.Count(), StringComparer.Ordinal),
            CanaryPictures = withPictures ? await PicturesAsync(drawn, cancellationToken) : [],
        };
    }

    private async Task<IReadOnlyList<ReportCanary>> PicturesAsync(IReadOnlyList<RecordedCanary> drawn, CancellationToken cancellationToken)
    {
        var list = new List<ReportCanary>();
        foreach (var canary in drawn.OrderByDescending(canary => canary.Verdict == "differs").ThenByDescending(canary => canary.CanaryId).Take(MaxCanaryPictures))
        {
            if (await pictures.FindCanaryAsync(canary.CanaryId, cancellationToken) is { } picture)
                list.Add(new ReportCanary(canary.CanaryId, canary.CreatedAt, canary.Model, canary.Device, canary.Verdict, canary.Psnr, picture));
        }

        return list;
    }
}
