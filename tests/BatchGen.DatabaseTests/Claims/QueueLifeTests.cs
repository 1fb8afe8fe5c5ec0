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

    [Fact]
    public async Task A_job_that_is_moved_to_another_priority_during_a_cancel_is_cancelled()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync();
        var id = (await database.SubmitAsync(""))[0];
        await using var mover = await database.ConnectAsync();
        await using var transaction = await mover.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await using (var move = new Npgsql.NpgsqlCommand($"select set_priority(array[{id}]::bigint[], 5)", mover, transaction))
            await move.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);

        // The cancel waits for the move, and then sees the job in its new dispatch group.
        var cancelled = database.SqlAsync<long>($"select count(*) from cancel_jobs(array[{id}]::bigint[], 'default')");
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!await database.SqlAsync<bool>(
            "select exists (select from pg_stat_activity where application_name = $1 and wait_event_type = 'Lock')",
            database.Name + " test"))
            await Task.Delay(20, limit.Token);
        await transaction.CommitAsync(limit.Token);
        Assert.Equal(1, await cancelled);
    }
}
