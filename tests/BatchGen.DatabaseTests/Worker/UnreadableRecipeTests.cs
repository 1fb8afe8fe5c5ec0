using BatchGen.Core.Jobs;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Worker;

/// <summary>A worker that is older than a job requeues it and goes on with the others.</summary>
public sealed class UnreadableRecipeTests
{
    [Fact]
    public async Task A_job_with_a_field_of_a_newer_program_waits_uncounted_and_its_neighbours_are_drawn()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync(native: 64);
        var ids = await database.Submitter.SubmitAsync([new JobRequest(), new JobRequest()], CancellationToken.None);
        await database.SqlAsync("update job_recipes set recipe = recipe || '{\"newer\": 1}' where job_id = $1", ids[0]);
        await RunAsync(database);

        var jobs = await database.Catalog.FindAsync(ids, CancellationToken.None);
        Assert.Equal([JobState.Queued, JobState.Succeeded], jobs.Select(job => job.State));
        Assert.Equal(0, jobs[0].Attempts);
        Assert.Equal(
            "requeued: The job's recipe sets 'newer', which this program does not know. Update the program of this worker.",
            await database.SqlAsync<string>("select code || ': ' || message from job_attempts where job_id = $1", ids[0]));
        Assert.True(await database.SqlAsync<bool>("select run_at > clock_timestamp() from jobs where id = $1", ids[0]));
    }

    [Fact]
    public async Task A_batch_of_nothing_but_such_jobs_ends_without_an_image_and_the_worker_goes_on()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync(native: 64);
        var id = Assert.Single(await database.Submitter.SubmitAsync([new JobRequest()], CancellationToken.None));
        await database.SqlAsync("update job_recipes set recipe = recipe || '{\"newer\": true}' where job_id = $1", id);
        await RunAsync(database);

        Assert.Equal("scheduled", await database.SqlAsync<string>("select indexed_state from jobs where id = $1", id));
        Assert.Equal(0L, await database.SqlAsync<long>("select count(*) from batches where state = 'open'"));
    }

    private static async Task RunAsync(TestDatabase database)
    {
        await using var worker = await WorkerHost.StartAsync(database, new FakeRenderer());
        await worker.WaitForEndAsync();
        Assert.Null(worker.Outcome.Failure);
    }
}
