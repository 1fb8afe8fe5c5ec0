using BatchGen.Core.Jobs;
using BatchGen.Queue;
using BatchGen.Queue.Canaries;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Worker;

public sealed class CanaryGuardTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task The_same_picture_at_start_now_and_then_and_at_the_end_is_equal()
    {
        await using var database = await DatabaseAsync(jobs: 5);
        await WorkerHost.RunAsync(database, new FakeRenderer(), options => (options.BatchSize, options.CanaryEveryBatches) = (1, 2));
        await WorkerHost.RunAsync(database, new FakeRenderer(), options => options.CanaryEveryBatches = 2);
        var canaries = await ListAsync(database);
        // At start, after two batches, after four, at the end; a worker without a model draws none.
        Assert.Equal(["first", "equal", "equal", "equal"], canaries.Select(canary => canary.Verdict));
        Assert.Single(canaries.Select(canary => canary.Digest).Distinct());
    }

    [Fact]
    public async Task A_device_that_computes_something_else_is_reloaded_and_then_paused_and_its_jobs_wait()
    {
        await using var database = await DatabaseAsync(jobs: 1);
        await WorkerHost.RunAsync(database, new FakeRenderer(), options => options.CanaryEveryBatches = 10);
        await database.SubmitAsync("", "");
        var broken = new FakeRenderer { Fault = 60 };
        await using var worker = await WorkerHost.StartAsync(database, broken, options => (options.CanaryEveryBatches, options.ExitWhenIdle) = (10, false));
        await Until(async () => await database.SqlAsync<bool>("select bool_or(paused) from workers where stopped_at is null"));
        await Until(async () => (await WorkerHost.InStateAsync(database, JobState.Queued)).Length == 2);
        Assert.Equal(["first", "equal", "differs", "differs"], (await ListAsync(database)).Select(canary => canary.Verdict));
        Assert.Contains("reload ", broken.Calls);
        Assert.True((await ListAsync(database))[^1].Psnr < 40);
    }

    [Fact]
    public async Task A_hardly_visible_difference_on_another_start_is_close()
    {
        await using var database = await DatabaseAsync(jobs: 1);
        await WorkerHost.RunAsync(database, new FakeRenderer(), options => options.CanaryEveryBatches = 10);
        await database.SubmitAsync("");
        var outcome = await WorkerHost.RunAsync(database, new FakeRenderer { Fault = 1 }, options => options.CanaryEveryBatches = 10);
        Assert.Null(outcome.Failure);
        Assert.Equal(["first", "equal", "close", "close"], (await ListAsync(database)).Select(canary => canary.Verdict));
    }

    [Fact]
    public async Task A_difference_within_one_worker_is_never_close()
    {
        await using var database = await DatabaseAsync(jobs: 2);
        var renderer = new FakeRenderer();
        renderer.OnRender = (jobs, _) =>
        {
            if (jobs[0].JobId != 0) renderer.Fault = 1;
        };
        await using var worker = await WorkerHost.StartAsync(database, renderer, options => (options.BatchSize, options.CanaryEveryBatches, options.ExitWhenIdle) = (1, 1, false));
        await Until(async () => await database.SqlAsync<bool>("select bool_or(paused) from workers"));
        Assert.Equal(["first", "differs", "differs"], (await ListAsync(database)).Select(canary => canary.Verdict));
    }

    private static async Task<TestDatabase> DatabaseAsync(int jobs)
    {
        var database = await TestDatabase.CreateAsync(new QueueOptions { PollInterval = TimeSpan.FromMilliseconds(50) });
        await database.AddModelAsync(native: 64);
        await database.SubmitAsync(Enumerable.Repeat("", jobs));
        return database;
    }

    private static async Task<RecordedCanary[]> ListAsync(TestDatabase database) =>
        [.. (await new CanaryLog(database.Queue).ListAsync(100, CancellationToken.None)).Reverse()];

    private static async Task Until(Func<Task<bool>> condition)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (!await condition()) await Task.Delay(20, limit.Token);
    }
}
