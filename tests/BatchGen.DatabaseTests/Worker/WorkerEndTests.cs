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
