using System.Text.Json;
using BatchGen.Core.Jobs;
using BatchGen.Testing;
using Npgsql;
using Xunit;

namespace BatchGen.DatabaseTests.Claims;

/// <summary>Hot statements go through their index. Counted by what they read, not by the shape of a plan: reading a whole
/// table shows at once.</summary>
public sealed class PlanTests
{
    private const int Backlog = 30_000;
    private const string HeldByOthers = "is_held_by_others('demo|other@1', 1, gen_random_uuid(), 8)";

    // As claim_batch sets it.
    private const string Planner =
        "Options=-c enable_seqscan=off -c enable_bitmapscan=off -c enable_sort=off -c plan_cache_mode=force_generic_plan;";

    [Fact]
    public async Task Frequent_calls_read_few_rows_of_a_large_backlog()
    {
        await using var database = await TestDatabase.CreateAsync(new() { LeaseDuration = TimeSpan.FromHours(1) });
        await database.AddModelAsync();
        await database.AddAdaptersAsync(Enumerable.Range(0, 300).Select(i => $"s{i}"));
        await database.Submitter.SubmitManyAsync(Enumerable.Range(0, Backlog).Select(
            i => new JobRequest { Adapters = [new($"s{i % 300}")], Campaign = i % 100 == 0 ? "few" : null }), null, CancellationToken.None);
        // Not the whole server: other tests drop their tables meanwhile.
        await database.SqlAsync(
            "analyze jobs, job_recipes, images, batches, job_attempts, job_counts, campaigns, workers, weight_checkpoints");
        var worker = await database.AddWorkerAsync();
        for (var i = 0; i < 3; i++) await database.FinishAsync((await database.ClaimAsync(worker, 8))!);

        ClaimedBatch batch = null!;
        await ReadsAtMostAsync(database, "jobs", 1_500, "claim", async () => batch = (await database.ClaimAsync(worker, 8))!);
        await ReadsAtMostAsync(
            database, "jobs", 1_500, "heartbeat", () => database.Claims.HeartbeatAsync(batch, new(0, 0, 0), CancellationToken.None));
        await ReadsAtMostAsync(
            database, "jobs", 1_500, "complete", () => database.CompleteAsync(batch, batch.Jobs[0].JobId, batch.Jobs[1].JobId));
        await ReadsAtMostAsync(database, "jobs", 1_500, "fail", () => database.Claims.FailAsync(
            batch, [new(batch.Jobs[2].JobId, BatchGen.Core.Failures.FailureCode.Generation, "x")], CancellationToken.None));
        await ReadsAtMostAsync(database, "jobs", 1_500, "give back", () => database.Claims.RequeueAsync(batch, CancellationToken.None));
        await ReadsAtMostAsync(database, "jobs", 1_500, "checkpoint",
            () => database.CheckpointAsync(worker, BatchGen.Core.Rendering.CheckpointVerdict.Passed));
        await ReadsAtMostAsync(database, "jobs", 1_500, "rescue", () => database.Claims.RescueExpiredAsync(CancellationToken.None));
        await ReadsAtMostAsync(database, "jobs", 1_500, "submit", () => database.SubmitAsync("s1"));
        await ReadsAtMostAsync(database, "jobs", 1_500, "cancel", () => database.Actions.CancelAsync([1, 2], CancellationToken.None));
        await ReadsAtMostAsync(database, "jobs", 1_500, "retry", () => database.Actions.RetryAsync([1, 2], CancellationToken.None));
        await ReadsAtMostAsync(database, "jobs", 1_500, "count", () => database.Catalog.CountAsync(null, CancellationToken.None));
        foreach (var state in Enum.GetValues<JobState>())
            await ReadsAtMostAsync(
                database, "jobs", 1_500, $"list {state}", () => database.Catalog.ListAsync(new JobFilter(state), CancellationToken.None));
        await ReadsAtMostAsync(database, "jobs", 1_500, "list campaign",
            () => database.Catalog.ListAsync(new JobFilter(Campaign: "few"), CancellationToken.None));
        await ReadsAtMostAsync(database, "jobs", 1_500, "list signature",
            () => database.Catalog.ListAsync(new JobFilter(Signature: "demo|s7@1"), CancellationToken.None));
    }

