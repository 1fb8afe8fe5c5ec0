using BatchGen.Core.Jobs;
using BatchGen.Queue.Claims;
using BatchGen.Queue.Inspection;
using BatchGen.Queue.Reports;
using BatchGen.Queue.Workers;
using BatchGen.Testing;
using Npgsql;
using Xunit;

namespace BatchGen.DatabaseTests.Claims;

/// <summary>A worker that draws one batch for a long time, and claims nothing meanwhile, is alive for everything that asks.</summary>
public sealed class LivingWorkerTests : IAsyncLifetime
{
    private TestDatabase _database = null!;
    private Guid _worker;
    private long _drawnBefore;
    private ClaimedBatch _batch = null!;

    public async ValueTask InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        await _database.AddModelAsync();
        await _database.SubmitAsync("", "", "");
        _worker = await _database.AddWorkerAsync();
        // An image that no checkpoint has covered, such as one whose batch ended a moment before.
        var before = (await _database.ClaimAsync(_worker, maxJobs: 1))!;
        _drawnBefore = before.Jobs[0].JobId;
        await _database.FinishAsync(before);
        _batch = (await _database.ClaimAsync(_worker, maxJobs: 1))!;
        await _database.SqlAsync("update jobs set run_at = now() - interval '1 hour' where state = 'queued'");
    }

    public ValueTask DisposeAsync() => _database.DisposeAsync();

    [Fact]
    public async Task A_worker_that_draws_one_batch_for_minutes_is_alive_for_all_who_ask()
    {
        for (var minutes = 0; minutes < 12; minutes++)
        {
            await PassAsync("55 seconds");
            await HeartbeatAsync();
        }

        Assert.Equal(0, await _database.Claims.RescueExpiredAsync(CancellationToken.None));
        var jobs = await _database.Catalog.FindAsync([_drawnBefore, _batch.Jobs[0].JobId], CancellationToken.None);
        Assert.Equal([JobState.Succeeded, JobState.Running], jobs.Select(job => job.State));

        var standstills = await new StandstillFinder(_database.Queue).FindAsync(CancellationToken.None);
        Assert.DoesNotContain(standstills, found => found.Kind == "no_workers");
        Assert.Equal(1, await new ServerInspector(_database.Queue).CountLivingWorkersAsync(CancellationToken.None));
        Assert.True(await _database.SqlAsync<bool>("select worker_lives(w, clock_timestamp()) from workers w"));
        var now = TimeProvider.System.GetUtcNow();
        var worker = Assert.Single(await _database.Workers.ListAsync(CancellationToken.None));
        Assert.Equal((false, true), (worker.StoppedAnswering(now), worker.IsAnswering(now)));
    }

    [Fact]
    public async Task A_worker_whose_batch_gets_no_heartbeat_is_gone_for_all_who_ask()
    {
        await PassAsync("11 minutes");
        var standstills = await new StandstillFinder(_database.Queue).FindAsync(CancellationToken.None);
        Assert.Equal("no_workers", Assert.Single(standstills).Kind);
        Assert.Equal(0, await new ServerInspector(_database.Queue).CountLivingWorkersAsync(CancellationToken.None));
        Assert.False(await _database.SqlAsync<bool>("select worker_lives(w, clock_timestamp()) from workers w"));
    }

    [Fact]
    public async Task A_worker_row_is_written_once_in_some_seconds_and_by_heap_only_updates()
    {
        await _database.SqlAsync("update workers set heartbeat_at = now()");
        var first = await HeartbeatAtAsync();
        await HeartbeatAsync();
        Assert.Equal(first, await HeartbeatAtAsync());
        await PassAsync("11 seconds");
        await HeartbeatAsync();
        Assert.True(await HeartbeatAtAsync() >= first);
        Assert.Equal(0L, await _database.SqlAsync<long>(
            """
            select count(*) from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
            where i.indrelid = 'workers'::regclass and a.attname = 'heartbeat_at'
            """));
    }

    [Fact]
    public async Task A_clock_that_was_set_back_behind_the_last_heartbeat_does_not_end_heartbeats()
    {
        await PassAsync("-1 hour");
        await HeartbeatAsync();
        Assert.True(await _database.SqlAsync<bool>("select heartbeat_at <= clock_timestamp() from workers"));
    }

    [Fact]
    public async Task A_heartbeat_does_not_wait_for_a_session_that_has_the_worker_locked_nor_revive_one_that_stopped()
    {
        await PassAsync("30 seconds");
        await using (var other = await _database.ConnectAsync())
        {
            await using var transaction = await other.BeginTransactionAsync();
            await using var hold = new NpgsqlCommand("select from workers for update", other, transaction);
            await hold.ExecuteNonQueryAsync();
            await Wait.ForAsync("the heartbeat was taken", HeartbeatAsync(), TimeSpan.FromSeconds(4));
        }

        await _database.Workers.StopAsync(_worker, "test", CancellationToken.None);
        var stopped = await HeartbeatAtAsync();
        await HeartbeatAsync();
        Assert.Equal(stopped, await HeartbeatAtAsync());
    }

    private Task<IReadOnlyList<long>> HeartbeatAsync() =>
        _database.Claims.HeartbeatAsync(_batch, new(0, 1, 20), CancellationToken.None);

    private Task<DateTime> HeartbeatAtAsync() => _database.SqlAsync<DateTime>("select heartbeat_at from workers");

    // What was written lies further back: what time that passed looks like from the database.
    private Task PassAsync(string by) => _database.SqlAsync($"""
        update batches set lease_expires_at = lease_expires_at - interval '{by}', renewed_at = renewed_at - interval '{by}',
          claimed_at = claimed_at - interval '{by}';
        update workers set heartbeat_at = heartbeat_at - interval '{by}';
        select note_instant(s, noted_instant(s) - interval '{by}')
        from unnest(array['silence_begins', 'silence_ends', 'restart_noted']) s where pg_sequence_last_value(s::regclass) is not null;
        """);
}
