using BatchGen.Core.Failures;
using BatchGen.Core.Jobs;
using BatchGen.Core.Rendering;
using BatchGen.Queue.Upkeep;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Upkeep;

public sealed class QueueUpkeepTests
{
    private const string InvalidIndexes = "select count(*) from pg_index where indrelid = 'jobs'::regclass and not indisvalid";

    [Fact]
    public async Task Ended_jobs_move_to_the_archive_and_unfinished_or_unverified_ones_stay()
    {
        await using var database = await StartAsync();
        var worker = await database.AddWorkerAsync();
        var jobs = Enumerable.Range(0, 4)
            .Select(_ => new JobRequest { Adapters = [new("a")], Campaign = "c", IdempotencyKey = Guid.NewGuid().ToString() });
        await database.Submitter.SubmitAsync(jobs.ToArray(), CancellationToken.None);
        var batch = (await database.ClaimAsync(worker, 2))!;
        await database.CompleteAsync(batch, batch.Jobs[0].JobId);
        await database.Claims.FailAsync(batch, [new(batch.Jobs[1].JobId, FailureCode.Adapter, "no such file")], CancellationToken.None);
        await database.CheckpointAsync(worker, CheckpointVerdict.Passed, batch);
        await database.Claims.CloseAsync(batch, CancellationToken.None);
        var unverified = (await database.ClaimAsync(worker, 1))!;
        await database.FinishAsync(unverified);
        await AgeAsync(database);
        var upkeep = new QueueUpkeep(database.Queue);

        Assert.Equal(2, await upkeep.ArchiveJobsAsync(TimeSpan.FromDays(30), CancellationToken.None));

        Assert.Equal(new JobCounts(1, 0, 1, 0, 0, 0), await database.Catalog.CountAsync(null, CancellationToken.None));
        Assert.Equal(2L, await database.SqlAsync<long>("select count(*) from job_recipes"));
        Assert.Equal(2L, await database.SqlAsync<long>("select count(*) from idempotency_keys"));
        Assert.Equal("no such file",
            await database.SqlAsync<string>("select job->'failures'->0->>'message' from archived_jobs where state = 'failed'"));
        Assert.Equal(1L, await database.SqlAsync<long>("""
            select count(*) from archived_jobs
            where state = 'succeeded' and campaign = 'c' and job ? 'recipe' and job->'image'->>'verified_at' is not null
            """));

        // The batch whose image is not verified stays; the other batch is deleted with its checkpoint.
        await database.SqlAsync("update weight_checkpoints set created_at = created_at - interval '60 days'");
        Assert.Equal(2, await upkeep.PruneHistoryAsync(TimeSpan.FromDays(30), CancellationToken.None));
        Assert.Equal(2, await upkeep.PruneArchiveAsync(TimeSpan.FromDays(30), CancellationToken.None));
        Assert.Equal(0, await upkeep.ArchiveJobsAsync(TimeSpan.FromDays(30), CancellationToken.None));
    }

    [Fact]
    public async Task Archiving_steps_over_old_jobs_that_have_not_ended()
    {
        await using var database = await StartAsync();
        var ids = await database.SubmitAsync(Enumerable.Repeat("a", 9));
        await database.Actions.CancelAsync([ids[8]], CancellationToken.None);
        await AgeAsync(database);

        Assert.Equal(
            1, await new QueueUpkeep(database.Queue) { ChunkRows = 2 }.ArchiveJobsAsync(TimeSpan.FromDays(30), CancellationToken.None));

        Assert.Equal(ids[8], await database.SqlAsync<long>("select job_id from archived_jobs"));
        Assert.Equal(8L, await database.SqlAsync<long>("select count(*) from jobs"));
    }

    [Fact]
    public async Task Archiving_ends_at_the_first_chunk_with_a_job_that_is_too_new()
    {
        await using var database = await StartAsync();
        var ids = await database.SubmitAsync(Enumerable.Repeat("a", 4));
        await AgeAsync(database);
        ids = [.. ids, .. await database.SubmitAsync(Enumerable.Repeat("a", 4))];

        Assert.Equal(ids[2], await database.SqlAsync<long>("select last_id from archive_jobs('30 days', 3)"));
        Assert.Equal(0L, await database.SqlAsync<long>("select coalesce(last_id, 0) from archive_jobs('30 days', 3, $1)", ids[2]));
        Assert.Equal(0L, await database.SqlAsync<long>("select coalesce(last_id, 0) from archive_jobs('30 days', 3, $1)", ids[7]));
    }

