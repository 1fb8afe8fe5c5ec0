using System.Diagnostics;
using BatchGen.Core.Jobs;
using BatchGen.DatabaseTests.Worker;
using BatchGen.Queue;
using BatchGen.Queue.Claims;
using BatchGen.Queue.Embedded;
using BatchGen.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace BatchGen.DatabaseTests.Claims;

/// <summary>A dead server, or one whose clock steps, is told from a dead worker: no job is charged for it.</summary>
public sealed class OutageTests
{
    // Two workers that outlived an outage: one draws, and the other would rescue its batch.
    // Two workers were lost before while they drew the job alone: the next is counted, unless an outage explains it.
    private static Task BlameAsync(TestDatabase database) => database.SqlAsync("""
        insert into job_attempts (job_id, attempt, counted, code, message, batch_id)
        select b.job_ids[1], 1, false, 'worker_lost', 'lost before', b.id from batches b cross join generate_series(1, 2)
        """);

    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(5);

    [Fact]
    public async Task A_server_away_for_longer_than_the_lease_charges_nothing_to_a_job_whose_worker_lived()
    {
        await TestServer.GetAddressAsync(); // Skips without server programs.
        var folder = Path.Combine(Path.GetTempPath(), "batchgen-outage-" + Guid.NewGuid().ToString("N")[..8]);
        using var drawn = new ManualResetEventSlim();
        try
        {
            var server = await StartAsync(folder);
            await using var database = await TestDatabase.CreateAsync(
                new QueueOptions { LeaseDuration = Lease, PollInterval = TimeSpan.FromMilliseconds(100) }, server.ConnectionString);
            await database.AddModelAsync(native: 64);
            using var drawing = new ManualResetEventSlim();
            var renderer = new FakeRenderer
            {
                OnRender = (_, token) =>
                {
                    drawing.Set();
                    WaitHandle.WaitAny([drawn.WaitHandle, token.WaitHandle]);
                },
            };
            await database.Submitter.SubmitAsync([new JobRequest { Prompt = "a star", MaxAttempts = 1 }], CancellationToken.None);
            await using var one = await WorkerHost.StartAsync(database, renderer, options => options.ExitWhenIdle = false);
            await WorkerHost.UntilAsync("the job is drawn", () => drawing.IsSet);
            await using var two = await WorkerHost.StartAsync(database, new FakeRenderer(), options => options.ExitWhenIdle = false);
            await WorkerHost.UntilAsync(
                "both workers have registered", () => database.Workers.ListAsync(CancellationToken.None), workers => workers.Count == 2);

            var restartBefore = await database.SqlAsync<DateTime>("select noted_instant('restart_noted')");
            var stopped = Stopwatch.GetTimestamp();
            await KillAsync(server);
            await WorkerHost.UntilAsync(
                "the lease would have run out", () => Stopwatch.GetElapsedTime(stopped) > Lease + TimeSpan.FromSeconds(1));
            server = await StartAsync(folder);
            await WorkerHost.UntilAsync(
                "workers gave signs for longer than a lease", () => SinceRestartAsync(database, restartBefore), since => since > Lease);

            drawn.Set();
            await WorkerHost.UntilVerifiedAsync(database, 1);
            Assert.Equal(0L, await database.SqlAsync<long>("select count(*) from job_attempts"));
            Assert.Equal((short)1, await database.SqlAsync<short>("select attempts from jobs"));
        }
        finally
        {
            drawn.Set();
            await EmbeddedCluster.RemoveAsync(folder, CancellationToken.None);
        }
    }

    [Fact]
    public async Task A_clock_that_steps_past_every_lease_takes_no_batch_from_a_worker_that_lives()
    {
        await using var database = await DatabaseAsync();
        await database.SubmitAsync("");
        var batch = (await database.ClaimAsync(await database.AddWorkerAsync()))!;
        await StepAsync(database, "1 hour");
        Assert.Equal(0, await RescueAsync(database));
        // The worker's next heartbeat.
        await HeartbeatAsync(database, batch);
        await database.FinishAsync(batch);
        Assert.Equal(0L, await database.SqlAsync<long>("select count(*) from job_attempts"));
    }

    [Fact]
    public async Task A_worker_that_stays_silent_after_an_outage_is_rescued_a_lease_later()
    {
        await using var database = await DatabaseAsync();
        await database.SubmitAsync("");
        Assert.NotNull(await database.ClaimAsync(await database.AddWorkerAsync()));
        await BlameAsync(database);
        await StepAsync(database, "1 hour");
        Assert.Equal(0, await RescueAsync(database));
        // Others give signs meanwhile.
        for (var second = 0; second < 59; second += 10)
        {
            await StepAsync(database, "10 seconds");
            Assert.Equal(second < 50 ? 0 : 1, await RescueAsync(database));
        }

        // No restart explains it: the worker is dead.
        Assert.Equal(1L, await database.SqlAsync<long>("select count(*) from job_attempts where counted and code = 'worker_lost'"));
    }

