using BatchGen.Dashboard.Pages;
using BatchGen.Dashboard.Security;
using BatchGen.Queue.Schedules;
using Hangfire;
using Hangfire.Common;
using Microsoft.Extensions.Hosting;

namespace BatchGen.Dashboard.Scheduling;

/// <summary>Tells Hangfire what recurs, at start and whenever a schedule changes.</summary>
/// <remarks>What fell due while nothing ran is done once at the next start, however often it was missed; Hangfire remembers when each was due.</remarks>
internal sealed class Recurring(IRecurringJobManagerV2 manager, ScheduleStore schedules, DashboardOptions options, Show show) : IHostedService
{
    /// <summary>Name of the retention work.</summary>
    internal const string Retention = "retention";

    /// <summary>Name of the index work.</summary>
    internal const string Reindex = "reindex";

    /// <summary>Name of the canary work.</summary>
    internal const string Canaries = "canaries";

    /// <summary>Name of the morning report's work.</summary>
    internal const string MorningReport = "morning-report";

    /// <summary>Name of the work that posts reports of campaigns.</summary>
    internal const string EndedCampaigns = "ended-campaigns";

    private const string SchedulePrefix = "campaign-";

    /// <inheritdoc/>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        Set("rescue-leases", Job.FromExpression<RecurringWork>(work => work.RescueLeasesAsync(CancellationToken.None)), "* * * * *", TimeZoneInfo.Utc);
        Set(EndedCampaigns, Job.FromExpression<EndedCampaignWork>(work => work.FindEndedAsync(CancellationToken.None)), "* * * * *", TimeZoneInfo.Utc);
        Set(MorningReport, Job.FromExpression<RecurringWork>(work => work.WriteMorningReportAsync(CancellationToken.None)), options.ReportCron, show.Zone);
        Set(Retention, Job.FromExpression<UpkeepWork>(work => work.RetainAsync(CancellationToken.None)), options.RetentionCron, show.Zone);
        Set(Reindex, Job.FromExpression<UpkeepWork>(work => work.ReindexAsync(CancellationToken.None)), options.ReindexCron, show.Zone);
        Set(Canaries, Job.FromExpression<UpkeepWork>(work => work.OrderCanariesAsync(CancellationToken.None)), options.CanaryCron, show.Zone);
        foreach (var schedule in await schedules.ListAsync(cancellationToken)) Update(schedule.Id, schedule.Enabled ? schedule.Cron : null, schedule.TimeZone);
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Adds, changes or (without an expression) removes a schedule.</summary>
    /// <exception cref="FormatException">The expression or zone is not one; the message says what is.</exception>
    public void Update(int id, string? cron, string timeZone) => Set(
        NameOf(id), Job.FromExpression<RecurringWork>(work => work.SubmitScheduleAsync(id, null, CancellationToken.None)), cron ?? "", cron is null ? TimeZoneInfo.Utc : Zone(timeZone));

    /// <summary>Checks an expression and a zone.</summary>
    /// <exception cref="FormatException">Not one; the message says what is.</exception>
    public static void Check(string cron, string timeZone)
    {
        _ = Zone(timeZone);
        CronText.Check(cron);
    }

    /// <summary>Checks the expressions of the settings.</summary>
    /// <exception cref="DashboardException">One is not one; the message names it.</exception>
    public static void CheckSettings(DashboardOptions options)
    {
        foreach (var (name, cron) in new[]
        {
            (nameof(options.ReportCron), options.ReportCron), (nameof(options.CanaryCron), options.CanaryCron), (nameof(options.RetentionCron), options.RetentionCron), (nameof(options.ReindexCron), options.ReindexCron),
        })
        {
            try
            {
                if (cron.Trim().Length > 0) CronText.Check(cron);
            }
            catch (FormatException failure)
            {
                throw new DashboardException($"BatchGen:Dashboard:{name}: {failure.Message}");
            }
        }
    }

    /// <summary>Hangfire's name of a schedule.</summary>
    internal static string NameOf(int id) => SchedulePrefix + id.ToString(System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>A zone by its name.</summary>
    /// <exception cref="FormatException">Not one; the message says what is.</exception>
    internal static TimeZoneInfo Zone(string id) =>
        TimeZoneInfo.TryFindSystemTimeZoneById(id, out var zone) ? zone : throw new FormatException($"'{id}' is not a time zone; write one such as Europe/Berlin.");

    private void Set(string name, Job job, string cron, TimeZoneInfo zone)
    {
        if (cron.Trim().Length == 0)
        {
            manager.RemoveIfExists(name);
            return;
        }

        CronText.Check(cron);
        manager.AddOrUpdate(name, job, cron, new RecurringJobOptions { TimeZone = zone, MisfireHandling = MisfireHandlingMode.Relaxed });
    }
}
