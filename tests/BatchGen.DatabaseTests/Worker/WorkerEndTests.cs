using BatchGen.Core.Jobs;
using BatchGen.Queue;
using BatchGen.Testing;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Worker;

/// <summary>How workers end, and how they do not: errors nobody foresaw, a database that is away, claims that nobody would hold.</summary>
public sealed class WorkerEndTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task An_unforeseen_error_is_a_failure_of_the_worker_and_says_so()
    {
        await using var database = await DatabaseAsync();
        await database.SubmitAsync("");
        var renderer = new FakeRenderer { OnVerify = static () => throw new InvalidOperationException("the device is gone") };
        var outcome = await WorkerHost.RunAsync(database, renderer);
        Assert.Equal("the device is gone", outcome.Failure);
        var worker = Assert.Single(await database.Workers.ListAsync(CancellationToken.None));
        Assert.Equal("the device is gone", worker.StopReason);
    }

    [Fact]
    public async Task A_checkpoint_waits_for_the_database_longer_than_a_stop_may_take()
    {
        await using var database = await DatabaseAsync();
        await database.SubmitAsync("", "", "");
        var clock = new FakeTimeProvider();
        var renderer = new FakeRenderer();
        await using var worker = await WorkerHost.StartAsync(
            database, renderer, options => (options.BatchSize, options.StopTimeout) = (2, TimeSpan.FromSeconds(1)), clock: clock);
        // While the table is locked the database accepts the checkpoint and does not answer.
        await using (var connection = await database.ConnectAsync())
        await using (var transaction = await connection.BeginTransactionAsync(TestContext.Current.CancellationToken))
        {
            await using var command = new Npgsql.NpgsqlCommand("lock table weight_checkpoints in exclusive mode", connection, transaction);
            await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
            await Until(() => database.SqlAsync<bool>("select exists (select from pg_locks where relation = 'weight_checkpoints'::regclass and not granted)"));
            clock.Advance(TimeSpan.FromSeconds(10));
        }

        await worker.WaitForEndAsync();
        Assert.Null(worker.Outcome.Failure);
        Assert.Equal(3, (await database.Catalog.CountAsync(null, CancellationToken.None)).Verified);
    }

    [Fact]
    public async Task A_batch_claimed_ahead_goes_back_when_the_one_before_it_ends_the_worker()
    {
        await using var database = await DatabaseAsync();
        var ids = await database.SubmitAsync("", "");
        var renderer = new FakeRenderer
        {
            OnRender = (_, _) =>
            {
                Wait(Until(async () => await database.SqlAsync<long>("select count(*) from batches where state = 'open'") == 2));
                throw new QueueException("refused");
            },
        };
        var outcome = await WorkerHost.RunAsync(database, renderer, options => options.BatchSize = 1);
        Assert.Equal("refused", outcome.Failure);
        await WaitUncountedAsync(database, ids);
    }

    [Fact]
    public async Task An_error_in_reading_ahead_loses_no_batch()
    {
        await using var database = await DatabaseAsync("ink", "wash");
        await database.SubmitAsync("ink", "wash");
        var renderer = new FakeRenderer { OnPrefetch = static _ => throw new InvalidOperationException("unforeseen") };
        var outcome = await WorkerHost.RunAsync(database, renderer);
        Assert.Null(outcome.Failure);
        Assert.Equal(2, (await database.Catalog.CountAsync(null, CancellationToken.None)).Verified);
    }

    [Fact]
    public async Task A_worker_that_stops_gives_back_what_it_claimed_without_hearing_of_it()
    {
        await using var database = await DatabaseAsync();
        await using var worker = await WorkerHost.StartAsync(database, new FakeRenderer(), options => options.ExitWhenIdle = false);
        var ids = await ClaimUnheardAsync(database);
        await worker.StopAsync();
        Assert.Null(worker.Outcome.Failure);
        await WaitUncountedAsync(database, ids);
    }

    [Fact]
    public async Task A_claim_whose_answer_was_lost_goes_back_before_the_next_one()
    {
        await using var database = await DatabaseAsync();
        await using var worker = await WorkerHost.StartAsync(database, new FakeRenderer(), options => options.ExitWhenIdle = false);
        var ids = await ClaimUnheardAsync(database);
        // Claims now fail for a passing reason, as they do when the connection is lost; the sequence counts them.
        await database.SqlAsync(
            """
            create sequence refused;
            create function refuse() returns trigger language plpgsql as $$
            begin
              perform nextval('refused');
              raise exception using errcode = '40001', message = 'not now';
            end $$;
            create trigger refuse before insert on batches execute function refuse();
            """);
        await database.SubmitAsync("");
        await database.SqlAsync("update workers set paused = false");
        await Until(() => database.SqlAsync<bool>("select is_called from refused"));
        await database.SqlAsync("drop trigger refuse on batches");
        await Until(async () => (await database.Catalog.CountAsync(null, CancellationToken.None)).Verified == 2);
        Assert.Equal(1, (await database.Catalog.FindAsync(Assert.Single(ids), CancellationToken.None))!.Attempts);
    }

    // A claim in the worker's name: to the worker, one that was cut short between the server's commit and its answer.
    private static async Task<IReadOnlyList<long>> ClaimUnheardAsync(TestDatabase database)
    {
        await Until(async () => (await database.Workers.ListAsync(CancellationToken.None)).Count == 1);
        await database.SqlAsync("update workers set paused = true");
        // Two heartbeats from now the worker has heard that it is paused.
        for (var beat = 0; beat < 2; beat++)
        {
            var last = await database.SqlAsync<DateTime>("select heartbeat_at from workers");
            await Until(async () => await database.SqlAsync<DateTime>("select heartbeat_at from workers") > last);
        }

        var ids = await database.SubmitAsync("");
        // One transaction: the worker sees itself paused before and after.
        await database.SqlAsync(
            """
            update workers set paused = false;
            select from workers w, claim_batch(w.id, null, 10, '1 minute', '1 hour', 1);
            update workers set paused = true;
            """);
        Assert.Equal(ids, await WorkerHost.InStateAsync(database, JobState.Running));
        return ids;
    }

    private static async Task WaitUncountedAsync(TestDatabase database, IReadOnlyList<long> ids)
    {
        var waiting = await database.Catalog.ListAsync(new JobFilter(JobState.Queued), CancellationToken.None);
        Assert.Equal(ids.Order(), waiting.Select(job => job.JobId).Order());
        Assert.All(waiting, job => Assert.Equal(0, job.Attempts));
    }

    private static async Task<TestDatabase> DatabaseAsync(params string[] adapters)
    {
        var database = await TestDatabase.CreateAsync(new QueueOptions { PollInterval = TimeSpan.FromMilliseconds(50) });
        await database.AddModelAsync(native: 64);
        await database.AddAdaptersAsync(adapters);
        return database;
    }

#pragma warning disable VSTHRD002, xUnit1031 // The device thread is synchronous.
    private static void Wait(Task task) => task.GetAwaiter().GetResult();
#pragma warning restore VSTHRD002, xUnit1031

    private static async Task Until(Func<Task<bool>> condition)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Limit);
        while (!await condition()) await Task.Delay(20, limit.Token);
    }
}
