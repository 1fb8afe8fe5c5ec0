using BatchGen.Core.Failures;
using BatchGen.Core.Jobs;
using BatchGen.Core.Rendering;
using BatchGen.Queue;
using BatchGen.Testing;
using Npgsql;
using Xunit;

namespace BatchGen.DatabaseTests.Claims;

public sealed class LeaseTests
{
    [Fact]
    public async Task A_heartbeat_extends_the_lease_and_names_cancelled_jobs()
    {
        await using var database = await StartAsync();
        var ids = await database.SubmitAsync("a", "a", "a");
        var batch = (await database.ClaimAsync(await database.AddWorkerAsync()))!;
        await ExpireAsync(database);

        Assert.Equal([ids[1]], await database.Actions.CancelAsync([ids[1], 999_999], CancellationToken.None));
        Assert.Equal([ids[1]], await database.Claims.HeartbeatAsync(batch, new(1, 3, 20), CancellationToken.None));

        Assert.Equal(0, await database.Claims.RescueExpiredAsync(CancellationToken.None));
        var worker = Assert.Single(await database.Workers.ListAsync(CancellationToken.None));
        Assert.Equal((batch.BatchId, 3, 1, 3, 20, "demo|a@1"),
            (worker.BatchId, worker.BatchJobs, worker.BatchFinished, worker.Step, worker.Steps, worker.Signature));
    }

    [Fact]
    public async Task A_cancelled_job_stays_cancelled_when_its_worker_completes_it_later()
    {
        await using var database = await StartAsync();
        var ids = await database.SubmitAsync("a", "a");
        var batch = (await database.ClaimAsync(await database.AddWorkerAsync()))!;
        await database.Actions.CancelAsync([ids[0]], CancellationToken.None);

        await database.FinishAsync(batch);

        Assert.Equal(new JobCounts(0, 0, 1, 0, 1, 0), await database.Catalog.CountAsync(null, CancellationToken.None));
        Assert.Null((await database.Catalog.FindAsync(ids[0], CancellationToken.None))!.Image);
    }

    [Fact]
    public async Task Every_write_of_a_lost_lease_is_refused()
    {
        await using var database = await StartAsync();
        await database.SubmitAsync("a", "a");
        var worker = await database.AddWorkerAsync();
        var batch = (await database.ClaimAsync(worker))!;
        await ExpireAsync(database);
        Assert.Equal(1, await database.Claims.RescueExpiredAsync(CancellationToken.None));

        await Assert.ThrowsAsync<LeaseLostException>(() => database.Claims.HeartbeatAsync(batch, new(0, 0, 0), CancellationToken.None));
        await Assert.ThrowsAsync<LeaseLostException>(() => database.CompleteAsync(batch));
        await Assert.ThrowsAsync<LeaseLostException>(
            () => database.Claims.FailAsync(batch, [new(batch.Jobs[0].JobId, FailureCode.Generation, "x")], CancellationToken.None));
        await Assert.ThrowsAsync<LeaseLostException>(() => database.Claims.RequeueAsync(batch, CancellationToken.None));
        await Assert.ThrowsAsync<LeaseLostException>(() => database.Claims.CloseAsync(batch, CancellationToken.None));
        await Assert.ThrowsAsync<LeaseLostException>(() => database.CompleteAsync(batch with { Epoch = 77 }));
        Assert.Equal(new JobCounts(2, 0, 0, 0, 0, 0), await database.Catalog.CountAsync(null, CancellationToken.None));
        Assert.Equal(0L, await database.SqlAsync<long>("select count(*) from images"));
    }

    [Fact]
    public async Task A_claim_without_an_answer_is_requeued_at_once_or_by_a_rescue_where_a_crash_turned_ids_back()
    {
        await using var database = await StartAsync();
        var worker = await database.AddWorkerAsync();
        var ids = await database.SubmitAsync("a", "b", "a");
        var known = (await database.ClaimAsync(worker, 1))!;
        await database.FinishAsync(known);
        await database.ClaimAsync(worker, 1);
        Assert.Equal(1, await database.Claims.RequeueAllAsync(worker, known.BatchId, CancellationToken.None));

        // A crash may undo the last claims and their ids, since claims do not wait for the disk: the worker knows of a higher id then.
        await database.ClaimAsync(worker, 1);
        Assert.Equal(0, await database.Claims.RequeueAllAsync(worker, known.BatchId + 10, CancellationToken.None));
        Assert.NotEqual(JobState.Succeeded, (await database.Catalog.FindAsync(ids[1], CancellationToken.None))!.State);
        await ExpireAsync(database);
        Assert.Equal(1, await database.Claims.RescueExpiredAsync(CancellationToken.None));
        var counts = await database.Catalog.CountAsync(null, CancellationToken.None);
        Assert.Equal((2, 0, 1), (counts.Queued, counts.Running, counts.Succeeded));
    }

