using System.Globalization;
using BatchGen.Core.Jobs;
using BatchGen.Core.Submitting;
using BatchGen.Dashboard.Api;
using BatchGen.Dashboard.Pages;
using BatchGen.Dashboard.Reports;
using BatchGen.Queue;
using BatchGen.Queue.Claims;
using BatchGen.Queue.Jobs;
using BatchGen.Queue.Schedules;
using Hangfire;
using Hangfire.Server;
using Microsoft.Extensions.Logging;

namespace BatchGen.Dashboard.Scheduling;

/// <summary>What Hangfire runs: each piece short, and harmless when run twice.</summary>
/// <remarks>Public because Hangfire finds methods by name; nothing else calls them. No batch ever depends on Hangfire running.</remarks>
public sealed class RecurringWork
{
    private readonly BatchClaims _claims;
    private readonly JobSubmitter _submitter;
    private readonly ScheduleStore _schedules;
    private readonly ReportWriter _reports;
    private readonly ReportWebhook _webhook;
    private readonly DashboardFolders _folders;
    private readonly Show _show;
    private readonly ILogger<RecurringWork> _log;

    internal RecurringWork(
        BatchClaims claims, JobSubmitter submitter, ScheduleStore schedules, ReportWriter reports, ReportWebhook webhook, DashboardFolders folders, Show show, ILogger<RecurringWork> log)
    {
        _claims = claims;
        _submitter = submitter;
        _schedules = schedules;
        _reports = reports;
        _webhook = webhook;
        _folders = folders;
        _show = show;
        _log = log;
    }

    /// <summary>Puts back the jobs of workers that went away; workers do it too, this does it when none is left.</summary>
    [AutomaticRetry(Attempts = 0)]
    public async Task RescueLeasesAsync(CancellationToken cancellationToken)
    {
        var rescued = await _claims.RescueExpiredAsync(cancellationToken);
        if (rescued > 0) _log.BatchesRescued(rescued);
    }

    /// <summary>Submits one run of a scheduled campaign.</summary>
    /// <param name="id">The schedule.</param>
    /// <param name="context">Tells when Hangfire made this run; a retry keeps that instant, so that the jobs get the same keys and are not submitted twice.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    [AutomaticRetry(Attempts = 5)]
    public async Task SubmitScheduleAsync(int id, PerformContext? context, CancellationToken cancellationToken)
    {
        if (await _schedules.FindAsync(id, cancellationToken) is not { Enabled: true } schedule) return;
        var due = context is null ? _show.Now : new DateTimeOffset(context.BackgroundJob.CreatedAt, TimeSpan.Zero);
        var campaign = $"{schedule.Name} {_show.Time(due)}";
        try
        {
            var jobs = JobFile.Read(schedule.Jobs, "", new TimeReference(due, Recurring.Zone(schedule.TimeZone))).ToList();
            var ids = await _submitter.SubmitAsync(Stamp(jobs, campaign, $"schedule/{id}/{due:yyyyMMddTHHmmss}"), cancellationToken);
            await _schedules.NoteRunAsync(id, $"submitted {ids.Count} jobs as {campaign}", cancellationToken);
            _log.ScheduleSubmitted(ids.Count, schedule.Name, campaign);
        }
        catch (Exception refused) when (refused is SubmitRefusedException or JobFileException or FormatException)
        {
            // Trying again cannot help; the schedule's page shows why.
            await _schedules.NoteRunAsync(id, "refused: " + refused.Message, cancellationToken);
            _log.ScheduleRefused(schedule.Name, refused.Message);
        }
    }

    /// <summary>Writes the report of the night and posts it.</summary>
    [AutomaticRetry(Attempts = 3)]
    public async Task WriteMorningReportAsync(CancellationToken cancellationToken)
    {
        var day = TimeZoneInfo.ConvertTime(_show.Now, _show.Zone).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        var report = await _reports.OfNightAsync($"Morning report {day}", cancellationToken);
        Directory.CreateDirectory(_folders.Reports);
        var path = Path.Combine(_folders.Reports, day + ".md");
        // Markdown holds no pictures: they lie beside it.
        string Beside(long canary) => string.Create(CultureInfo.InvariantCulture, $"{day}-canary-{canary}.png");
        foreach (var (id, _, png) in report.CanaryPictures.SelectMany(canary => canary.Pictures).DistinctBy(picture => picture.Id))
            await File.WriteAllBytesAsync(Path.Combine(_folders.Reports, Beside(id)), png, cancellationToken);
        await File.WriteAllTextAsync(path, report.ToMarkdown(_show, Beside), cancellationToken);
        await File.WriteAllTextAsync(Path.ChangeExtension(path, ".html"), report.ToHtml(_show), cancellationToken);
        _log.ReportWritten(path);
        // When it is not received Hangfire tries again; the files are simply written once more.
        if (_webhook.IsSet) await _webhook.PostAsync(report, "morning-" + day, cancellationToken);
    }

    /// <summary>Gives every job of a list its campaign and a key of this run.</summary>
    internal static JobRequest[] Stamp(IEnumerable<JobRequest> jobs, string campaign, string key) =>
        jobs.Select((job, i) => job with { Campaign = campaign, IdempotencyKey = string.Create(CultureInfo.InvariantCulture, $"{key}/{i}") }).ToArray();
}
