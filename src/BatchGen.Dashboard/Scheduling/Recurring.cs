using System.Globalization;
using BatchGen.Dashboard.Pages;
using BatchGen.Dashboard.Security;
using BatchGen.Queue.Schedules;
using Hangfire;
using Hangfire.Common;
using Microsoft.Extensions.Hosting;

namespace BatchGen.Dashboard.Scheduling;

/// <summary>Registers recurring work with Hangfire, at start and whenever a schedule changes.</summary>
/// <remarks>Work that fell due while nothing ran is done once at the next start, however often it was missed; Hangfire
/// remembers when each was due.</remarks>
internal sealed class Recurring(
    IRecurringJobManagerV2 manager, ScheduleStore schedules, DashboardOptions options, DisplayFormat display) : IHostedService
{
    /// <summary>Name of the work that requeues jobs whose lease has expired.</summary>
    internal const string RescueLeases = "rescue-leases";

    /// <summary>Name of the work that posts reports of ended campaigns.</summary>
    internal const string EndedCampaigns = "ended-campaigns";

    /// <summary>Name of the work that writes the morning report.</summary>
    internal const string MorningReport = "morning-report";

    /// <summary>Name of the retention work.</summary>
    internal const string Retention = "retention";

    /// <summary>Name of the work that rebuilds indexes.</summary>
    internal const string Reindex = "reindex";

    /// <summary>Name of the work that orders canaries.</summary>
    internal const string Canaries = "canaries";

    private const string EveryMinute = "* * * * *";
    private const string SchedulePrefix = "campaign-";

    /// <inheritdoc/>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var zone = display.Zone;
        Set(RescueLeases, Job.FromExpression<RecurringWork>(work => work.RescueLeasesAsync(CancellationToken.None)), EveryMinute,
            TimeZoneInfo.Utc);
        Set(EndedCampaigns, Job.FromExpression<EndedCampaignWork>(work => work.FindEndedAsync(CancellationToken.None)), EveryMinute,
            TimeZoneInfo.Utc);
        Set(MorningReport, Job.FromExpression<RecurringWork>(work => work.WriteMorningReportAsync(CancellationToken.None)),
            options.ReportCron, zone);
        Set(Retention, Job.FromExpression<UpkeepWork>(work => work.RetainAsync(CancellationToken.None)), options.RetentionCron, zone);
        Set(Reindex, Job.FromExpression<UpkeepWork>(work => work.ReindexAsync(CancellationToken.None)), options.ReindexCron, zone);
        Set(Canaries, Job.FromExpression<UpkeepWork>(work => work.OrderCanariesAsync(CancellationToken.None)), options.CanaryCron, zone);
        foreach (var schedule in await schedules.ListAsync(cancellationToken))
            Update(schedule.Id, schedule.Enabled ? schedule.Cron : null, schedule.TimeZone);
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Adds, changes or (without an expression) removes a schedule.</summary>
    /// <exception cref="FormatException">The expression or the zone cannot be understood; the message says what can.</exception>
    public void Update(int id, string? cron, string timeZone)
    {
        var job = Job.FromExpression<RecurringWork>(work => work.SubmitScheduleAsync(id, null, CancellationToken.None));
        Set(NameOf(id), job, cron ?? "", cron is null ? TimeZoneInfo.Utc : TimeZones.Parse(timeZone));
    }

    /// <summary>Checks the expressions of the settings.</summary>
    /// <exception cref="DashboardException">An expression cannot be understood; the message names the setting.</exception>
    public static void CheckSettings(DashboardOptions options)
    {
        Check(nameof(options.ReportCron), options.ReportCron);
        Check(nameof(options.CanaryCron), options.CanaryCron);
        Check(nameof(options.RetentionCron), options.RetentionCron);
        Check(nameof(options.ReindexCron), options.ReindexCron);

        static void Check(string name, string cron)
        {
            try
            {
                if (cron.Trim().Length > 0) CronText.Check(cron);
            }
            catch (FormatException failure)
            {
                throw new DashboardException($"BatchGen:Dashboard:{name}: {failure.Message}", failure);
            }
        }
    }

    /// <summary>Hangfire's name of a schedule.</summary>
    internal static string NameOf(int id) => SchedulePrefix + id.ToString(CultureInfo.InvariantCulture);

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
