using BatchGen.Core.Jobs;
using BatchGen.Core.Submitting;
using BatchGen.Dashboard.Pages.Enqueue;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace BatchGen.UnitTests.Dashboard;

public class EnqueueFormTests
{
    [Fact]
    public void The_enqueue_form_expands_to_prompts_times_seeds_times_count()
    {
        var problems = new Dictionary<string, string>(StringComparer.Ordinal);
        var form = EnqueueForm.Of(new FormCollection(new Dictionary<string, StringValues>(StringComparer.Ordinal)
        {
            ["prompt"] = "a {x|y}\n\nb",
            ["seeds"] = "1-3",
            ["strength:demo"] = "0.8:0.5",
            ["strength:other"] = " ",
            ["tags"] = "t1, t2",
        }));
        var jobs = form.ToJobs(TimeReference.Of(TimeProvider.System), problems);
        Assert.Empty(problems);
        Assert.Equal(9, jobs.Count);
        Assert.Equal([("a x", 1L), ("a x", 2L)], jobs.Take(2).Select(job => (job.Prompt, job.Seed!.Value)));
        Assert.Equal(new JobRequestAdapter("demo", 0.8m, 0.5m), Assert.Single(jobs[0].Adapters!));
        Assert.Equal(["t1", "t2"], jobs[0].Tags!);
    }
}