    [Fact]
    public async Task Staged_rows_that_were_never_submitted_are_deleted_unless_their_load_is_being_submitted()
    {
        await using var database = await StartAsync();
        await database.SqlAsync("""
            insert into staged_jobs (load, staged_at)
            values ('a', now() - interval '8 days'), ('a', now()), ('b', now() - interval '8 days')
            """);
        var upkeep = new QueueUpkeep(database.Queue);
        await using (var producer = await database.ConnectAsync())
        {
            await using var transaction = await producer.BeginTransactionAsync();
            await using var command = new Npgsql.NpgsqlCommand("select submit_staged('b')", producer, transaction);
            Assert.Equal(1L, await command.ExecuteScalarAsync());
            Assert.Equal(1, await upkeep.PruneStagedAsync(TimeSpan.FromDays(7), CancellationToken.None));
            await transaction.RollbackAsync();
        }

        var month = TimeSpan.FromDays(30);
        var outcome = await upkeep.RetainAsync(new RetentionLimits(month, month, month), CancellationToken.None);
        Assert.Equal(1, outcome!.StagedDeleted);
        Assert.Equal("a", await database.SqlAsync<string>("select load from staged_jobs"));
    }

    [Fact]
    public async Task Old_loads_that_a_producer_keeps_locked_are_not_waited_for_one_by_one()
    {
        await using var database = await StartAsync();
        await database.SqlAsync("""
            insert into staged_jobs (load, staged_at, staged_by)
            select 'l' || i, now() - interval '8 days', case when i <= 60 then session_user else 'other' end from generate_series(1, 70) i
            """);
        await using var producer = await database.ConnectAsync();
        await using var transaction = await producer.BeginTransactionAsync();
        await using var command = new Npgsql.NpgsqlCommand(
            "select sum(discard_staged('l' || i)) from generate_series(1, 60) i", producer, transaction);
        Assert.Equal(60m, await command.ExecuteScalarAsync());

        // Each of sixty waits took 100 ms.
        Assert.Equal(10, await Wait.ForAsync(
            "the other loads were removed", new QueueUpkeep(database.Queue).PruneStagedAsync(TimeSpan.FromDays(7), CancellationToken.None),
            TimeSpan.FromSeconds(4)));
    }

    [Fact]
    public async Task A_worker_without_heartbeat_is_stopped_after_a_week_and_deleted_after_its_retention()
    {
        await using var database = await StartAsync();
        var (deleted, stopped, alive) = (await database.AddWorkerAsync(), await database.AddWorkerAsync(), await database.AddWorkerAsync());
        await database.SqlAsync("update workers set heartbeat_at = now() - interval '60 days' where id = $1", deleted);
        await database.SqlAsync("update workers set heartbeat_at = now() - interval '20 days' where id = $1", stopped);

        Assert.Equal(1, await new QueueUpkeep(database.Queue).PruneHistoryAsync(TimeSpan.FromDays(30), CancellationToken.None));

        Assert.Equal(alive, Assert.Single(await database.Workers.ListAsync(CancellationToken.None)).WorkerId);
        Assert.True(await database.SqlAsync<bool>("select stopped_at = heartbeat_at from workers where id = $1", stopped));
    }

    [Fact]
    public async Task Indexes_with_more_dead_space_than_entries_are_rebuilt()
    {
        await using var database = await StartAsync();
        await BloatAsync(database);
        var outcome = await new QueueUpkeep(database.Queue).ReindexAsync(100_000, CancellationToken.None);

        Assert.Contains("jobs_by_signature", outcome!.Rebuilt);
        Assert.Null(outcome.GaveUpAt);
        Assert.Empty((await new QueueUpkeep(database.Queue).ReindexAsync(10_000_000, CancellationToken.None))!.Rebuilt);
        Assert.NotNull(await database.ClaimAsync(await database.AddWorkerAsync()));
    }

