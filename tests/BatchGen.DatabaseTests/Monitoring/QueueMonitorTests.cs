using System.Diagnostics.Metrics;
using BatchGen.Core.Monitoring;
using BatchGen.Core.Rendering;
using BatchGen.Dashboard.Monitoring;
using BatchGen.DatabaseTests.Dashboard;
using BatchGen.Queue;
using BatchGen.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Monitoring;

/// <summary>What the dashboard tells of queue and workers, as metrics and as its own state.</summary>
[Collection(DashboardHost.OneAtATime)]
public sealed class QueueMonitorTests
{
    [Fact]
    public async Task The_dashboard_says_what_the_queue_does_and_stays_ready_to_mend_it()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync();
        var worker = await database.AddWorkerAsync();
        await using var host = await DashboardHost.StartAsync(database);
        Assert.Equal(new Readiness(true, ProcessStates.Idle), await ReadAsync(host));
        await database.SubmitAsync("");
        Assert.Equal(new Readiness(true, ProcessStates.Working), await ReadAsync(host));
        await database.SqlAsync("update models set paused = true");
        Assert.Equal(new Readiness(true, ProcessStates.Paused), await ReadAsync(host));
        await database.SqlAsync("update models set paused = false");
        await database.SqlAsync(
            "insert into dispatch_windows (name, time_zone, opens, closes, weekdays) select 'night', 'UTC', "
            + "(now() at time zone 'UTC' + interval '2 hours')::time, (now() at time zone 'UTC' + interval '3 hours')::time, "
            + "'{1,2,3,4,5,6,7}'");
        Assert.Equal(new Readiness(true, ProcessStates.OutsideWindow), await ReadAsync(host));
        await database.CheckpointAsync(worker, CheckpointVerdict.Drifted);
        Assert.Equal(new Readiness(true, ProcessStates.Drifted), await ReadAsync(host));
        await database.CheckpointAsync(worker, CheckpointVerdict.Restored);
        Assert.Equal(new Readiness(true, ProcessStates.OutsideWindow), await ReadAsync(host));
    }

    [Fact]
    public async Task A_dashboard_whose_database_does_not_answer_is_degraded_and_tells_so_in_metrics()
    {
        await using var database = await TestDatabase.CreateAsync();
        var clock = new FakeTimeProvider(DashboardHost.Now);
        await using var host = await DashboardHost.StartAsync(database, clock: clock);
        Assert.Equal(new Readiness(true, ProcessStates.Idle), await ReadAsync(host));
        await database.SqlAsync("alter table job_counts rename to away");
        // One failure is a passing matter.
        Assert.Equal(new Readiness(true, ProcessStates.Idle), await ReadAsync(host));
        clock.Advance(TimeSpan.FromSeconds(31));
        Assert.Equal(new Readiness(false, ProcessStates.Degraded), await ReadAsync(host));
        Assert.Equal(("batchgen.database.up", "", 0.0), Assert.Single(Scrape(host)));
        await database.SqlAsync("alter table away rename to job_counts");
        Assert.Equal(new Readiness(true, ProcessStates.Idle), await ReadAsync(host));
        Assert.Contains(("batchgen.database.up", "", 1.0), Scrape(host));
    }

    [Fact]
    public async Task Metrics_say_jobs_by_state_age_workers_and_checkpoints()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync();
        var (busy, paused) = (await database.AddWorkerAsync("busy"), await database.AddWorkerAsync("paused"));
        await database.AddWorkerAsync("silent");
        // Crashed, and started again under its name.
        await database.AddWorkerAsync("replaced");
        await database.SqlAsync("update workers set paused = true where name = 'paused'");
        await database.SqlAsync("update workers set heartbeat_at = now() - interval '5 minutes' where name in ('silent', 'replaced')");
        await database.SqlAsync("update workers set started_at = started_at - interval '1 hour' where name = 'replaced'");
        await database.AddWorkerAsync("replaced");
        await database.SubmitAsync("", "", "");
        Assert.NotNull(await database.ClaimAsync(busy, maxJobs: 1));
        await database.SqlAsync("update jobs set run_at = now() - interval '1 hour' where state = 'queued'");
        await database.CheckpointAsync(paused, CheckpointVerdict.Passed);
        await using var host = await DashboardHost.StartAsync(database);
        Assert.Equal(new Readiness(true, ProcessStates.Working), await ReadAsync(host));
        var scraped = Scrape(host);
        foreach (var expected in new[]
        {
            ("batchgen.database.up", "", 1.0), ("batchgen.queue.jobs", "state=queued", 2), ("batchgen.queue.jobs", "state=running", 1),
            ("batchgen.queue.jobs", "state=failed", 0), ("batchgen.queue.claimable", "", 1), ("batchgen.queue.verified", "", 0),
            ("batchgen.workers", "state=working", 1), ("batchgen.workers", "state=paused", 1), ("batchgen.workers", "state=silent", 1),
            ("batchgen.workers", "state=idle", 1), ("batchgen.queue.checkpoints", "verdict=passed", 1),
            ("batchgen.queue.checkpoints", "verdict=drifted", 0),
        })
            Assert.Contains(expected, scraped);
        Assert.InRange(Assert.Single(scraped, value => value.Name == "batchgen.queue.oldest").Value, 3600, 3900);
    }

    [Fact]
    public async Task The_standstill_in_metrics_is_what_the_database_judges_by_the_setting()
    {
        await using var database = await TestDatabase.CreateAsync(new QueueOptions { StandstillAfter = TimeSpan.FromHours(1) });
        await database.AddModelAsync();
        var worker = await database.AddWorkerAsync();
        await using var host = await DashboardHost.StartAsync(database);
        await database.SubmitAsync("", "");
        await database.SqlAsync("update jobs set run_at = now() - interval '30 minutes'");
        Assert.Equal((0, 0, 0), await StandstillAsync(host));
        await database.SqlAsync(
            "update jobs set run_at = now() - interval '2 hours'; update workers set started_at = now() - interval '3 hours'");
        Assert.InRange((await StandstillAsync(host)).NothingFinished, 7200, 7500);
        await database.FinishAsync((await database.ClaimAsync(worker, maxJobs: 1))!);
        Assert.Equal((0, 0, 0), await StandstillAsync(host));

        await database.SqlAsync("update workers set set_aside_at = now() - interval '5 minutes', set_aside_reason = 'nonsense'");
        var aside = await StandstillAsync(host);
        Assert.Equal((0, 0), (aside.NothingFinished, aside.NoWorkers));
        Assert.InRange(aside.SetAside, 300, 600);
        await database.SqlAsync("update workers set stopped_at = now() - interval '3 minutes'");
        var gone = await StandstillAsync(host);
        Assert.Equal((0, 0), (gone.NothingFinished, gone.SetAside));
        Assert.InRange(gone.NoWorkers, 180, 480);
    }

    private static async Task<(double NothingFinished, double NoWorkers, double SetAside)> StandstillAsync(DashboardHost host)
    {
        await ReadAsync(host);
        var values = Scrape(host).Where(value => value.Name == "batchgen.queue.standstill")
            .ToDictionary(value => value.Tag, value => value.Value);
        return (values["reason=nothing_finished"], values["reason=no_workers"], values["reason=worker_set_aside"]);
    }

    private static async Task<Readiness> ReadAsync(DashboardHost host)
    {
        var monitor = host.Services.GetRequiredService<QueueMonitor>();
        await monitor.RefreshAsync(TestContext.Current.CancellationToken);
        return monitor.Read();
    }

    // What a scrape reads from the instruments of this dashboard.
    private static List<(string Name, string Tag, double Value)> Scrape(DashboardHost host)
    {
        var values = new List<(string, string, double)>();
        using var meter = Telemetry.Readings();
        QueueGauges.Add(meter, host.Services.GetRequiredService<QueueMonitor>().Current);
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, reader) =>
        {
            if (ReferenceEquals(instrument.Meter, meter)) reader.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, value, tags));
        listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Add(instrument, value, tags));
        listener.Start();
        listener.RecordObservableInstruments();
        return values;

        void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
            values.Add((instrument.Name, tags.Length == 0 ? "" : $"{tags[0].Key}={tags[0].Value}", value));
    }
}