    [Fact]
    public async Task Of_a_rescue_and_a_late_completion_at_the_same_moment_only_one_takes_effect()
    {
        await using var database = await StartAsync();
        var worker = await database.AddWorkerAsync();
        for (var round = 0; round < 15; round++)
        {
            await database.SubmitAsync("a", "a", "a");
            var batch = (await database.ClaimAsync(worker))!;
            await ExpireAsync(database);
            var completed = Task.Run(async () =>
            {
                try
                {
                    await database.CompleteAsync(batch);
                    return true;
                }
                catch (LeaseLostException)
                {
                    return false;
                }
            });
            await Task.WhenAll(completed, database.Claims.RescueExpiredAsync(CancellationToken.None));
            // A rescue passes over a batch that is being written to; the next one comes soon.
            await database.Claims.RescueExpiredAsync(CancellationToken.None);

            // Completed before the rescue: the images were discarded with the lease, since no checkpoint had vouched for them.
            var counts = await database.Catalog.CountAsync(null, CancellationToken.None);
            Assert.Equal((3, 0, 0), (counts.Queued, counts.Running, counts.Succeeded));
            await database.SqlAsync("update jobs set batch_limit = 32767");
            await database.FinishAsync((await database.ClaimAsync(worker))!);
            Assert.Equal(3, (await database.CheckpointAsync(worker, CheckpointVerdict.Passed)).ImagesVerified);
            await database.SqlAsync("truncate jobs, job_recipes, images, job_counts, job_count_changes");
        }
    }

    [Fact]
    public async Task A_job_that_crashes_workers_ends_failed_in_a_batch_of_its_own_while_others_succeed()
    {
        await using var database = await StartAsync();
        var ids = await database.SubmitAsync(Enumerable.Repeat("a", 13));
        var poison = ids[5];
        var (sizes, crashes) = (new List<int>(), 0);

        for (var worker = await database.AddWorkerAsync(); ;)
        {
            if (await database.ClaimAsync(worker) is not { } batch) break;
            sizes.Add(batch.Jobs.Count);
            if (batch.Jobs.Any(job => job.JobId == poison))
            {
                // The process dies: no answer ever comes, and another worker takes over.
                crashes++;
                await ExpireAsync(database);
                await database.Claims.RescueExpiredAsync(CancellationToken.None);
                worker = await database.AddWorkerAsync();
                continue;
            }

            await database.FinishAsync(batch);
            await database.CheckpointAsync(worker, CheckpointVerdict.Passed, batch);
        }

        var counts = await database.Catalog.CountAsync(null, CancellationToken.None);
        Assert.Equal(new JobCounts(0, 0, 12, 1, 0, 12), counts);
        var job = (await database.Catalog.FindAsync(poison, CancellationToken.None))!;
        Assert.Equal((JobState.Failed, "worker_lost"), (job.State, job.FailureCode));
        Assert.Contains("alone", job.FailureMessage, StringComparison.Ordinal);
        Assert.Equal(13, sizes[0]);
        // 13, 6, 3 among others; then alone, five times, of which the first two may have been the worker's own doing.
        Assert.True(crashes == 8, $"{crashes} crashes: {string.Join(' ', sizes)}");
        Assert.Equal(job.MaxAttempts,
            await database.SqlAsync<long>(
                "select count(*) from job_attempts where job_id = $1 and code = 'worker_lost' and counted", poison));
    }

    [Theory]
    [InlineData(true, 10)]
    [InlineData(false, 2)]
    public async Task A_job_alone_with_workers_that_die_is_excused_longer_where_others_die_too(bool othersDie, int excused)
    {
        await using var database = await StartAsync(new() { RetryDelay = TimeSpan.Zero });
        var job = (await database.SubmitAsync("a"))[0];
        var losses = 0;
        while (await database.SqlAsync<long>("select count(*) from job_attempts where counted") == 0)
        {
            Assert.Equal(job, Assert.Single((await database.ClaimAsync(await database.AddWorkerAsync()))!.Jobs).JobId);
            losses++;
            if (othersDie)
            {
                await database.SubmitAsync("b");
                Assert.NotNull(await database.ClaimAsync(await database.AddWorkerAsync()));
                await database.SqlAsync(
                    "update jobs set state = 'cancelled', indexed_state = 'cancelled', finished_at = now() where id <> $1", job);
            }

            await ExpireAsync(database);
            await database.Claims.RescueExpiredAsync(CancellationToken.None);
        }

        Assert.Equal(excused + 1, losses);
    }

