using BatchGen.Dashboard.Pages;
using BatchGen.Queue.Schedules;
using Hangfire;
using Hangfire.Common;
using Microsoft.Extensions.Hosting;

namespace BatchGen.Dashboard.Scheduling;

/// <summary>Tells Hangfire what recurs, at start and whenever a schedule changes.</summary>
internal sealed class Recurring(IRecurringJobManagerV2 manager, ScheduleStore schedules, DashboardOptions options, Show show) : IHostedService
{
    private const string SchedulePrefix = "campaign-";

    /// <inheritdoc/>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        manager.AddOrUpdate("rescue-leases", Job.FromExpression<RecurringWork>(work => work.RescueLeasesAsync(CancellationToken.None)), Cron.Minutely(), new RecurringJobOptions());
        Add("morning-report", Job.FromExpression<RecurringWork>(work => work.WriteMorningReportAsync(CancellationToken.None)), options.ReportCron, show.Zone);
        foreach (var schedule in await schedules.ListAsync(cancellationToken)) Update(schedule.Id, schedule.Enabled ? schedule.Cron : null, schedule.TimeZone);
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Adds, changes or (without an expression) removes a schedule.</summary>
    /// <exception cref="FormatException">The expression or zone is not one; the message says what is.</exception>
    public void Update(int id, string? cron, string timeZone)
    {
        var name = SchedulePrefix + id.ToString(System.Globalization.CultureInfo.InvariantCulture);
        if (cron is null) manager.RemoveIfExists(name);
        else Add(name, Job.FromExpression<RecurringWork>(work => work.SubmitScheduleAsync(id, null, CancellationToken.None)), cron, Zone(timeZone));
    }

    /// <summary>Checks an expression and a zone.</summary>
    /// <exception cref="FormatException">Not one; the message says what is.</exception>
    public static void Check(string cron, string timeZone)
    {
        _ = Zone(timeZone);
        CronText.Check(cron);
    }

    private void Add(string name, Job job, string cron, TimeZoneInfo zone)
    {
        CronText.Check(cron);
        manager.AddOrUpdate(name, job, cron, new RecurringJobOptions { TimeZone = zone, MisfireHandling = MisfireHandlingMode.Relaxed });
    }

    private static TimeZoneInfo Zone(string id) =>
        TimeZoneInfo.TryFindSystemTimeZoneById(id, out var zone) ? zone : throw new FormatException($"'{id}' is not a time zone; write one such as Europe/Berlin.");
}
