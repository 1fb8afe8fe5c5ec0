using BatchGen.Core.Failures;
using BatchGen.Core.Jobs;
using BatchGen.Queue;
using BatchGen.Queue.Schedules;
using BatchGen.Testing;
using BatchGen.Worker.Faults;
using BatchGen.Worker.Hosting;
using BatchGen.Worker.Monitoring;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace BatchGen.DatabaseTests.Worker;

/// <summary>The share of failures of a worker is compared with that of others with the same signatures at the same time.</summary>
public sealed class FailureRateTests
{
    private const int JobsPerSignature = 10;
    private static readonly string[] Adapters = ["a", "b", "c"];

    [Fact]
    public async Task A_worker_that_fails_every_second_job_where_others_fail_none_is_set_aside()
    {
        await using var database = await DatabaseAsync(Adapters);
        var (watch, worker) = await BeginAsync(database);
        await DrawElsewhereAsync(database, failed: 0);
        FailEverySecond(watch, 30);
        Assert.True(await watch.JudgeAsync(CancellationToken.None));
        Assert.Equal(
            "15 of the last 31 attempts failed, with 3 signatures, while other workers failed 0 attempts and drew 30 images with the same "
                + "signatures at the same time. The last: not a number Look at the machine, then resume the worker.",
            await database.SqlAsync<string>("select set_aside_reason from workers where id = $1", worker));
    }

    [Fact]
    public async Task A_campaign_whose_jobs_fail_everywhere_sets_no_worker_aside()
    {
        await using var database = await DatabaseAsync(Adapters);
        var (watch, _) = await BeginAsync(database);
        await DrawElsewhereAsync(database, failed: JobsPerSignature / 2);
        FailEverySecond(watch, 40);
        await AssertNotAsideAsync(database, watch);
    }

    [Fact]
    public async Task A_campaign_that_no_other_worker_draws_sets_no_worker_aside_by_its_share()
    {
        await using var database = await DatabaseAsync("d", "e", "f");
        var (watch, _) = await BeginAsync(database);
        await DrawElsewhereAsync(database, failed: 0);
        FailEverySecond(watch, 40);
        await AssertNotAsideAsync(database, watch);
    }

    [Fact]
    public async Task A_worker_alone_is_judged_by_failures_in_a_row_only()
    {
        await using var database = await DatabaseAsync(Adapters);
        var (watch, _) = await BeginAsync(database);
        FailEverySecond(watch, 40);
        await AssertNotAsideAsync(database, watch);
        for (var job = 0; job < 10; job++) Fail(watch, 100 + job);
        Assert.True(await watch.JudgeAsync(CancellationToken.None));
    }

    [Fact]
    public async Task A_worker_that_ended_is_nobody_to_compare_with()
    {
        await using var database = await DatabaseAsync(Adapters);
        var (watch, _) = await BeginAsync(database);
        await DrawElsewhereAsync(database, failed: 0);
        await database.SqlAsync("update workers set stopped_at = now() where name = 'other'");
        FailEverySecond(watch, 40);
        await AssertNotAsideAsync(database, watch);
    }

    [Fact]
    public async Task A_signature_that_fails_alone_sets_no_worker_aside_by_its_share()
    {
        await using var database = await DatabaseAsync(Adapters);
        var (watch, _) = await BeginAsync(database);
        await DrawElsewhereAsync(database, failed: 0);
        for (var job = 0; job < 20; job++)
        {
            watch.AddFailed(job, SignatureOf("a"), [new FailureMark(FailureCode.Generation, "not a number")]);
            watch.AddDrawn(job, SignatureOf("b"), 1);
        }

        await AssertNotAsideAsync(database, watch);
    }

    private static async Task AssertNotAsideAsync(TestDatabase database, FailureWatch watch)
    {
        Assert.False(await watch.JudgeAsync(CancellationToken.None));
        Assert.Equal(0L, await database.SqlAsync<long>("select count(*) from workers where set_aside_at is not null"));
    }

    // The first outcome begins the time in which others are looked at.
    private static async Task<(FailureWatch Watch, Guid Worker)> BeginAsync(TestDatabase database)
    {
        var worker = await database.AddWorkerAsync("here");
        var health = new WorkerHealth(new WindowStore(database.Queue), TimeProvider.System);
        var watch = new FailureWatch(worker, database.Workers, new WorkerOptions(), health, TimeProvider.System, NullLogger.Instance);
        watch.AddDrawn(0, SignatureOf("a"), 1);
        return (watch, worker);
    }

    private static void FailEverySecond(FailureWatch watch, int jobs)
    {
        for (var job = 1; job <= jobs; job++)
        {
            if (job % 2 == 0) watch.AddDrawn(job, SignatureOf(Adapters[job % Adapters.Length]), 1);
            else Fail(watch, job);
        }

        // A row is ended, so that nothing but the share is left to judge by.
        if (jobs % 2 == 1) watch.AddDrawn(jobs, SignatureOf("a"), 1);
    }

    private static void Fail(FailureWatch watch, int job) => watch.AddFailed(
        job, SignatureOf(Adapters[job % Adapters.Length]), [new FailureMark(FailureCode.Generation, "not a number")]);

    private static string SignatureOf(string adapter) => $"demo|{adapter}@1";

    // Another worker takes all jobs, a batch for each signature, and fails so many of each.
    private static async Task DrawElsewhereAsync(TestDatabase database, int failed)
    {
        var other = await database.AddWorkerAsync("other");
        while (await database.ClaimAsync(other) is { } batch)
        {
            var ids = batch.Jobs.Select(job => job.JobId).ToArray();
            await database.Claims.FailAsync(
                batch, [.. ids.Take(failed).Select(id => new FailedJob(id, FailureCode.Generation, "not a number"))],
                CancellationToken.None);
            await database.CompleteAsync(batch, ids.Skip(failed));
            await database.Claims.CloseAsync(batch, CancellationToken.None);
        }
    }

    private static async Task<TestDatabase> DatabaseAsync(params string[] adapters)
    {
        // What failed waits longer than the test lasts.
        var database = await TestDatabase.CreateAsync(new QueueOptions { RetryDelay = TimeSpan.FromHours(1) });
        await database.AddModelAsync(native: 64);
        await database.AddAdaptersAsync(adapters);
        await database.SubmitAsync(adapters.SelectMany(adapter => Enumerable.Repeat(adapter, JobsPerSignature)));
        return database;
    }
}