    [Theory]
    [InlineData("select id from jobs where indexed_state = 'ready' and group_id = 1 and signature = 'demo|s1@1' and id > 5 order by "
        + "group_id, signature, id limit 8 for update skip locked", "jobs_by_signature")]
    [InlineData("select run_at from jobs where indexed_state = 'ready' and group_id = 1 and run_at >= '2026-01-01' order by group_id, "
        + "run_at limit 1", "jobs_by_age")]
    [InlineData("select from jobs where indexed_state = 'scheduled' and run_at <= now() order by run_at limit 1", "jobs_scheduled")]
    [InlineData("select from jobs where deadline is not null and indexed_state in ('ready', 'scheduled') and deadline <= now() "
        + "order by deadline limit 1", "jobs_with_deadline")]
    [InlineData("select * from batches where state = 'open' and lease_expires_at <= now() order by lease_expires_at", "batches_open")]
    [InlineData("select * from batches where worker_id = gen_random_uuid() and checked_completions < completions", "batches_unchecked")]
    public async Task A_query_of_a_claim_uses_its_index(string statement, string index)
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var connection = await database.ConnectAsync(Planner);
        await using var command = new NpgsqlCommand("explain (format json) " + statement, connection);
        using var plan = JsonDocument.Parse((string)(await command.ExecuteScalarAsync())!);
        Assert.Contains($"\"Index Name\": \"{index}\"", plan.RootElement.GetRawText(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Ended_batches_that_an_old_snapshot_keeps_are_not_read_by_later_calls(bool oneHadEnded)
    {
        await using var database = await TestDatabase.CreateAsync(new() { LeaseDuration = TimeSpan.FromHours(1) });
        await database.AddModelAsync();
        var worker = await database.AddWorkerAsync();
        await database.SubmitAsync(Enumerable.Repeat("", 403));
        if (oneHadEnded) await database.FinishAsync((await database.ClaimAsync(worker, 2))!);
        // Statistics of a moment when there is no batch, or none is open, as autovacuum takes them.
        await database.SqlAsync("vacuum (analyze) batches");
        // A plan made now serves its session all night.
        await using var session = await database.ConnectAsync(Planner);
        Assert.InRange(await PagesAsync(session, HeldByOthers), 1, 10);
        await using var old = await database.ConnectAsync();
        await using var transaction = await old.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead);
        await using (var hold = new NpgsqlCommand("select count(*) from batches", old, transaction)) await hold.ExecuteScalarAsync();
        for (var i = 0; i < 400; i++) await database.FinishAsync((await database.ClaimAsync(worker, 1))!);

        Assert.InRange(await PagesAsync(session, HeldByOthers), 1, 10);
        var batch = (await database.ClaimAsync(worker, 1))!;
        foreach (var call in (string[])["heartbeat_batch(B, E, '1 hour', 0, 0, 0)",
            "complete_jobs(B, E, '{J}', '{a.png}', '{1}', array[repeat('0', 64)], '{64}', '{64}', '{1}', '{\"{}\"}')",
            "end_batch(B, E, '1 s', 'test')"])
        {
            await using var connection = await database.ConnectAsync(Planner);
            var pages = await PagesAsync(connection, call.Replace("B", $"{batch.BatchId}", StringComparison.Ordinal)
                .Replace("E", $"{batch.Epoch}", StringComparison.Ordinal)
                .Replace("J", $"{batch.Jobs[0].JobId}", StringComparison.Ordinal));
            Assert.True(pages is > 0 and <= 100, $"{call} read {pages} pages, expected at most 100");
        }
    }

    // Pages of a call, what it calls included: the fewest of several, since the first of a session reads the catalogue too, and so does one
    // that follows a change of schemas by another test.
    private static async Task<int> PagesAsync(NpgsqlConnection session, string call)
    {
        var fewest = int.MaxValue;
        for (var i = 0; i < 6; i++)
        {
            await using var attempt = await session.BeginTransactionAsync();
            await using var command = new NpgsqlCommand("explain (analyze, buffers, format json) select " + call, session, attempt);
            using var plan = JsonDocument.Parse((string)(await command.ExecuteScalarAsync())!);
            fewest = Math.Min(fewest, plan.RootElement[0].GetProperty("Plan").GetProperty("Shared Hit Blocks").GetInt32());
            await attempt.RollbackAsync();
        }

        return fewest;
    }

    // Rows the table gave out, by any scan: a call that reads the backlog shows thirty thousand of them. The limit leaves room for what
    // calls before it report late.
    private static async Task ReadsAtMostAsync(TestDatabase database, string table, long limit, string what, Func<Task> call)
    {
        var before = await RowsReadAsync(database, table);
        await call();
        var read = await RowsReadAsync(database, table) - before;
        Assert.True(read <= limit, $"{what} read {read} rows of {table}, expected at most {limit}");
    }

    private static async Task<long> RowsReadAsync(TestDatabase database, string table)
    {
        // Every pooled connection reports what it counted when it goes idle for a moment or ends; closing the
        // pool makes them all report now.
        database.Queue.DataSource.Clear();
        database.EndSessions();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (await database.SqlAsync<bool>(
            "select exists (select from pg_stat_activity where application_name like $1 || '%' and pid <> pg_backend_pid())",
            database.Name))
            await Task.Delay(20, limit.Token);
        await database.SqlAsync("select pg_stat_clear_snapshot()");
        return await database.SqlAsync<long>("select coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) from pg_stat_user_tables where "
            + "schemaname = current_schema() and relname = $1", table);
    }
}
