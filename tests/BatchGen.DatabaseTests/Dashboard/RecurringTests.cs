using System.Net;
using System.Text.Json;
using BatchGen.Core.Jobs;
using BatchGen.Core.Rendering;
using BatchGen.Dashboard.Scheduling;
using BatchGen.Dashboard.Security;
using BatchGen.DatabaseTests.Worker;
using BatchGen.Queue.Canaries;
using BatchGen.Queue.Claims;
using BatchGen.Queue.Jobs;
using BatchGen.Queue.Schedules;
using BatchGen.Queue.Upkeep;
using BatchGen.Testing;
using Cronos;
using Hangfire;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace BatchGen.DatabaseTests.Dashboard;

/// <summary>Work that Hangfire runs; jobs never wait for it.</summary>
[Collection(DashboardHost.OneAtATime)]
public sealed class RecurringTests
{
    private static readonly string[] Upkeep = [Recurring.MorningReport, Recurring.Retention, Recurring.Reindex, Recurring.Canaries];

    [Fact]
    public async Task After_a_night_without_Hangfire_missed_work_runs_once_and_no_job_is_lost()
    {
        await using var database = await DatabaseAsync();
        await SubmitAgedJobAsync(database);
        int schedule;
        await using (var evening = await DashboardHost.StartAsync(database))
        {
            schedule = await evening.Services.GetRequiredService<ScheduleStore>()
                .SaveAsync("nightly", "0 22 * * *", "UTC", """[{"prompt":"a star"},{"prompt":"a moon"}]""", 2, CancellationToken.None);
            evening.Services.GetRequiredService<Recurring>().Update(schedule, "0 22 * * *", "UTC");
            await evening.StopAsync();

            // The night without Hangfire: a producer submits, a worker renders, and dispatch windows are obeyed.
            await database.SqlAsync(
                "insert into dispatch_windows (name, opens, closes, weekdays) values ('never', '00:00', '00:00', '{}')");
            await database.SubmitAsync("", "a", "", "a");
            await WorkerHost.RunAsync(database, new FakeRenderer());
            Assert.Equal(4, (await database.Catalog.CountAsync(null, CancellationToken.None)).Queued);
            await database.SqlAsync("update dispatch_windows set weekdays = '{1,2,3,4,5,6,7}'");
            await WorkerHost.RunAsync(database, new FakeRenderer());
            Assert.Equal((0, 5, 5), await CountsAsync(database));
            foreach (var name in (string[])[.. Upkeep, Recurring.NameOf(schedule)]) evening.MakeOverdue(name, TimeSpan.FromHours(34));
        }

        await using var morning = await DashboardHost.StartAsync(database, options => options.RunRecurringWork = true);
        string[] missed = [nameof(RecurringWork.WriteMorningReportAsync), nameof(RecurringWork.SubmitScheduleAsync),
            nameof(UpkeepWork.RetainAsync), nameof(UpkeepWork.ReindexAsync), nameof(UpkeepWork.OrderCanariesAsync)];
        await morning.UntilRunAsync(missed);

        Assert.All(missed, name => Assert.Equal((name, 1), (name, morning.Runs()[name])));
        Assert.All(morning.NextRuns(),
            pair => Assert.True(pair.Value > DashboardHost.Now.UtcDateTime.AddMinutes(-1), $"{pair.Key} is due again at {pair.Value}"));
        Assert.Equal((2, 4, 4), await CountsAsync(database)); // The campaign came once, and the old job went to the archive.
        Assert.Equal(1L, await database.SqlAsync<long>("select count(*) from archived_jobs"));
        Assert.Single(Directory.GetFiles(Path.Combine(morning.Folder, "reports"), "*.md"));
        Assert.Contains("submitted 2 jobs",
            Assert.Single(await morning.Services.GetRequiredService<ScheduleStore>().ListAsync(CancellationToken.None)).LastResult,
            StringComparison.Ordinal);
    }

    [Fact]
    [CoversRoute("POST /campaigns/schedules")]
    public async Task Times_of_a_recurring_campaign_are_read_anew_at_every_run_in_its_zone()
    {
        await using var database = await DatabaseAsync();
        var clock = new ShiftedClock();
        await using var dashboard = await DashboardHost.StartAsync(database, clock: clock);
        using var client = await dashboard.ClientAsync();
        var (status, page) = await client.SendAsync(
            await client.GetStringAsync("/campaigns"), "/campaigns/schedules", ("name", "nightly"), ("cron", "0 22 * * *"),
            ("zone", "Asia/Tokyo"), ("jobs", "prompt,deadline,count\na {star|moon},06:00,2"));
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Contains("4 jobs each time", page, StringComparison.Ordinal);
        var work = dashboard.Services.GetRequiredService<RecurringWork>();
        var id = Assert.Single(await dashboard.Services.GetRequiredService<ScheduleStore>().ListAsync(CancellationToken.None)).Id;
        for (var night = 1; night <= 2; night++)
        {
            var before = clock.GetUtcNow();
            await work.SubmitScheduleAsync(id, null, CancellationToken.None);
            var deadline = (DateTime)(await database.SqlAsync<object>("select max(deadline) from jobs where id > $1", (night - 1) * 4))!;
            // 06:00 in Tokyo, which has no summer time.
            Assert.Equal(
                (4L * night, new TimeSpan(21, 0, 0)), (await database.SqlAsync<long>("select count(*) from jobs"), deadline.TimeOfDay));
            Assert.InRange(deadline, before.UtcDateTime, clock.GetUtcNow().UtcDateTime.AddDays(1));
            clock.Ahead += TimeSpan.FromDays(2);
        }
    }