    [Theory]
    [InlineData("failed")]
    [InlineData("cancelled")]
    public async Task A_retry_by_a_person_begins_anew_also_in_what_a_job_is_blamed_for(string end)
    {
        await using var database = await StartAsync(new() { RetryDelay = TimeSpan.Zero });
        var job = (await database.SubmitAsync("a"))[0];
        if (end == "failed")
        {
            while (await StateAsync() == JobState.Queued) await LoseAsync();
            Assert.Equal(JobState.Failed, await StateAsync());
        }
        else
        {
            await LoseAsync();
            await LoseAsync();
            await database.Actions.CancelAsync([job], CancellationToken.None);
        }

        Assert.Equal([job], await database.Actions.RetryAsync([job], CancellationToken.None));
        foreach (var counted in new[] { 0, 0, 1 })
        {
            await LoseAsync();
            Assert.Equal(counted, (await database.Catalog.FindAsync(job, CancellationToken.None))!.Attempts);
        }

        async Task<JobState> StateAsync() => (await database.Catalog.FindAsync(job, CancellationToken.None))!.State;

        async Task LoseAsync()
        {
            Assert.NotNull(await database.ClaimAsync(await database.AddWorkerAsync()));
            await ExpireAsync(database);
            await database.Claims.RescueExpiredAsync(CancellationToken.None);
        }
    }

    [Fact]
    public async Task Crashes_in_a_batch_with_other_jobs_do_not_use_up_the_attempts_of_a_job()
    {
        await using var database = await StartAsync(new() { RetryDelay = TimeSpan.Zero });
        await database.SubmitAsync(Enumerable.Repeat("a", 8));
        int size;
        do
        {
            var batch = (await database.ClaimAsync(await database.AddWorkerAsync()))!;
            size = batch.Jobs.Count;
            Assert.All(batch.Jobs, job => Assert.Equal(1, job.Attempt));
            if (size > 1) await ExpireAsync(database);
            else await database.Claims.FailAsync(batch, [new(batch.Jobs[0].JobId, FailureCode.Generation, "once")], CancellationToken.None);
            await database.Claims.RescueExpiredAsync(CancellationToken.None);
        }
        while (size > 1);

        Assert.Equal(0, (await database.Catalog.CountAsync(null, CancellationToken.None)).Failed);
    }

    [Fact]
    public async Task Completed_but_unverified_jobs_of_a_lost_batch_are_requeued_uncounted()
    {
        await using var database = await StartAsync();
        var ids = await database.SubmitAsync("a", "a");
        var batch = (await database.ClaimAsync(await database.AddWorkerAsync()))!;
        await database.CompleteAsync(batch, ids[0]);
        await ExpireAsync(database);

        Assert.Equal(1, await database.Claims.RescueExpiredAsync(CancellationToken.None));

        var jobs = await database.Catalog.FindAsync(ids, CancellationToken.None);
        Assert.All(jobs, job => Assert.Equal(JobState.Queued, job.State));
        Assert.Equal([0, 0], jobs.Select(job => job.Attempts)); // Neither was alone.
        Assert.Null(jobs[0].Image);
    }

    [Fact]
    public async Task Unverified_jobs_of_an_ended_batch_are_requeued_when_its_worker_stopped_without_a_checkpoint()
    {
        await using var database = await StartAsync();
        await database.SubmitAsync("a");
        var worker = await database.AddWorkerAsync();
        await database.FinishAsync((await database.ClaimAsync(worker))!);
        Assert.Equal(0, await database.Claims.RescueExpiredAsync(CancellationToken.None));

        await database.Workers.StopAsync(worker, "test", CancellationToken.None);

        Assert.Equal(1, await database.Claims.RescueExpiredAsync(CancellationToken.None));
        Assert.Equal(1, (await database.Catalog.CountAsync(null, CancellationToken.None)).Queued);
    }

