using BatchGen.Core.Jobs;
using BatchGen.Queue;
using BatchGen.Testing;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Worker;

/// <summary>Workers that end because of unforeseen errors, that wait for the database, and that requeue what they claimed.</summary>
public sealed class WorkerEndTests
{
    [Fact]
    public async Task A_worker_that_ends_because_of_an_unforeseen_error_records_it()
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
            await WorkerHost.UntilAsync(
                "the checkpoint waits for the locked table", () => database.IsAwaitedAsync("weight_checkpoints"));
            clock.Advance(TimeSpan.FromSeconds(10));
        }

        await worker.WaitForEndAsync();
        Assert.Null(worker.Outcome.Failure);
        Assert.Equal(3, (await database.Catalog.CountAsync(null, CancellationToken.None)).Verified);
    }

    [Fact]
    public async Task A_batch_claimed_ahead_is_requeued_when_the_batch_before_it_ends_the_worker()
    {
        await using var database = await DatabaseAsync();
        var ids = await database.SubmitAsync("", "");
        var renderer = new FakeRenderer
        {
            OnRender = (_, _) =>
            {
                Block(WorkerHost.UntilAsync(
                    "the next batch was claimed",
                    () => database.SqlAsync<long>("select count(*) from batches where state = 'open'"),
                    open => open == 2));
                throw new QueueException("refused");
            },
        };
        var outcome = await WorkerHost.RunAsync(database, renderer, options => options.BatchSize = 1);
        Assert.Equal("refused", outcome.Failure);
        await AssertQueuedUncountedAsync(database, ids);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_worker_whose_batch_can_be_neither_closed_nor_requeued_says_the_error_of_the_database(bool stopped)
    {
        await using var database = await DatabaseAsync();
        await database.SubmitAsync("", "");
        await database.SqlAsync(
            """
            create function refuse() returns trigger language plpgsql as $$
            begin
              raise exception using errcode = '22012', message = 'division by zero';
            end $$;
            create trigger refuse before update of state on batches for each row execute function refuse();
            """);
        using var drawing = new ManualResetEventSlim();
        var renderer = new FakeRenderer
        {
            OnRender = (_, token) =>
            {
                drawing.Set();
                if (stopped) token.WaitHandle.WaitOne();
            },
        };
        await using var worker = await WorkerHost.StartAsync(database, renderer, options => options.ExitWhenIdle = false);
        await WorkerHost.UntilAsync("a job is drawn", () => drawing.IsSet);
        if (stopped) await worker.StopAsync();
        else await worker.WaitForEndAsync();

        Assert.Contains("division by zero", worker.Outcome.Failure, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_batch_whose_adapters_could_not_be_read_ahead_is_rendered_all_the_same()
    {
        await using var database = await DatabaseAsync("ink", "wash");
        await database.SubmitAsync("ink", "wash");
        var renderer = new FakeRenderer { OnPrefetch = static _ => throw new InvalidOperationException("unforeseen") };
        var outcome = await WorkerHost.RunAsync(database, renderer);
        Assert.Null(outcome.Failure);
        Assert.Equal(2, (await database.Catalog.CountAsync(null, CancellationToken.None)).Verified);
    }

    [Fact]
    public async Task A_worker_that_stops_requeues_a_batch_whose_claim_it_got_no_answer_to()
    {
        await using var database = await DatabaseAsync();
        await using var worker = await WorkerHost.StartAsync(database, new FakeRenderer(), options => options.ExitWhenIdle = false);
        var ids = await ClaimWithoutAnswerAsync(database);
        await worker.StopAsync();
        Assert.Null(worker.Outcome.Failure);
        await AssertQueuedUncountedAsync(database, ids);
    }

    [Fact]
    public async Task A_batch_whose_claim_got_no_answer_is_requeued_before_the_next_claim()
    {
        await using var database = await DatabaseAsync();
        await using var worker = await WorkerHost.StartAsync(database, new FakeRenderer(), options => options.ExitWhenIdle = false);
        var ids = await ClaimWithoutAnswerAsync(database);
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
        await WorkerHost.UntilAsync("a claim was refused", () => database.SqlAsync<bool>("select is_called from refused"));
        await database.SqlAsync("drop trigger refuse on batches");
        await WorkerHost.UntilVerifiedAsync(database, 2);
        Assert.Equal(1, (await database.Catalog.FindAsync(Assert.Single(ids), CancellationToken.None))!.Attempts);
    }

    // A claim in the worker's name, which to the worker is one whose connection broke between the server's commit and its answer.
    private static async Task<IReadOnlyList<long>> ClaimWithoutAnswerAsync(TestDatabase database)
    {
        await WorkerHost.UntilAsync(
            "the worker has registered", () => database.Workers.ListAsync(CancellationToken.None), workers => workers.Count == 1);
        await database.SqlAsync("update workers set paused = true");
        // Two heartbeats from now the worker has read that it is paused.
        await WorkerHost.UntilHeartbeatsAsync(database, 2);

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

    private static async Task AssertQueuedUncountedAsync(TestDatabase database, IReadOnlyList<long> ids)
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
    private static void Block(Task task) => task.GetAwaiter().GetResult();
#pragma warning restore VSTHRD002, xUnit1031
}
