using BatchGen.Core.Jobs;
using BatchGen.Core.Submitting;
using BatchGen.Dashboard.Live;
using BatchGen.Dashboard.Pages;
using BatchGen.Dashboard.Pages.Enqueue;
using BatchGen.Dashboard.Reports;
using BatchGen.Dashboard.Scheduling;
using BatchGen.Queue.Reports;
using Microsoft.AspNetCore.Http;

namespace BatchGen.UnitTests.Dashboard;

public class SchedulingTests
{
    [Theory]
    [InlineData("0 22 * * *")]
    [InlineData("*/5 0-6 1,15 * 1-5")]
    public void Cron_expressions_are_taken(string cron) => CronText.Check(cron);

    [Theory]
    [InlineData("", "has 0 fields")]
    [InlineData("0 22 * *", "has 4 fields")]
    [InlineData("60 22 * * *", "The minute '60'")]
    [InlineData("0 22 * * mon", "The weekday 'mon'")]
    [InlineData("0 5-2 * * *", "The hour '5-2'")]
    [InlineData("0 1/0 * * *", "The hour '1/0'")]
    public void Others_are_refused_by_field(string cron, string expected) =>
        Assert.Contains(expected, Assert.Throws<FormatException>(() => CronText.Check(cron)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_run_of_a_schedule_gives_every_job_its_campaign_and_key()
    {
        var jobs = RecurringWork.Stamp([new JobRequest { Prompt = "a" }, new JobRequest { Prompt = "b", Campaign = "old", IdempotencyKey = "old" }], "nightly 2026-01-01 22:00", "schedule/3/20260101T220000");
        Assert.Equal(["a", "b"], jobs.Select(job => job.Prompt));
        Assert.All(jobs, job => Assert.Equal("nightly 2026-01-01 22:00", job.Campaign));
        Assert.Equal(["schedule/3/20260101T220000/0", "schedule/3/20260101T220000/1"], jobs.Select(job => job.IdempotencyKey));
    }

    [Fact]
    public void Reports_escape_what_users_named()
    {
        var show = new Show(TimeZoneInfo.Utc, TimeProvider.System);
        var report = new CampaignReport
        {
            Title = "<b>|*x*", At = DateTimeOffset.UnixEpoch, Counts = new JobCounts(0, 0, 3, 1, 0, 3), CheckpointsPassed = 2, CheckpointsDrifted = 0, Canaries = new Dictionary<string, int>(StringComparer.Ordinal),
            Failures = [new EndingReason { Reason = "generation", Jobs = 1, ExampleJob = 7, Example = "<script>\n|" }],
        };
        Assert.Contains("# &lt;b&gt;\\|\\*x\\*", report.ToMarkdown(show), StringComparison.Ordinal);
        Assert.Contains("job 7: &lt;script&gt; \\|", report.ToMarkdown(show), StringComparison.Ordinal);
        Assert.Contains("<h1>&lt;b&gt;|*x*</h1>", report.ToHtml(show), StringComparison.Ordinal);
        Assert.DoesNotContain("<script>", report.ToHtml(show), StringComparison.Ordinal);
        Assert.Equal("1 of 4 jobs failed.", report.Verdict);
    }

    [Fact]
    public void Events_keep_every_line_of_their_data_in_the_stream() =>
        Assert.Equal("event: x\ndata: a\ndata: \ndata: event: y\n\n", LiveEndpoints.Format(new LiveMessage("x", "a\r\n\nevent: y")));

    [Fact]
    public void The_form_stands_for_prompts_times_seeds_times_count()
    {
        var problems = new Dictionary<string, string>(StringComparer.Ordinal);
        var form = EnqueueForm.Of(new FormCollection(new Dictionary<string, Microsoft.Extensions.Primitives.StringValues>(StringComparer.Ordinal)
        {
            ["prompt"] = "a {x|y}\n\nb", ["seeds"] = "1-3", ["strength:demo"] = "0.8:0.5", ["strength:other"] = " ", ["tags"] = "t1, t2",
        }));
        var jobs = form.ToJobs(TimeReference.Of(TimeProvider.System), problems);
        Assert.Empty(problems);
        Assert.Equal(9, jobs.Count);
        Assert.Equal([("a x", 1L), ("a x", 2L)], jobs.Take(2).Select(job => (job.Prompt, job.Seed!.Value)));
        Assert.Equal(new JobRequestAdapter("demo", 0.8m, 0.5m), Assert.Single(jobs[0].Adapters!));
        Assert.Equal(["t1", "t2"], jobs[0].Tags!);
    }
}