    [Fact]
    public async Task Requeued_jobs_keep_their_attempts_and_their_age()
    {
        await using var database = await StartAsync();
        var ids = await database.SubmitAsync("a", "a");
        var before = await database.SqlAsync<DateTime>("select min(run_at) from jobs");
        var batch = (await database.ClaimAsync(await database.AddWorkerAsync()))!;
        Assert.All(batch.Jobs, job => Assert.Equal(1, job.Attempt));

        Assert.Equal(2, await database.Claims.RequeueAsync(batch, CancellationToken.None));

        Assert.All(await database.Catalog.FindAsync(ids, CancellationToken.None),
            job => Assert.Equal((JobState.Queued, 0), (job.State, job.Attempts)));
        Assert.Equal(before, await database.SqlAsync<DateTime>("select min(run_at) from jobs"));
        Assert.Equal(1, (await database.ClaimAsync(await database.AddWorkerAsync()))!.Jobs[0].Attempt);
    }

    [Fact]
    public async Task A_failed_attempt_is_retried_with_a_growing_delay_until_the_limit_of_attempts()
    {
        await using var database = await StartAsync(
            new() { RetryDelay = TimeSpan.FromMinutes(1), MaxRetryDelay = TimeSpan.FromMinutes(3) });
        var id = (await database.SubmitAsync("a"))[0];
        await database.SqlAsync("update jobs set max_attempts = 4");
        var worker = await database.AddWorkerAsync();
        var delays = new List<double>();

        for (var attempt = 1; attempt <= 4; attempt++)
        {
            var batch = (await database.ClaimAsync(worker))!;
            Assert.Equal(attempt, batch.Jobs[0].Attempt);
            await database.Claims.FailAsync(
                batch, [new(id, FailureCode.Generation, $"not a number at step {attempt}")], CancellationToken.None);
            await database.Claims.CloseAsync(batch, CancellationToken.None);
            if (attempt == 4) break;
            delays.Add(await database.SqlAsync<double>("select extract(epoch from run_at - now())::float8 from jobs"));
            Assert.Null(await database.ClaimAsync(worker));
            await database.SqlAsync("update jobs set run_at = now() - interval '1 second'");
        }

        Assert.InRange(delays[0], 40, 80);
        Assert.InRange(delays[1], 85, 155);
        Assert.InRange(delays[2], 130, 230);
        var job = (await database.Catalog.FindAsync(id, CancellationToken.None))!;
        Assert.Equal(
            (JobState.Failed, "generation", "not a number at step 4", 4), (job.State, job.FailureCode, job.FailureMessage, job.Attempts));
        Assert.Equal(4L, await database.SqlAsync<long>("select count(*) from job_attempts"));
    }

    [Theory]
    [InlineData(FailureCode.InvalidJob)]
    [InlineData(FailureCode.Adapter)]
    [InlineData(FailureCode.Model)]
    public async Task A_failure_that_would_repeat_is_final_at_the_first_attempt(FailureCode code)
    {
        await using var database = await StartAsync();
        var id = (await database.SubmitAsync("a"))[0];
        var batch = (await database.ClaimAsync(await database.AddWorkerAsync()))!;

        await database.Claims.FailAsync(batch, [new(id, code, "no")], CancellationToken.None);

        Assert.Equal((JobState.Failed, code.ToCode()),
            await database.Catalog.FindAsync(id, CancellationToken.None) is { } job ? (job.State, job.FailureCode) : default);
        Assert.Equal([id], await database.Actions.RetryAsync([id], CancellationToken.None));
        Assert.Equal((JobState.Queued, 0),
            await database.Catalog.FindAsync(id, CancellationToken.None) is { } again ? (again.State, again.Attempts) : default);
    }

    [Fact]
    public async Task A_failure_of_the_weights_is_not_counted()
    {
        await using var database = await StartAsync();
        var id = (await database.SubmitAsync("a"))[0];
        var worker = await database.AddWorkerAsync();
        var batch = (await database.ClaimAsync(worker))!;

        await database.Claims.FailAsync(batch, [new(id, FailureCode.WeightIntegrity, "drift")], CancellationToken.None);
        await database.Claims.CloseAsync(batch, CancellationToken.None);

        Assert.Equal(1, (await database.ClaimAsync(worker))!.Jobs[0].Attempt);
    }

