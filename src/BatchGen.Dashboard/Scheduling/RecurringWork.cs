using System.Globalization;
using BatchGen.Core.Jobs;
using BatchGen.Core.Submitting;
using BatchGen.Core.Texts;
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

/// <summary>Work of jobs and reports that Hangfire runs: each piece short, and harmless when run twice.</summary>
/// <remarks>
/// Public because Hangfire finds methods by name; nothing else calls them, and renaming one loses what is queued under its name.
/// No batch ever depends on Hangfire running.
/// </remarks>
public sealed class RecurringWork
{
    private readonly BatchClaims _claims;
    private readonly JobSubmitter _submitter;
    private readonly ScheduleStore _schedules;
    private readonly ReportCollector _reports;
    private readonly ReportFiles _files;
    private readonly ReportWebhook _webhook;
    private readonly DisplayFormat _display;
    private readonly ILogger<RecurringWork> _log;

    internal RecurringWork(
        BatchClaims claims,
        JobSubmitter submitter,
        ScheduleStore schedules,
        ReportCollector reports,
        ReportFiles files,
        ReportWebhook webhook,
        DisplayFormat display,
        ILogger<RecurringWork> log)
    {
        _claims = claims;
        _submitter = submitter;
        _schedules = schedules;
        _reports = reports;
        _files = files;
        _webhook = webhook;
        _display = display;
        _log = log;
    }

    /// <summary>Requeues the jobs of workers whose lease has expired. Workers do it too; this does it when none is left.</summary>
    [AutomaticRetry(Attempts = 0)]
    public async Task RescueLeasesAsync(CancellationToken cancellationToken)
    {
        var rescued = await _claims.RescueExpiredAsync(cancellationToken);
        if (rescued > 0) _log.BatchesRescued(rescued);
    }

    /// <summary>Submits one run of a scheduled campaign.</summary>
    /// <param name="id">The schedule.</param>
    /// <param name="context">Tells when Hangfire made this run; a retry keeps that instant, so that the jobs get the same keys and
    /// are not submitted twice.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    [AutomaticRetry(Attempts = 5)]
    public async Task SubmitScheduleAsync(int id, PerformContext? context, CancellationToken cancellationToken)
    {
        if (await _schedules.FindAsync(id, cancellationToken) is not { Enabled: true } schedule) return;
        var due = context is null ? _display.Now : new DateTimeOffset(context.BackgroundJob.CreatedAt, TimeSpan.Zero);
        var campaign = $"{schedule.Name} {_display.Time(due)}";
        JobList? list = null;
        try
        {
            list = JobFile.Read(schedule.Jobs, "", new TimeReference(due, TimeZones.Parse(schedule.TimeZone)));
            var jobs = Stamp(list.ToList(), campaign, $"schedule/{id}/{due:yyyyMMddTHHmmss}");
            var ids = await _submitter.SubmitAsync(jobs, cancellationToken);
            await _schedules.NoteRunAsync(id, $"submitted {Quantities.Count(ids.Count, "job")} as {campaign}", cancellationToken);
            _log.ScheduleSubmitted(ids.Count, schedule.Name, campaign);
        }
        catch (Exception refused) when (refused is SubmitRefusedException or JobFileException or FormatException)
        {
            // Trying again cannot help; the schedule's page and the morning report show why.
            var reason = list?.Locate(refused.Message) ?? refused.Message;
            await _schedules.NoteRunAsync(id, ReportCollector.RefusedPrefix + reason, cancellationToken);
            _log.ScheduleRefused(schedule.Name, reason);
        }
    }

    /// <summary>Writes the report of the night and posts it.</summary>
    [AutomaticRetry(Attempts = 3)]
    public async Task WriteMorningReportAsync(CancellationToken cancellationToken)
    {
        var day = _display.Day(_display.Now);
        var report = await _reports.OfNightAsync($"Morning report {day}", cancellationToken);
        _log.ReportWritten(await _files.SaveAsync(report, day, cancellationToken));
        // When the receiver does not take the report Hangfire tries again, and the files are simply written once more.
        if (_webhook.IsSet) await _webhook.PostAsync(report, "morning-" + day, cancellationToken);
    }

    /// <summary>Gives every job of a list its campaign and a key of this run.</summary>
    internal static JobRequest[] Stamp(IEnumerable<JobRequest> jobs, string campaign, string key) => jobs.Select((job, i) => job with
    {
        Campaign = campaign,
        IdempotencyKey = string.Create(CultureInfo.InvariantCulture, $"{key}/{i}"),
    }).ToArray();
}
