using BatchGen.Core.Jobs;
using BatchGen.Queue.Canaries;
using BatchGen.Queue.Jobs;
using BatchGen.Queue.Reports;
using BatchGen.Queue.Schedules;

namespace BatchGen.Dashboard.Reports;

/// <summary>Collects what reports say.</summary>
internal sealed class ReportWriter(
    CampaignCatalog campaigns, NightHistory nights, JobCatalog jobs, CheckpointHistory checkpoints, CanaryLog canaries, ImageCatalog pictures, ScheduleStore schedules, TimeProvider clock)
{
    private const int NewestCanaries = 2_000;
    private const int MaxCanaryPictures = 12;
    private const int MaxFaults = 20;
    private const int MaxCampaigns = 200;

    // A page is loaded again and again and has to be quick; a file is asked for once.
    private const int LookOnPages = 4_000;
    private const int LookInFiles = 1_000_000;

    // What notes of refused runs start with; see RecurringWork.SubmitScheduleAsync.
    private const string Refused = "refused: ";

    private static readonly TimeSpan Night = TimeSpan.FromDays(1);

    /// <summary>The report of one campaign, or null when there is none of that name.</summary>
    /// <param name="name">The campaign.</param>
    /// <param name="withPictures">As a file: canaries with their pictures, and all pictures and failures looked at instead of the newest.</param>
    /// <param name="cancellationToken">Cancels the queries.</param>
    public async Task<CampaignReport?> OfCampaignAsync(string name, bool withPictures, CancellationToken cancellationToken) =>
        await campaigns.FindAsync(name, cancellationToken) is { } summary ? await OfCampaignAsync(summary, withPictures, cancellationToken) : null;

    /// <summary>The report of one campaign as a file, or null when there is none of that number.</summary>
    public async Task<CampaignReport?> OfCampaignAsync(int id, CancellationToken cancellationToken) =>
        await campaigns.FindAsync(id, cancellationToken) is { } summary ? await OfCampaignAsync(summary, withPictures: true, cancellationToken) : null;

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
            Counts = new JobCounts(open.Queued, open.Running, drawn.Images, endings["failed"].Sum(ending => ending.Jobs), endings["cancelled"].Sum(ending => ending.Jobs), drawn.Verified),
            Span = drawn.Span,
            Failures = endings["failed"].ToArray(),
            Campaigns = await campaigns.ListOfNightAsync(since, MaxCampaigns, cancellationToken),
            Refused =
            [
                .. (await schedules.ListAsync(cancellationToken)).Where(schedule => schedule.LastRunAt >= since && schedule.LastResult?.StartsWith(Refused, StringComparison.Ordinal) == true)
                    .Select(schedule => new RefusedRun(schedule.Name, schedule.LastRunAt!.Value, schedule.LastResult![Refused.Length..])),
            ],
        };
        return await AddWeightsAsync(report, new CheckpointRange(since, null), await canaries.ListAsync(NewestCanaries, since, cancellationToken), withPictures: true, cancellationToken);
    }

    private async Task<CampaignReport> OfCampaignAsync(CampaignSummary summary, bool withPictures, CancellationToken cancellationToken)
    {
        var (id, look) = (summary.Id, withPictures ? LookInFiles : LookOnPages);
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
        // Before its first batch nothing concerns it.
        if (span.FirstAt is not { } first) return report;
        var drawn = await canaries.ListOfCampaignAsync(id, first, span.CheckedAt, NewestCanaries, cancellationToken);
        return await AddWeightsAsync(report, new CheckpointRange(first, span.CheckedAt, id), drawn, withPictures, cancellationToken);
    }

    private async Task<CampaignReport> AddWeightsAsync(
        CampaignReport report, CheckpointRange range, IReadOnlyList<RecordedCanary> drawn, bool withPictures, CancellationToken cancellationToken)
    {
        var checks = await checkpoints.CountAsync(range, cancellationToken);
        var chosen = ReportCanary.Choose(drawn, MaxCanaryPictures);
        return report with
        {
            CheckpointsPassed = checks.Passed,
            CheckpointsDrifted = checks.Drifted,
            Faults = checks.Drifted == 0 ? [] : await checkpoints.ListFaultsAsync(range, MaxFaults, cancellationToken),
            Canaries = drawn.GroupBy(canary => canary.Verdict, StringComparer.Ordinal).ToDictionary(group => group.Key, group => group.Count(), StringComparer.Ordinal),
            CanaryPictures = withPictures ? await WithPicturesAsync(chosen, cancellationToken) : chosen,
        };
    }

    private async Task<IReadOnlyList<ReportCanary>> WithPicturesAsync(IReadOnlyList<ReportCanary> chosen, CancellationToken cancellationToken)
    {
        var list = new List<ReportCanary>();
        foreach (var canary in chosen)
        {
            list.Add(canary with
            {
                Picture = await pictures.FindCanaryAsync(canary.CanaryId, cancellationToken) ?? [], FirstPicture = await pictures.FindCanaryAsync(canary.FirstId, cancellationToken) ?? [],
            });
        }

        return list;
    }
}