    [Theory]
    [InlineData("0 22-5 * * mon-fri", "Europe/Berlin")]
    [InlineData("30 2 28 3 *", "Europe/Berlin")] // In some years the night in which clocks go forward.
    [InlineData("15 23 L 2 *", "Asia/Tokyo")]
    public async Task Hangfire_runs_a_schedule_at_the_time_that_Cronos_reads_from_it(string cron, string zone)
    {
        await using var database = await DatabaseAsync();
        await using var dashboard = await DashboardHost.StartAsync(database);
        dashboard.Services.GetRequiredService<Recurring>().Update(7, cron, zone);
        var expected = CronExpression.Parse(cron).GetNextOccurrence(DashboardHost.Now, TimeZoneInfo.FindSystemTimeZoneById(zone));
        Assert.Equal(expected!.Value.UtcDateTime, dashboard.NextRuns()[Recurring.NameOf(7)]);
    }

    [Fact]
    public async Task Stopping_the_dashboard_does_not_stop_a_running_batch()
    {
        await using var database = await DatabaseAsync();
        await database.SubmitAsync("", "");
        using var started = new SemaphoreSlim(0);
        using var release = new SemaphoreSlim(0);
        var renderer = new FakeRenderer
        {
            OnRender = (_, token) =>
            {
                started.Release();
                release.Wait(token);
            },
        };
        await using var worker = await WorkerHost.StartAsync(database, renderer);
        var dashboard = await DashboardHost.StartAsync(database, options => options.RunRecurringWork = true);
        Assert.True(await started.WaitAsync(TimeSpan.FromSeconds(30)));
        await dashboard.DisposeAsync();
        release.Release(10);
        await worker.WaitForEndAsync();
        Assert.Equal((0, 2, 2), await CountsAsync(database));
        Assert.Equal(1L, await database.SqlAsync<long>("select count(*) from batches"));
    }

