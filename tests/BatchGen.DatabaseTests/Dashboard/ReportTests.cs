using System.Net;
using BatchGen.Core.Failures;
using BatchGen.Core.Jobs;
using BatchGen.Core.Rendering;
using BatchGen.Dashboard.Scheduling;
using BatchGen.Queue.Canaries;
using BatchGen.Queue.Claims;
using BatchGen.Queue.Schedules;
using BatchGen.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace BatchGen.DatabaseTests.Dashboard;

/// <summary>Reports: which jobs, images, checkpoints and canaries count in the report of a night, and of a campaign.</summary>
[Collection(DashboardHost.OneAtATime)]
public sealed class ReportTests
{
    private static readonly CanaryKind Kind = new("demo", "aa", "cpu", "float32", "64x64");

    [Fact]
    public async Task Jobs_without_a_campaign_count_in_the_morning_report()
    {
        await using var database = await DatabaseAsync();
        await SubmitAsync(database, null, 5);
        var batch = (await database.ClaimAsync(await database.AddWorkerAsync()))!;
        await database.CompleteAsync(batch, batch.Jobs[0].JobId);
        await FailAsync(database, batch, batch.Jobs.Skip(1).Take(3), FailureCode.Model);
        await database.Actions.CancelAsync([batch.Jobs[4].JobId], CancellationToken.None);
        await database.Claims.CloseAsync(batch, CancellationToken.None);

        var report = await MorningReportAsync(database);

        Assert.Contains("\n3 of 5 jobs failed.\n", report, StringComparison.Ordinal);
        Assert.Contains("| done | 1 of 5, 0 verified |\n| failed | 3 |\n| cancelled | 1 |\n", report, StringComparison.Ordinal);
        Assert.Contains("| model | 3 |", report, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Jobs_that_ended_before_the_night_or_were_retried_do_not_count_as_failed_in_the_morning_report()
    {
        await using var database = await DatabaseAsync();
        var worker = await database.AddWorkerAsync();
        await SubmitAsync(database, null, 4);
        var early = (await database.ClaimAsync(worker, 3))!;
        await database.CompleteAsync(early, early.Jobs[0].JobId);
        await FailAsync(database, early, early.Jobs.Skip(1), FailureCode.Adapter);
        await database.Claims.CloseAsync(early, CancellationToken.None);
        await AgeAsync(database, "3 days");
        var night = (await database.ClaimAsync(worker))!;
        await FailAsync(database, night, night.Jobs, FailureCode.Model);
        await database.Claims.CloseAsync(night, CancellationToken.None);
        // One of the old failures was retried in the night and drawn.
        await database.Actions.RetryAsync([early.Jobs[1].JobId], CancellationToken.None);
        await database.FinishAsync((await database.ClaimAsync(worker))!);

        var report = await MorningReportAsync(database);

        Assert.Contains("| done | 1 of 2, 0 verified |\n| failed | 1 |\n", report, StringComparison.Ordinal);
        Assert.Contains("| model | 1 |", report, StringComparison.Ordinal);
        Assert.DoesNotContain("| adapter |", report, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Only_images_drawn_in_the_night_count_of_a_batch_that_began_before_it()
    {
        await using var database = await DatabaseAsync();
        var worker = await database.AddWorkerAsync();
        await SubmitAsync(database, null, 4);
        var batch = (await database.ClaimAsync(worker))!;
        await database.CompleteAsync(batch, batch.Jobs[0].JobId);
        await database.CheckpointAsync(worker, CheckpointVerdict.Passed, batch);
        await database.CompleteAsync(batch, batch.Jobs[1].JobId);
        await database.CheckpointAsync(worker, CheckpointVerdict.Passed, batch);
        await database.CompleteAsync(batch, batch.Jobs[2].JobId, batch.Jobs[3].JobId);
        await database.SqlAsync("update batches set claimed_at = claimed_at - interval '25 hours'");
        await database.SqlAsync("update images set created_at = created_at - interval '25 hours' where completion = 1");
        Assert.Contains("| done | 3 of 3, 1 verified |", await MorningReportAsync(database), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Images_requeued_by_a_drifted_checkpoint_do_not_count_as_drawn_or_verified()
    {
        await using var database = await DatabaseAsync();
        var worker = await database.AddWorkerAsync();
        await SubmitAsync(database, null, 3);
        var batch = (await database.ClaimAsync(worker))!;
        await database.CompleteAsync(batch, batch.Jobs[0].JobId);
        await database.CheckpointAsync(worker, CheckpointVerdict.Passed, batch);
        await database.CompleteAsync(batch, batch.Jobs[1].JobId, batch.Jobs[2].JobId);
        await database.CheckpointAsync(worker, CheckpointVerdict.Drifted, batch);
        await database.Claims.CloseAsync(batch, CancellationToken.None);
        Assert.Contains("| done | 1 of 3, 1 verified |\n| open | 2 |\n", await MorningReportAsync(database), StringComparison.Ordinal);
        await database.FinishAsync((await database.ClaimAsync(worker))!);
        await database.CheckpointAsync(worker, CheckpointVerdict.Passed);
        Assert.Contains("| done | 3 of 3, 3 verified |\n", await MorningReportAsync(database), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_campaign_begun_days_ago_is_in_the_report_of_the_night_in_which_it_ended_and_in_no_other()
    {
        await using var database = await DatabaseAsync();
        var worker = await database.AddWorkerAsync();
        await SubmitAsync(database, "long gone", 1);
        await RunAsync(database, worker);
        await AgeAsync(database, "3 days");
        foreach (var name in (string[])["drawn", "failed"]) await SubmitAsync(database, name, 2);
        await database.SqlAsync("update campaigns set created_at = created_at - interval '3 days'");
        var batch = (await database.ClaimAsync(worker))!;
        await database.CompleteAsync(batch, batch.Jobs[0].JobId, batch.Jobs[1].JobId);
        await FailAsync(database, batch, batch.Jobs.Skip(2), FailureCode.InvalidJob);
        await database.Claims.CloseAsync(batch, CancellationToken.None);

        var report = await MorningReportAsync(database);

        Assert.Contains("| drawn | 2 | 0 | 0 |", report, StringComparison.Ordinal);
        Assert.Contains("| failed | 0 | 2 | 0 |", report, StringComparison.Ordinal);
        Assert.DoesNotContain("long gone", report, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_campaign_report_keeps_its_failure_reasons_when_another_campaign_fails_later()
    {
        await using var database = await DatabaseAsync();
        var worker = await database.AddWorkerAsync();
        await SubmitAsync(database, "few", 2);
        var batch = (await database.ClaimAsync(worker))!;
        await FailAsync(database, batch, batch.Jobs, FailureCode.Adapter);
        await database.Claims.CloseAsync(batch, CancellationToken.None);
        await SubmitAsync(database, "many", 5_001);
        while (await database.ClaimAsync(worker, 1_000) is { } other)
        {
            await FailAsync(database, other, other.Jobs, FailureCode.Model);
            await database.Claims.CloseAsync(other, CancellationToken.None);
        }

        await using var dashboard = await DashboardHost.StartAsync(database);
        Assert.Contains("| adapter | 2 | job 2: ", await CampaignReportAsync(dashboard, "few"), StringComparison.Ordinal);
        Assert.Contains("| model | 5001 | job 5003: ", await CampaignReportAsync(dashboard, "many"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_report_does_not_call_images_verified_before_a_checkpoint_has_passed()
    {
        await using var database = await DatabaseAsync();
        Assert.Contains("\nNothing was rendered.\n", await MorningReportAsync(database), StringComparison.Ordinal);
        var worker = await database.AddWorkerAsync();
        await SubmitAsync(database, "plain", 2);
        await RunAsync(database, worker);
        Assert.Contains("\n2 of 2 images are not verified: no checkpoint has passed since.\n", await MorningReportAsync(database),
            StringComparison.Ordinal);
        await database.CheckpointAsync(worker, CheckpointVerdict.Passed);
        Assert.Contains("\nEverything was rendered and verified.\n", await MorningReportAsync(database), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_morning_report_gives_the_images_per_minute_of_the_night()
    {
        await using var database = await DatabaseAsync();
        var worker = await database.AddWorkerAsync();
        await SubmitAsync(database, null, 30);
        for (var i = 0; i < 3; i++) await database.FinishAsync((await database.ClaimAsync(worker, 10))!);
        await database.SqlAsync("update batches set claimed_at = now() - interval '2 hours' + id * interval '10 minutes', ended_at = now() "
            + "- interval '110 minutes' + id * interval '10 minutes'");
        var report = await MorningReportAsync(database);
        Assert.Matches(@"\| drawn \| \S+ \S+ to \S+ \S+, 1 images per minute \|", report);
        Assert.Contains("| batches | 3 over 1 signatures |", report, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_campaign_report_leaves_out_later_drift_of_another_campaign()
    {
        await using var database = await DatabaseAsync();
        var (worker, other) = (await database.AddWorkerAsync("one"), await database.AddWorkerAsync("two"));
        var canaries = new CanaryLog(database.Queue);
        await canaries.RecordAsync(new(worker, null, Kind, CanaryVerdict.First, "d", null, null, 1, [1]), CancellationToken.None);
        await SubmitAsync(database, "clean", 2);
        var batch = (await database.ClaimAsync(worker))!;
        await database.CompleteAsync(batch);
        await canaries.RecordAsync(new(worker, null, Kind, CanaryVerdict.Equal, "d", null, null, 1, [2]), CancellationToken.None);
        await database.CheckpointAsync(worker, CheckpointVerdict.Passed, batch);
        await database.Claims.CloseAsync(batch, CancellationToken.None);
        await AgeAsync(database, "2 days");
        await SubmitAsync(database, "later", 1);
        batch = (await database.ClaimAsync(other))!;
        await database.CompleteAsync(batch);
        await database.CheckpointAsync(other, CheckpointVerdict.Drifted, batch);
        await database.Claims.CloseAsync(batch, CancellationToken.None);
        await canaries.RecordAsync(new(other, null, Kind, CanaryVerdict.Differs, "e", 20, 0.5, 1, [3]), CancellationToken.None);

        await using var dashboard = await DashboardHost.StartAsync(database);
        var report = await CampaignReportAsync(dashboard, "clean");
        Assert.Contains("\nEverything was rendered and verified.\n", report, StringComparison.Ordinal);
        Assert.Contains("| checkpoints | 1 passed, 0 drifted |\n| canaries | 1 equal, 1 first |\n", report, StringComparison.Ordinal);
        Assert.DoesNotContain("## Weights", report, StringComparison.Ordinal);
        report = await CampaignReportAsync(dashboard, "later");
        Assert.Contains("\nThe weights drifted at least once;", report, StringComparison.Ordinal);
        Assert.Contains("| checkpoints | 0 passed, 1 drifted |", report, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_page_of_a_large_campaign_in_progress_shows_span_pace_and_size_of_its_images()
    {
        await using var database = await DatabaseAsync();
        var worker = await database.AddWorkerAsync();
        await SubmitAsync(database, "large", 12_000);
        await database.FinishAsync((await database.ClaimAsync(worker, 20))!);
        await database.SqlAsync("update batches set claimed_at = ended_at - interval '10 minutes'");
        await using var dashboard = await DashboardHost.StartAsync(database);
        using var client = await dashboard.ClientAsync();
        var page = WebUtility.HtmlDecode(await client.GetStringAsync("/campaign?name=large"));
        Assert.Matches(@"<dt>drawn</dt><dd>\S+ \S+ to \S+ \S+, 2 images per minute</dd>", page);
        Assert.Contains("<dd>1 over 1 signatures, 2 kB of images</dd>", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Canaries_are_shown_beside_the_first_one_on_pages_and_in_reports()
    {
        await using var database = await DatabaseAsync();
        var worker = await database.AddWorkerAsync();
        var canaries = new CanaryLog(database.Queue);
        await canaries.RecordAsync(new(worker, null, Kind, CanaryVerdict.First, "d", null, null, 1, [1, 1, 1]), CancellationToken.None);
        await SubmitAsync(database, "c", 1);
        var batch = (await database.ClaimAsync(worker))!;
        await database.CompleteAsync(batch);
        foreach (var (verdict, psnr, image) in new[] { (CanaryVerdict.Close, (double?)55.5, (byte[])[2, 2, 2]),
            (CanaryVerdict.Equal, null, [3, 3, 3]) })
            await canaries.RecordAsync(
                new(worker, null, Kind, verdict, "d", psnr, psnr is null ? null : 0.9987, 1, image), CancellationToken.None);
        await database.CheckpointAsync(worker, CheckpointVerdict.Passed, batch);
        await database.Claims.CloseAsync(batch, CancellationToken.None);

        await using var dashboard = await DashboardHost.StartAsync(database);
        using var client = await dashboard.ClientAsync();
        foreach (var path in (string[])["/weights", "/campaign?name=c"])
        {
            var page = await client.GetStringAsync(path);
            Assert.Matches(
                """<figure[^>]*>\s*<img[^>]* src="/weights/canaries/1"[^>]*>\s*<img[^>]* src="/weights/canaries/3"[^>]*>\s*"""
                    + "<figcaption>.*same bytes",
                page.ReplaceLineEndings(" "));
        }

        var report = await CampaignReportAsync(dashboard, "c");
        Assert.Contains(
            "| demo | cpu | same bytes | ![first canary 1](data:image/png;base64,AQEB) ![canary 3](data:image/png;base64,AwMD) |", report,
            StringComparison.Ordinal);
        var html = await client.GetStringAsync("/campaign/report.html?name=c");
        Assert.Matches("""<img alt="first canary 1"[^>]*base64,AQEB"[^>]*>\s*<img alt="canary 3"[^>]*base64,AwMD"[^>]*>""", html);

        await canaries.RecordAsync(new(worker, null, Kind, CanaryVerdict.Close, "e", 55.5, 0.9987, 1, [4]), CancellationToken.None);
        Assert.Matches("""/weights/canaries/1"[^>]*>\s*<img[^>]* src="/weights/canaries/4"[^>]*>\s*<figcaption>.*55\.5 dB, SSIM 0\.9987""",
            (await client.GetStringAsync("/weights")).ReplaceLineEndings(" "));
    }

    [Fact]
    public async Task A_recurring_campaign_that_was_refused_is_a_line_of_the_morning_report()
    {
        await using var database = await DatabaseAsync();
        var schedules = new ScheduleStore(database.Queue);
        var refused = await schedules.SaveAsync(
            "nightly", "0 22 * * *", "UTC", """[{"prompt":"a","model":"gone"}]""", 1, CancellationToken.None);
        var fine = await schedules.SaveAsync("fine", "0 22 * * *", "UTC", """[{"prompt":"a"}]""", 1, CancellationToken.None);
        var old = await schedules.SaveAsync("old", "0 22 * * *", "UTC", """[{"prompt":"a","model":"gone"}]""", 1, CancellationToken.None);
        await using var dashboard = await DashboardHost.StartAsync(database);
        foreach (var id in (int[])[refused, fine, old])
            await dashboard.Services.GetRequiredService<RecurringWork>().SubmitScheduleAsync(id, null, CancellationToken.None);
        await database.SqlAsync("update campaign_schedules set last_run_at = last_run_at - interval '3 days' where name = 'old'");
        await RunAsync(database, await database.AddWorkerAsync());

        var report = await MorningReportAsync(dashboard);

        Assert.Matches(@"\| refused \| nightly, \S+ \S+: .*gone.* \|", report);
        Assert.DoesNotContain("old", report, StringComparison.Ordinal);
        Assert.Contains("\n1 recurring campaign was refused", report, StringComparison.Ordinal);
    }

    private static async Task<string> MorningReportAsync(TestDatabase database)
    {
        await using var dashboard = await DashboardHost.StartAsync(database);
        return await MorningReportAsync(dashboard);
    }

    private static async Task<string> MorningReportAsync(DashboardHost dashboard)
    {
        await dashboard.Services.GetRequiredService<RecurringWork>().WriteMorningReportAsync(CancellationToken.None);
        return await File.ReadAllTextAsync(Assert.Single(Directory.GetFiles(Path.Combine(dashboard.Folder, "reports"), "*.md")));
    }

    private static async Task<string> CampaignReportAsync(DashboardHost dashboard, string campaign)
    {
        using var client = await dashboard.ClientAsync();
        return await client.GetStringAsync("/campaign/report.md?name=" + Uri.EscapeDataString(campaign));
    }

    private static Task<long> SubmitAsync(TestDatabase database, string? campaign, int count) => database.Submitter.SubmitManyAsync(
        Enumerable.Range(0, count).Select(_ => new JobRequest { Prompt = "a star", Campaign = campaign }), null, CancellationToken.None);

    private static Task<int> FailAsync(TestDatabase database, ClaimedBatch batch, IEnumerable<ClaimedJob> jobs, FailureCode code) =>
        database.Claims.FailAsync(
            batch, jobs.Select(job => new FailedJob(job.JobId, code, "no such file")).ToArray(), CancellationToken.None);

    private static async Task RunAsync(TestDatabase database, Guid worker)
    {
        while (await database.ClaimAsync(worker) is { } batch) await database.FinishAsync(batch);
    }

    // Moves everything recorded so far back by a time span.
    private static Task AgeAsync(TestDatabase database, string span) => database.SqlAsync($"""
        update campaigns set created_at = created_at - interval '{span}';
        update job_recipes set created_at = created_at - interval '{span}';
        update jobs set finished_at = finished_at - interval '{span}', run_at = run_at - interval '{span}';
        update job_attempts set started_at = started_at - interval '{span}', ended_at = ended_at - interval '{span}';
        update images set created_at = created_at - interval '{span}';
        update batches set claimed_at = claimed_at - interval '{span}', ended_at = ended_at - interval '{span}',
            verified_at = verified_at - interval '{span}', lease_expires_at = lease_expires_at - interval '{span}';
        update weight_checkpoints set created_at = created_at - interval '{span}';
        update canaries set created_at = created_at - interval '{span}';
        """);

    private static async Task<TestDatabase> DatabaseAsync()
    {
        var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync(native: 64);
        return database;
    }
}