    [Fact]
    public async Task A_rebuild_gives_up_while_a_producer_keeps_a_transaction_open_and_the_next_run_leaves_nothing_of_it()
    {
        await using var database = await StartAsync();
        await BloatAsync(database);
        var upkeep = new QueueUpkeep(database.Queue) { LockLimit = TimeSpan.FromMilliseconds(200) };
        await using (var producer = await database.ConnectAsync())
        {
            await using var transaction = await producer.BeginTransactionAsync();
            await using var command = new Npgsql.NpgsqlCommand("""select submit_job('{"prompt": "a"}')""", producer, transaction);
            await command.ExecuteNonQueryAsync();

            var outcome = await Wait.ForAsync(
                "the rebuild gave up", upkeep.ReindexAsync(100_000, CancellationToken.None), TimeSpan.FromSeconds(20));
            Assert.NotNull(outcome!.GaveUpAt);
            // An unfinished index is left that cannot be removed either; no second one comes to it.
            outcome = await Wait.ForAsync(
                "the second run gave up", upkeep.ReindexAsync(100_000, CancellationToken.None), TimeSpan.FromSeconds(20));
            Assert.Matches("_ccnew$", outcome!.GaveUpAt);
            Assert.Equal(1L, await database.SqlAsync<long>(InvalidIndexes));
            await transaction.RollbackAsync();
        }

        var done = await upkeep.ReindexAsync(100_000, CancellationToken.None);
        Assert.Contains("jobs_by_signature", done!.Rebuilt);
        Assert.Null(done.GaveUpAt);
        Assert.Equal(0L, await database.SqlAsync<long>(InvalidIndexes));
    }

    [Fact]
    public async Task An_invalid_index_of_an_interrupted_rebuild_is_dropped()
    {
        await using var database = await StartAsync();
        await database.SubmitAsync("a", "a");
        // A failed concurrent build leaves an invalid index, as a killed rebuild does, and its name is like that of a rebuild.
        await Assert.ThrowsAsync<Npgsql.PostgresException>(
            () => database.SqlAsync("create unique index concurrently jobs_by_age_ccnew on jobs (group_id)"));
        Assert.Equal(1L, await database.SqlAsync<long>(InvalidIndexes));

        Assert.Empty((await new QueueUpkeep(database.Queue).ReindexAsync(1 << 30, CancellationToken.None))!.Rebuilt);

        Assert.Equal(0L, await database.SqlAsync<long>(InvalidIndexes));
    }

    [Fact]
    public async Task Old_canaries_are_deleted_with_their_worker_except_the_first_of_a_kind()
    {
        await using var database = await StartAsync();
        var (first, later) = (await database.AddWorkerAsync(), await database.AddWorkerAsync());
        var kind = new Queue.Canaries.CanaryKind("demo", "aa", "cpu", "float32", "64x64");
        var log = new Queue.Canaries.CanaryLog(database.Queue);
        await log.RecordAsync(new(first, null, kind, CanaryVerdict.First, "d", null, null, 1, [1]), CancellationToken.None);
        await log.RecordAsync(new(later, null, kind, CanaryVerdict.Equal, "d", null, null, 1, [1]), CancellationToken.None);
        foreach (var worker in (Guid[])[first, later]) await database.Workers.StopAsync(worker, "stopped", CancellationToken.None);
        await database.SqlAsync("update canaries set created_at = created_at - interval '60 days'");
        await database.SqlAsync("update workers set stopped_at = stopped_at - interval '60 days'");

        Assert.Equal(2, await new QueueUpkeep(database.Queue).PruneHistoryAsync(TimeSpan.FromDays(30), CancellationToken.None));

        Assert.Equal("first", Assert.Single(await log.ListAsync(10, CancellationToken.None)).Verdict);
        Assert.Equal(first, await database.SqlAsync<Guid>("select id from workers"));
    }

    [Fact]
    public async Task Failed_jobs_are_queued_again_and_waiting_ones_cancelled_by_campaign_code_and_signature()
    {
        await using var database = await StartAsync();
        var worker = await database.AddWorkerAsync();
        JobRequest[] jobs =
        [
            new() { Adapters = [new("a")], Campaign = "one" },
            new() { Adapters = [new("b")], Campaign = "two" },
            new() { Adapters = [new("b")] },
        ];
        await database.Submitter.SubmitAsync(jobs, CancellationToken.None);
        for (var code = FailureCode.InvalidJob; await database.ClaimAsync(worker, 1) is { } batch; code = FailureCode.Adapter)
        {
            await database.Claims.FailAsync(batch, [new(batch.Jobs[0].JobId, code, "x")], CancellationToken.None);
            await database.Claims.CloseAsync(batch, CancellationToken.None);
        }

        Assert.Equal(0, await database.SqlAsync<int>("select retry_failed('one', 'adapter')"));
        Assert.Equal(1, await database.SqlAsync<int>("select retry_failed('one', 'invalid_job')"));
        Assert.Equal(2, await database.SqlAsync<int>("select retry_failed(with_code => 'adapter', of_signature => 'demo|b@1')"));
        Assert.Equal(1, await database.SqlAsync<int>("select cancel_waiting('two')"));
        Assert.Equal(1, await database.SqlAsync<int>("select cancel_waiting(of_signature => 'demo|b@1')"));
        var refused = await Assert.ThrowsAsync<Npgsql.PostgresException>(() => database.SqlAsync("select cancel_waiting()"));
        Assert.Equal("cancel_waiting: name a campaign or a signature; cancelling everything is not offered.", refused.MessageText);
        Assert.Equal(new JobCounts(1, 0, 0, 0, 2, 0), await database.Catalog.CountAsync(null, CancellationToken.None));
    }

