using BatchGen.Core.Jobs;
using BatchGen.Queue.Canaries;
using BatchGen.Queue.Jobs;
using BatchGen.Queue.Reports;
using BatchGen.Queue.Schedules;

namespace BatchGen.Dashboard.Reports;

/// <summary>Collects the contents of reports.</summary>
internal sealed class ReportCollector(
    CampaignCatalog campaigns,
    NightHistory nights,
    JobCatalog jobs,
    CheckpointHistory checkpoints,
    CanaryLog canaries,
    ImageCatalog images,
    ScheduleStore schedules,
    TimeProvider clock)
{
    /// <summary>The beginning of notes on refused runs of recurring campaigns; the reason follows.</summary>
    public const string RefusedPrefix = "refused: ";

    private const int NewestCanaries = 2_000;
    private const int MaxCanaryImages = 12;
    private const int MaxFaults = 20;
    private const int MaxCampaigns = 200;

    // How many images and failures are looked at. A page is loaded again and again and has to be quick; a file is asked for once.
    private const int LookOnPages = 4_000;
    private const int LookInFiles = 1_000_000;

    private static readonly TimeSpan Night = TimeSpan.FromDays(1);

    /// <summary>The report of one campaign, or null when there is none of that name.</summary>
    /// <param name="name">The campaign.</param>
    /// <param name="asFile">True for a file: with the images of canaries, and all images and failures looked at
    /// instead of the newest.</param>
    /// <param name="cancellationToken">Cancels the queries.</param>
    public async Task<CampaignReport?> OfCampaignAsync(string name, bool asFile, CancellationToken cancellationToken) =>
        await campaigns.FindAsync(name, cancellationToken) is { } summary ? await OfCampaignAsync(summary, asFile, cancellationToken)
            : null;

    /// <summary>The report of one campaign as a file, or null when there is none of that number.</summary>
    public async Task<CampaignReport?> OfCampaignAsync(int id, CancellationToken cancellationToken) =>
        await campaigns.FindAsync(id, cancellationToken) is { } summary ? await OfCampaignAsync(summary, asFile: true, cancellationToken)
            : null;

    /// <summary>The report of a night: what ended within a day, whatever its campaign, and what is open.</summary>
    public async Task<CampaignReport> OfNightAsync(string title, CancellationToken cancellationToken)
    {
        var since = clock.GetUtcNow() - Night;
        var drawn = await nights.CountAsync(since, cancellationToken);
        var endings = (await nights.ListEndingsAsync(since, cancellationToken)).ToLookup(ending => ending.State, StringComparer.Ordinal);
        var open = await jobs.CountAsync(null, cancellationToken);
        var report = new CampaignReport
        {
            Title = title,
            At = clock.GetUtcNow(),
            Since = since,
            Counts = new JobCounts(
                open.Queued, open.Running, drawn.Images, endings["failed"].Sum(ending => ending.Jobs),
                endings["cancelled"].Sum(ending => ending.Jobs), drawn.Verified),
            Span = drawn.Span,
            Failures = endings["failed"].ToArray(),
            Campaigns = await campaigns.ListOfNightAsync(since, MaxCampaigns, cancellationToken),
            Refused = await ListRefusedAsync(since, cancellationToken),
        };
        var ofNight = await canaries.ListAsync(NewestCanaries, since, cancellationToken);
        return await AddWeightsAsync(report, new CheckpointRange(since, null), ofNight, asFile: true, cancellationToken);
    }

    private async Task<CampaignReport> OfCampaignAsync(CampaignSummary summary, bool asFile, CancellationToken cancellationToken)
    {
        var (id, look) = (summary.Id, asFile ? LookInFiles : LookOnPages);
        var span = await campaigns.FindSpanAsync(id, look, cancellationToken);
        var report = new CampaignReport
        {
            Title = summary.Name,
            At = clock.GetUtcNow(),
            Campaign = summary.Name,
            Since = span.FirstAt,
            Counts = summary.Counts,
            Span = span,
            Failures = summary.Failed == 0 ? [] : await campaigns.ListFailureReasonsAsync(id, look, cancellationToken),
        };
        // No checkpoint or canary from before its first batch concerns a campaign.
        if (span.FirstAt is not { } first) return report;
        var drawn = await canaries.ListOfCampaignAsync(id, first, span.CheckedAt, NewestCanaries, cancellationToken);
        return await AddWeightsAsync(report, new CheckpointRange(first, span.CheckedAt, id), drawn, asFile, cancellationToken);
    }

    private async Task<CampaignReport> AddWeightsAsync(
        CampaignReport report, CheckpointRange range, IReadOnlyList<RecordedCanary> drawn, bool asFile, CancellationToken cancellationToken)
    {
        var checks = await checkpoints.CountAsync(range, cancellationToken);
        var chosen = ReportCanary.Choose(drawn, MaxCanaryImages);
        return report with
        {
            CheckpointsPassed = checks.Passed,
            CheckpointsDrifted = checks.Drifted,
            Faults = checks.Drifted == 0 ? [] : await checkpoints.ListFaultsAsync(range, MaxFaults, cancellationToken),
            Canaries = new CanaryCounts(Count("first"), Count("equal"), Count("close"), Count("differs")),
            CanaryImages = asFile ? await WithImagesAsync(chosen, cancellationToken) : chosen,
        };

        int Count(string verdict) => drawn.Count(canary => canary.Verdict == verdict);
    }

    private async Task<IReadOnlyList<RefusedRun>> ListRefusedAsync(DateTimeOffset since, CancellationToken cancellationToken)
    {
        var refused = (await schedules.ListAsync(cancellationToken)).Where(schedule =>
            schedule.LastRunAt >= since && schedule.LastResult?.StartsWith(RefusedPrefix, StringComparison.Ordinal) == true);
        return refused.Select(
            schedule => new RefusedRun(schedule.Name, schedule.LastRunAt!.Value, schedule.LastResult![RefusedPrefix.Length..])).ToArray();
    }

    private async Task<IReadOnlyList<ReportCanary>> WithImagesAsync(IReadOnlyList<ReportCanary> chosen, CancellationToken cancellationToken)
    {
        var list = new List<ReportCanary>();
        foreach (var canary in chosen)
        {
            var image = await images.FindCanaryAsync(canary.CanaryId, cancellationToken) ?? [];
            list.Add(canary with { Image = image, FirstImage = await images.FindCanaryAsync(canary.FirstId, cancellationToken) ?? [] });
        }

        return list;
    }
}