    [Fact]
    public async Task Signs_that_always_come_slowly_put_a_rescue_off_once_only()
    {
        await using var database = await DatabaseAsync();
        await database.SubmitAsync("");
        Assert.NotNull(await database.ClaimAsync(await database.AddWorkerAsync()));
        var rescued = new List<int>();
        for (var look = 0; look < 4; look++)
        {
            await StepAsync(database, "40 seconds");
            rescued.Add(await RescueAsync(database));
        }

        Assert.Equal([0, 0, 1, 0], rescued);
    }

    [Fact]
    public async Task A_lease_written_before_the_clock_was_set_back_ends_a_lease_after_its_worker_died()
    {
        await using var database = await DatabaseAsync();
        await database.SubmitAsync("");
        Assert.NotNull(await database.ClaimAsync(await database.AddWorkerAsync()));
        await StepAsync(database, "-1 hour");
        Assert.Equal(0, await RescueAsync(database));
        Assert.True(await database.SqlAsync<bool>("select lease_expires_at <= clock_timestamp() + interval '1 minute' from batches"));
        var rescued = 0;
        for (var passed = 0; passed < 60; passed += 20)
        {
            await StepAsync(database, "20 seconds");
            rescued += await RescueAsync(database);
        }

        Assert.Equal(1, rescued);
    }

    [Fact]
    public async Task A_worker_that_ended_while_the_server_was_away_charges_nothing()
    {
        await using var database = await DatabaseAsync();
        await database.SubmitAsync("");
        Assert.NotNull(await database.ClaimAsync(await database.AddWorkerAsync()));
        await BlameAsync(database);
        // As the first call to a server that started since finds it.
        await database.SqlAsync("select setval('server_starts', 1)");
        await StepAsync(database, "10 seconds");
        Assert.Equal(0, await RescueAsync(database));
        var rescued = 0;
        for (var passed = 0; passed < 80; passed += 20)
        {
            await StepAsync(database, "20 seconds");
            rescued += await RescueAsync(database);
        }

        Assert.Equal(1, rescued);
        Assert.Equal((short)0, await database.SqlAsync<short>("select attempts from jobs"));
        Assert.Equal(0L, await database.SqlAsync<long>("select count(*) from job_attempts where counted"));
    }

    [Fact]
    public async Task Images_wait_for_their_checkpoint_while_the_server_is_away()
    {
        await using var database = await DatabaseAsync();
        await database.SubmitAsync("");
        var worker = await database.AddWorkerAsync();
        var batch = (await database.ClaimAsync(worker))!;
        await database.FinishAsync(batch);
        await StepAsync(database, "1 hour");
        await RescueAsync(database);
        Assert.Equal(JobState.Succeeded, (await database.Catalog.FindAsync(batch.Jobs[0].JobId, CancellationToken.None))!.State);
    }

    private static Task<int> RescueAsync(TestDatabase database) => database.Claims.RescueExpiredAsync(CancellationToken.None);

    private static Task<IReadOnlyList<long>> HeartbeatAsync(TestDatabase database, ClaimedBatch batch) =>
        database.Claims.HeartbeatAsync(batch, new(0, 0, 0), CancellationToken.None);

    // Everything that was written lies further back: what a step of the clock, or the time that passed, looks like from the database.
    private static async Task StepAsync(TestDatabase database, string by)
    {
        await database.SqlAsync($"""
            update batches set lease_expires_at = lease_expires_at - interval '{by}', renewed_at = renewed_at - interval '{by}',
              claimed_at = claimed_at - interval '{by}';
            update workers set heartbeat_at = heartbeat_at - interval '{by}';
            """);
        foreach (var sequence in (string[])["beats", "silence_begins", "silence_ends", "restart_noted"])
            await database.SqlAsync($"""
                select note_instant('{sequence}', noted_instant('{sequence}') - interval '{by}')
                where pg_sequence_last_value('{sequence}') is not null
                """);
    }

    // Zero until a worker's sign has reached the server that was started again.
    private static async Task<TimeSpan> SinceRestartAsync(TestDatabase database, DateTime restartBefore)
    {
        try
        {
            return await database.SqlAsync<TimeSpan>(
                "select case when noted_instant('restart_noted') > $1 then clock_timestamp() - noted_instant('restart_noted') else '0' end",
                restartBefore);
        }
        catch (Npgsql.NpgsqlException)
        {
            return TimeSpan.Zero;
        }
    }

    private static Task<EmbeddedPostgres> StartAsync(string folder) => EmbeddedPostgres.StartAsync(
        folder, new EmbeddedPostgresOptions { Fsync = false }, NullLogger.Instance, CancellationToken.None);

    private static async Task KillAsync(EmbeddedPostgres server)
    {
        using var process = Process.GetProcessById(server.ServerProcessId!.Value);
        process.Kill(entireProcessTree: true);
        await process.WaitForExitAsync();
    }

    private static async Task<TestDatabase> DatabaseAsync()
    {
        var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync(native: 64);
        return database;
    }
}