    [Fact]
    public async Task Empty_cron_settings_switch_work_off_and_wrong_ones_are_refused_by_name()
    {
        await using var database = await DatabaseAsync();
        await using (await DashboardHost.StartAsync(database)) { }
        await using (var dashboard = await DashboardHost.StartAsync(database,
            options => (options.CanaryCron, options.ReindexCron, options.RetentionCron, options.ReportCron) = ("", " ", "", "0 6 * * *")))
            Assert.Equal([Recurring.EndedCampaigns, Recurring.MorningReport, Recurring.RescueLeases],
                dashboard.NextRuns().Keys.Order(StringComparer.Ordinal));
        var refused = await Assert.ThrowsAsync<DashboardException>(
            () => DashboardHost.StartAsync(database, options => options.CanaryCron = "0 25 * * *"));
        Assert.Contains("BatchGen:Dashboard:CanaryCron: The hour '25'", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Hangfire_requeues_jobs_of_expired_leases_when_no_worker_is_left()
    {
        await using var database = await DatabaseAsync();
        await database.SubmitAsync("");
        Assert.NotNull(await database.ClaimAsync(await database.AddWorkerAsync()));
        await database.SqlAsync("update batches set lease_expires_at = now() - interval '1 second'");
        await using var dashboard = await DashboardHost.StartAsync(database, options => options.RunRecurringWork = true);
        dashboard.Services.GetRequiredService<IRecurringJobManager>().Trigger(Recurring.RescueLeases);
        await dashboard.UntilRunAsync([nameof(RecurringWork.RescueLeasesAsync)]);
        Assert.Equal(1, (await database.Catalog.CountAsync(null, CancellationToken.None)).Queued);
    }

    [Fact]
    public async Task Retention_runs_once_at_a_time_and_stops_when_cancelled()
    {
        await using var database = await DatabaseAsync();
        await SubmitAgedJobAsync(database);
        await using var dashboard = await DashboardHost.StartAsync(database);
        var upkeep = dashboard.Services.GetRequiredService<QueueUpkeep>();
        var limits = new RetentionLimits(TimeSpan.FromDays(90), TimeSpan.FromDays(90), TimeSpan.FromDays(365));
        await using (var other = await database.ConnectAsync())
        {
            await using var command = other.CreateCommand();
            await using var transaction = await other.BeginTransactionAsync();
            command.Transaction = transaction;
            command.CommandText = "lock table retention_lock in exclusive mode";
            await command.ExecuteNonQueryAsync();
            Assert.Null(await upkeep.RetainAsync(limits, CancellationToken.None));
            Assert.NotNull(await upkeep.ReindexAsync(1 << 30, CancellationToken.None));
            await transaction.RollbackAsync();
        }

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => dashboard.Services.GetRequiredService<UpkeepWork>().RetainAsync(new CancellationToken(canceled: true)));
        var none = new RetentionLimits(TimeSpan.FromDays(999), TimeSpan.FromDays(999), TimeSpan.FromDays(999));
        await Wait.UntilAsync(
            "the cancelled run has released its lock", async () => await upkeep.RetainAsync(none, CancellationToken.None) is not null);
        Assert.Equal(new RetentionOutcome(1, 1, 0, 0), await upkeep.RetainAsync(limits, CancellationToken.None));
        Assert.Equal(new RetentionOutcome(0, 0, 0, 0), await upkeep.RetainAsync(limits, CancellationToken.None));
    }

    [Fact]
    public async Task Retention_removes_start_images_that_nobody_sent_for_a_month_and_nothing_names()
    {
        await using var database = await DatabaseAsync();
        await using var dashboard = await DashboardHost.StartAsync(database);
        var folder = Directory.CreateDirectory(Path.Combine(dashboard.Folder, "start-images")).FullName;
        foreach (var (letter, days) in new[] { ('a', 31), ('b', 29) })
        {
            var name = new string(letter, 64) + ".png";
            await new StartImageOwners(database.Queue).KeepAsync(
                name, 1, tenant: null, () => File.WriteAllBytes(Path.Combine(folder, name), [1]), CancellationToken.None);
            await database.SqlAsync("update start_images set created_at = now() - make_interval(days => $2) where name = $1", name, days);
        }

        await dashboard.Services.GetRequiredService<UpkeepWork>().RetainAsync(CancellationToken.None);
        Assert.Equal(new string('b', 64) + ".png", Path.GetFileName(Assert.Single(Directory.GetFiles(folder))));
        Assert.Equal(1L, await database.SqlAsync<long>("select count(*) from start_images"));
    }

    [Fact]
    public async Task Retention_deletes_old_thumbnails_and_keeps_new_ones()
    {
        await using var database = await DatabaseAsync();
        await using var dashboard = await DashboardHost.StartAsync(database);
        var folder = Directory.CreateDirectory(Path.Combine(dashboard.Folder, "thumbnails", "0")).FullName;
        var (old, fresh) = (Path.Combine(folder, "1-a.webp"), Path.Combine(folder, "2-b.webp"));
        foreach (var path in (string[])[old, fresh]) await File.WriteAllBytesAsync(path, [1]);
        File.SetLastWriteTimeUtc(old, DashboardHost.Now.UtcDateTime.AddDays(-100));
        await dashboard.Services.GetRequiredService<UpkeepWork>().RetainAsync(CancellationToken.None);
        Assert.Equal([fresh], Directory.GetFiles(folder));
    }

    [Fact]
    public async Task Retention_removes_what_workers_left_behind_in_the_image_folder_after_its_grace()
    {
        await using var database = await DatabaseAsync();
        await using var dashboard = await DashboardHost.StartAsync(database);
        var folder = Directory.CreateDirectory(Path.Combine(dashboard.Folder, "images")).FullName;
        var (old, fresh) = (Path.Combine(folder, ".probe-1"), Path.Combine(folder, ".probe-2"));
        foreach (var path in (string[])[old, fresh]) await File.WriteAllBytesAsync(path, [0]);
        File.SetLastWriteTimeUtc(old, DashboardHost.Now.UtcDateTime.AddHours(-2));
        await dashboard.Services.GetRequiredService<UpkeepWork>().RetainAsync(CancellationToken.None);
        Assert.Equal([fresh], Directory.GetFiles(folder));
    }

    [Fact]
    public async Task The_morning_report_shows_canary_images_and_checkpoint_faults_in_its_files_and_to_the_webhook()
    {
        await using var database = await DatabaseAsync();
        var worker = await database.AddWorkerAsync();
        var kind = new CanaryKind("demo", "aa", "cpu", "float32", "64x64");
        var log = new CanaryLog(database.Queue);
        await log.RecordAsync(new(worker, null, kind, CanaryVerdict.First, "d", null, null, 1, [1, 2, 3]), CancellationToken.None);
        await log.RecordAsync(new(worker, null, kind, CanaryVerdict.Differs, "e", 21.5, 0.5, 1, [4, 5, 6]), CancellationToken.None);
        await log.RecordAsync(new(worker, null, kind, CanaryVerdict.Equal, "d", null, null, 1, [7]), CancellationToken.None);
        await database.SqlAsync("update canaries set created_at = created_at - interval '3 days' where verdict = 'equal'");
        await database.CheckpointAsync(worker, CheckpointVerdict.Passed);
        await database.CheckpointAsync(worker, CheckpointVerdict.Drifted);
        await database.CheckpointAsync(worker, CheckpointVerdict.Passed);
        await database.SqlAsync("update weight_checkpoints set created_at = created_at - interval '3 days' where id = 1");
        var posted = new TaskCompletionSource<JsonElement>(TaskCreationOptions.RunContinuationsAsynchronously);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        await using var receiver = builder.Build();
        receiver.Urls.Add("http://127.0.0.1:0");
        receiver.MapPost("/hook", (JsonElement report) => posted.TrySetResult(report));
        await receiver.StartAsync();
        await using var dashboard = await DashboardHost.StartAsync(
            database, options => options.ReportWebhook = receiver.Urls.First() + "/hook");

        await dashboard.Services.GetRequiredService<RecurringWork>().WriteMorningReportAsync(CancellationToken.None);

        var folder = Path.Combine(dashboard.Folder, "reports");
        var markdown = await File.ReadAllTextAsync(Assert.Single(Directory.GetFiles(folder, "*.md")));
        Assert.Contains("| checkpoints | 1 passed, 1 drifted |", markdown, StringComparison.Ordinal);
        Assert.Contains("| canaries | 1 differs, 1 first |", markdown, StringComparison.Ordinal);
        Assert.Contains("unet/conv\\_in.weight", markdown, StringComparison.Ordinal);
        var name = Path.GetFileName(Assert.Single(Directory.GetFiles(folder, "*-canary-2.png")));
        Assert.Contains("| demo | cpu | differs, 21.5 dB, SSIM 0.5 | ![first canary "
            + $"1]({name.Replace("2.png", "1.png", StringComparison.Ordinal)}) ![canary 2]({name}) |", markdown, StringComparison.Ordinal);
        Assert.Equal([4, 5, 6], await File.ReadAllBytesAsync(Path.Combine(folder, name)));
        Assert.Equal(2, Directory.GetFiles(folder, "*.png").Length);
        var html = await File.ReadAllTextAsync(Assert.Single(Directory.GetFiles(folder, "*.html")));
        Assert.Matches("<img alt=\"canary 2\" width=\"128\" src=\"data:image/png;base64,BAUG\" ?/?>", html);
        var json = await posted.Task.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.Equal(
            ["differs"], json.GetProperty("canary_images").EnumerateArray().Select(canary => canary.GetProperty("verdict").GetString()));
        Assert.Equal("BAUG", json.GetProperty("canary_images")[0].GetProperty("image").GetString());
        Assert.Equal((1, 1), (json.GetProperty("checkpoints_passed").GetInt32(), json.GetProperty("checkpoints_drifted").GetInt32()));
        Assert.StartsWith("The weights drifted", json.GetProperty("verdict").GetString(), StringComparison.Ordinal);
    }

    /// <summary>The system's clock, set ahead; its timers run as ever.</summary>
    private sealed class ShiftedClock : TimeProvider
    {
        public TimeSpan Ahead { get; set; }

        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + Ahead;
    }

    // One job that was drawn and verified half a year ago.
    private static async Task SubmitAgedJobAsync(TestDatabase database)
    {
        var worker = await database.AddWorkerAsync();
        await database.SubmitAsync("");
        var batch = (await database.ClaimAsync(worker))!;
        await database.CompleteAsync(batch);
        await database.CheckpointAsync(worker, Core.Rendering.CheckpointVerdict.Passed, batch);
        await database.Claims.CloseAsync(batch, CancellationToken.None);
        await database.Workers.StopAsync(worker, "stopped", CancellationToken.None);
        await database.SqlAsync("update jobs set finished_at = finished_at - interval '120 days'");
        await database.SqlAsync("update batches set ended_at = ended_at - interval '120 days'");
        await database.SqlAsync("update job_recipes set created_at = created_at - interval '120 days'");
    }

    private static async Task<(long Open, long Succeeded, long Verified)> CountsAsync(TestDatabase database)
    {
        var counts = await database.Catalog.CountAsync(null, CancellationToken.None);
        return (counts.Open, counts.Succeeded, counts.Verified);
    }

    private static async Task<TestDatabase> DatabaseAsync()
    {
        var database = await TestDatabase.CreateAsync(new Queue.QueueOptions { PollInterval = TimeSpan.FromMilliseconds(50) });
        await database.AddModelAsync(native: 64);
        await database.AddAdaptersAsync("a");
        return database;
    }
}