    [Fact]
    public async Task A_job_moved_to_a_higher_priority_is_claimed_first()
    {
        await using var database = await StartAsync();
        var ids = await database.SubmitAsync("a", "b");

        Assert.Equal(1, await database.Actions.SetPriorityAsync([ids[1], 12345], 10, CancellationToken.None));
        Assert.Equal(0, await database.Actions.SetPriorityAsync([ids[1]], 10, CancellationToken.None));

        Assert.Equal(ids[1], (await database.ClaimAsync(await database.AddWorkerAsync()))!.Jobs[0].JobId);
    }

    [Theory]
    [InlineData("2026-03-29T00:59:00Z", true)] // 01:59 in Berlin; at 01:00 UTC clocks go from 02:00 to 03:00
    [InlineData("2026-03-29T03:59:00Z", true)] // 05:59 summer time
    [InlineData("2026-03-29T04:00:00Z", false)] // 06:00 summer time
    [InlineData("2026-10-25T04:59:00Z", true)] // 05:59 winter time, after the hour that comes twice
    [InlineData("2026-10-25T05:00:00Z", false)]
    [InlineData("2026-10-24T19:59:00Z", false)] // 21:59 summer time
    [InlineData("2026-10-24T20:00:00Z", true)]
    [InlineData("2026-06-15T12:00:00Z", false)]
    public async Task A_dispatch_window_follows_local_time_through_both_clock_changes(string instant, bool open)
    {
        await using var database = await StartAsync();
        Assert.Equal(open,
            await database.SqlAsync<bool>("select window_is_open('Europe/Berlin', '22:00', '06:00', '{1,2,3,4,5,6,7}', $1::timestamptz)",
                DateTimeOffset.Parse(instant, System.Globalization.CultureInfo.InvariantCulture)));
    }

    [Fact]
    public async Task Outside_a_dispatch_window_only_jobs_of_exempt_priority_are_claimed()
    {
        await using var database = await StartAsync();
        await database.SqlAsync(
            "insert into dispatch_windows (name, opens, closes, weekdays, exempt_priority) values ('never', '00:00', '00:00', '{}', 50)");
        await database.SubmitAsync("a");
        var worker = await database.AddWorkerAsync();

        Assert.Null(await database.ClaimAsync(worker));
        await database.Submitter.SubmitAsync([new JobRequest { Priority = 50 }], CancellationToken.None);
        Assert.Equal("demo|", (await database.ClaimAsync(worker))!.Signature.ToString());
        await database.SqlAsync("update dispatch_windows set weekdays = '{1,2,3,4,5,6,7}'");
        Assert.NotNull(await database.ClaimAsync(worker));
    }

    [Fact]
    public async Task A_closed_dispatch_window_without_exempt_priority_holds_every_job()
    {
        await using var database = await StartAsync();
        await database.SqlAsync("insert into dispatch_windows (name, opens, closes, weekdays) values ('never', '00:00', '00:00', '{}')");
        await database.Submitter.SubmitAsync([new JobRequest { Priority = 100 }, new JobRequest()], CancellationToken.None);
        var worker = await database.AddWorkerAsync();
        Assert.Null(await database.ClaimAsync(worker));
        await database.SqlAsync("delete from dispatch_windows");
        Assert.NotNull(await database.ClaimAsync(worker));
    }

    private static async Task<TestDatabase> StartAsync()
    {
        var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync();
        await database.AddAdaptersAsync("a", "b");
        return database;
    }

    // Makes everything there is sixty days older.
    // Twenty thousand jobs of which one in fifty is left, so that their indexes are mostly empty.
    private static async Task BloatAsync(TestDatabase database)
    {
        await database.Submitter.SubmitManyAsync(
            Enumerable.Range(0, 20_000).Select(_ => new JobRequest { Adapters = [new("a")] }), null, CancellationToken.None);
        await database.SqlAsync("delete from jobs where id % 50 <> 0");
        await database.SqlAsync("analyze jobs");
    }

    private static Task AgeAsync(TestDatabase database) => database.SqlAsync("""
        with j as (update jobs set finished_at = finished_at - interval '60 days'),
          b as (update batches set ended_at = ended_at - interval '60 days')
        update job_recipes set created_at = created_at - interval '60 days'
        """);
}
