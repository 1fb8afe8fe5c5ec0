using BatchGen.Core.Jobs;
using BatchGen.Core.Rendering;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Checkpoints;

public sealed class CheckpointTests
{
    [Fact]
    public async Task A_passed_checkpoint_verifies_all_unverified_images_of_its_worker_and_of_no_other()
    {
        await using var database = await StartAsync();
        var (one, two) = (await database.AddWorkerAsync("one"), await database.AddWorkerAsync("two"));
        var ids = await database.SubmitAsync("a", "b", "c");
        await database.FinishAsync((await database.ClaimAsync(one, 1))!);
        await database.FinishAsync((await database.ClaimAsync(two, 1))!);
        await database.FinishAsync((await database.ClaimAsync(one, 1))!);

        var outcome = await database.CheckpointAsync(one, CheckpointVerdict.Passed);

        Assert.Equal((2, 0), (outcome.ImagesVerified, outcome.JobsRequeued));
        var jobs = await database.Catalog.FindAsync(ids, CancellationToken.None);
        Assert.Equal([true, false, true], jobs.Select(job => job.Image!.VerifiedAt is not null));
        Assert.Equal(outcome.CheckpointId, jobs[0].Image!.CheckpointId);
        Assert.Equal(2, (await database.Catalog.CountAsync(null, CancellationToken.None)).Verified);
    }

    [Fact]
    public async Task A_drifted_checkpoint_requeues_unverified_jobs_uncounted_and_removes_their_images()
    {
        await using var database = await StartAsync();
        var worker = await database.AddWorkerAsync();
        var ids = await database.SubmitAsync("a", "b", "c");
        await database.FinishAsync((await database.ClaimAsync(worker))!);
        await database.CheckpointAsync(worker, CheckpointVerdict.Passed);
        await database.FinishAsync((await database.ClaimAsync(worker))!);
        var open = (await database.ClaimAsync(worker))!;
        await database.CompleteAsync(open);

        var outcome = await database.CheckpointAsync(worker, CheckpointVerdict.Drifted, open);

        Assert.Equal((0, 2), (outcome.ImagesVerified, outcome.JobsRequeued));
        var jobs = await database.Catalog.FindAsync(ids, CancellationToken.None);
        Assert.Equal([JobState.Succeeded, JobState.Queued, JobState.Queued], jobs.Select(job => job.State));
        Assert.Equal([1, 0, 0], jobs.Select(job => job.Attempts));
        Assert.All(jobs.Skip(1), job => Assert.Null(job.Image));
        Assert.Equal("weight_integrity", jobs[1].FailureCode);
        Assert.Equal(new JobCounts(2, 0, 1, 0, 0, 1), await database.Catalog.CountAsync(null, CancellationToken.None));

        // The reload passed: images rendered after it can be verified again.
        var restored = await database.CheckpointAsync(worker, CheckpointVerdict.Restored, open);
        Assert.Equal((0, 0), (restored.ImagesVerified, restored.JobsRequeued));
        await database.Claims.CloseAsync(open, CancellationToken.None);
        while (await database.ClaimAsync(worker) is { } again) await database.FinishAsync(again);
        Assert.Equal(2, (await database.CheckpointAsync(worker, CheckpointVerdict.Passed)).ImagesVerified);
    }

    [Fact]
    public async Task Images_completed_after_a_checkpoint_of_the_same_batch_wait_for_the_next_checkpoint()
    {
        await using var database = await StartAsync();
        var worker = await database.AddWorkerAsync();
        var ids = await database.SubmitAsync("a", "a");
        var batch = (await database.ClaimAsync(worker))!;
        await database.CompleteAsync(batch, ids[0]);
        Assert.Equal(1, (await database.CheckpointAsync(worker, CheckpointVerdict.Passed, batch)).ImagesVerified);
        await database.CompleteAsync(batch, ids[1]);

        var jobs = await database.Catalog.FindAsync(ids, CancellationToken.None);
        Assert.NotNull(jobs[0].Image!.VerifiedAt);
        Assert.Null(jobs[1].Image!.VerifiedAt);
        Assert.Equal(1, (await database.CheckpointAsync(worker, CheckpointVerdict.Drifted, batch)).JobsRequeued);
        Assert.Equal([JobState.Succeeded, JobState.Queued],
            (await database.Catalog.FindAsync(ids, CancellationToken.None)).Select(job => job.State));
    }

    [Fact]
    public async Task A_restored_checkpoint_requeues_what_was_rendered_before_the_reload()
    {
        await using var database = await StartAsync();
        var worker = await database.AddWorkerAsync();
        await database.SubmitAsync("a");
        await database.FinishAsync((await database.ClaimAsync(worker))!);

        var restored = await database.CheckpointAsync(worker, CheckpointVerdict.Restored);
        Assert.Equal((0, 1), (restored.ImagesVerified, restored.JobsRequeued));
    }

    [Fact]
    public async Task Checkpoints_are_listed_newest_first_and_counted_by_outcome()
    {
        await using var database = await StartAsync();
        var worker = await database.AddWorkerAsync();
        await database.CheckpointAsync(worker, CheckpointVerdict.Passed);
        await database.CheckpointAsync(worker, CheckpointVerdict.Drifted);
        await database.CheckpointAsync(worker, CheckpointVerdict.Restored);

        var list = await database.Checkpoints.ListAsync(2, CancellationToken.None);
        Assert.Equal(["restored", "drifted"], list.Select(checkpoint => checkpoint.Verdict));
        Assert.Equal(["unet/conv_in.weight"], list[1].DriftedTensors);
        Assert.Equal(new(2, 1), await database.Checkpoints.CountAsync(CancellationToken.None));
    }

    private static async Task<TestDatabase> StartAsync()
    {
        var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync();
        await database.AddAdaptersAsync("a", "b", "c", "d");
        return database;
    }
}
