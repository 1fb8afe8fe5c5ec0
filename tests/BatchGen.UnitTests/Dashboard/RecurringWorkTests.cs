using BatchGen.Core.Jobs;
using BatchGen.Dashboard.Scheduling;

namespace BatchGen.UnitTests.Dashboard;

public class RecurringWorkTests
{
    [Fact]
    public void A_run_of_a_schedule_gives_every_job_its_campaign_and_key()
    {
        var jobs = RecurringWork.Stamp(
            [new JobRequest { Prompt = "a" }, new JobRequest { Prompt = "b", Campaign = "old", IdempotencyKey = "old" }],
            "nightly 2026-01-01 22:00",
            "schedule/3/20260101T220000");
        Assert.Equal(["a", "b"], jobs.Select(job => job.Prompt));
        Assert.All(jobs, job => Assert.Equal("nightly 2026-01-01 22:00", job.Campaign));
        Assert.Equal(["schedule/3/20260101T220000/0", "schedule/3/20260101T220000/1"], jobs.Select(job => job.IdempotencyKey));
    }
}