    [Fact]
    public async Task A_cancelled_job_can_be_queued_again()
    {
        await using var database = await StartAsync();
        var ids = await database.SubmitAsync("a", "b");
        await database.Actions.CancelAsync(ids, CancellationToken.None);
        Assert.Null(await database.ClaimAsync(await database.AddWorkerAsync()));

        Assert.Equal(ids, await database.Actions.RetryAsync(ids, CancellationToken.None));
        Assert.Empty(await database.Actions.RetryAsync(ids, CancellationToken.None));
        Assert.NotNull(await database.ClaimAsync(await database.AddWorkerAsync()));
    }

    [Fact]
    public async Task Counts_agree_with_the_tables_after_a_random_history()
    {
        await using var database = await StartAsync(new() { RetryDelay = TimeSpan.Zero });
        var random = new Random(7);
        var workers = await Task.WhenAll(Enumerable.Range(0, 3).Select(i => database.AddWorkerAsync($"w{i}")));
        await database.Submitter.SubmitAsync(Enumerable.Range(0, 150).Select(i => new JobRequest
        {
            Adapters = [new(((char)('a' + i % 4)).ToString())], Campaign = i % 3 == 0 ? "c1" : null, Priority = i % 2,
        }).ToArray(), CancellationToken.None);

        await Task.WhenAll(workers.Select((worker, n) => Task.Run(async () =>
        {
            var dice = new Random(n);
            for (var i = 0; i < 25; i++)
            {
                if (await database.ClaimAsync(worker, dice.Next(1, 8)) is not { } batch) continue;
                try
                {
                    foreach (var job in batch.Jobs)
                    {
                        switch (dice.Next(5))
                        {
                            case 0: await database.Claims.FailAsync(
                                batch, [new(job.JobId, (FailureCode)dice.Next(0, 7), "x")], CancellationToken.None); break;
                            case 1: await database.Actions.CancelAsync([job.JobId], CancellationToken.None); break;
                            case 2: break;
                            default: await database.CompleteAsync(batch, job.JobId); break;
                        }
                    }

                    switch (dice.Next(4))
                    {
                        case 0: await database.Claims.RequeueAsync(batch, CancellationToken.None); break;
                        case 1: await ExpireAsync(database); await database.Claims.RescueExpiredAsync(CancellationToken.None); break;
                        default: await database.Claims.CloseAsync(batch, CancellationToken.None); break;
                    }

                    await database.CheckpointAsync(worker, dice.Next(3) == 0 ? CheckpointVerdict.Drifted : CheckpointVerdict.Passed, batch);
                }
                catch (LeaseLostException)
                {
                    // Rescued by another of the workers here.
                }
            }
        })));
        await database.Actions.RetryAsync([.. Enumerable.Range(1, 150).Select(i => (long)i)], CancellationToken.None);

        foreach (var campaign in new[] { null, "c1" })
        {
            Assert.Equal(await TrueCountsAsync(database, campaign), await database.Catalog.CountAsync(campaign, CancellationToken.None));
            await database.SqlAsync("select fold_counts()");
            Assert.Equal(await TrueCountsAsync(database, campaign), await database.Catalog.CountAsync(campaign, CancellationToken.None));
        }
    }

    private static async Task<TestDatabase> StartAsync(QueueOptions? options = null)
    {
        var database = await TestDatabase.CreateAsync(options);
        await database.AddModelAsync();
        await database.AddAdaptersAsync("a", "b", "c", "d");
        return database;
    }

    private static Task ExpireAsync(TestDatabase database) =>
        database.SqlAsync("update batches set lease_expires_at = now() - interval '1 second' where state = 'open'");

    private static async Task<JobCounts> TrueCountsAsync(TestDatabase database, string? campaign)
    {
        await using var connection = await database.ConnectAsync();
        await using var command = new NpgsqlCommand("""
            select count(*) filter (where j.state = 'queued'), count(*) filter (where j.state = 'running'),
              count(*) filter (where j.state = 'succeeded'),
              count(*) filter (where j.state = 'failed'), count(*) filter (where j.state = 'cancelled'),
              count(*) filter (where i.completion <= b.checked_completions)
            from jobs j left join campaigns c on c.id = j.campaign_id
            left join images i on i.job_id = j.id left join batches b on b.id = i.batch_id
            where $1 is null or c.name = $1
            """, connection);
        command.Parameters.Add(new() { Value = (object?)campaign ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text });
        await using var reader = await command.ExecuteReaderAsync();
        await reader.ReadAsync();
        return new(reader.GetInt64(0), reader.GetInt64(1), reader.GetInt64(2), reader.GetInt64(3), reader.GetInt64(4), reader.GetInt64(5));
    }
}
