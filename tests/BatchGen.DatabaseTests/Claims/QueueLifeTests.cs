using BatchGen.Core.Jobs;
using BatchGen.Core.Rendering;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Claims;

public sealed class QueueLifeTests
{
    [Fact]
    public async Task A_job_is_submitted_claimed_completed_and_verified()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync();
        await database.AddAdaptersAsync("ink", "wash");
        var ids = await database.SubmitAsync("", "wash+ink@0.80", "ink@0.8+wash", "ink@0.8");
        var worker = await database.AddWorkerAsync();

        var signatures = new List<string>();
        while (await database.ClaimAsync(worker) is { } batch)
        {
            signatures.Add($"{batch.Signature} x{batch.Jobs.Count}");
            Assert.Empty(await database.Claims.HeartbeatAsync(batch, new(0, 1, 20), CancellationToken.None));
            await database.CompleteAsync(batch);
            var outcome = await database.CheckpointAsync(worker, CheckpointVerdict.Passed, batch);
            Assert.Equal(batch.Jobs.Count, outcome.ImagesVerified);
            await database.Claims.CloseAsync(batch, CancellationToken.None);
        }

        Assert.Equal(["demo| x1", "demo|ink@0.8 x1", "demo|ink@0.8+wash@1 x2"], signatures);
        Assert.Equal(new JobCounts(0, 0, 4, 0, 0, 4), await database.Catalog.CountAsync(null, CancellationToken.None));
        var job = await database.Catalog.FindAsync(ids[1], CancellationToken.None);
        Assert.Equal(JobState.Succeeded, job!.State);
        Assert.NotNull(job.Image!.VerifiedAt);
        Assert.Equal(new(3, 3), await database.Catalog.CountFusionsAsync(null, CancellationToken.None));
    }
}
