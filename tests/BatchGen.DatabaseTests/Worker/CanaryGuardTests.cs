using BatchGen.Core.Failures;
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
    public async Task A_first_canary_that_a_reload_cures_lets_the_worker_go_on()
    {
        await using var database = await DatabaseAsync(jobs: 1);
        await WorkerHost.RunAsync(database, new FakeRenderer(), options => options.CanaryEveryBatches = 10);
        await database.SubmitAsync("");
        var renderer = new FakeRenderer { Fault = 60 };
        renderer.OnReload = () => renderer.Fault = 0;
        await using var worker = await WorkerHost.StartAsync(database, renderer, options => (options.CanaryEveryBatches, options.ExitWhenIdle) = (10, false));
        await Until(async () => (await ListAsync(database)).Length == 4);
        await Until(async () => (await WorkerHost.InStateAsync(database, JobState.Succeeded)).Length == 2 || await database.SqlAsync<bool>("select bool_or(paused) from workers"));
        Assert.Equal(["first", "equal", "differs", "equal"], (await ListAsync(database)).Select(canary => canary.Verdict));
        Assert.False(await database.SqlAsync<bool>("select bool_or(paused) from workers"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_canary_that_differs_pauses_the_worker_also_when_its_model_cannot_be_reloaded(bool deviceFails)
    {
        await using var database = await DatabaseAsync(jobs: 1);
        await WorkerHost.RunAsync(database, new FakeRenderer(), options => options.CanaryEveryBatches = 10);
        var id = (await database.SubmitAsync(""))[0];
        var renderer = new FakeRenderer
        {
            Fault = 60,
            OnReload = () => throw (deviceFails ? new DeviceException("no memory for it") : new ModelException("the master file changed")),
        };
        await using var worker = await WorkerHost.StartAsync(database, renderer, options => (options.CanaryEveryBatches, options.ExitWhenIdle) = (10, false));
        await Until(async () => await database.SqlAsync<bool>("select bool_or(paused) from workers where stopped_at is null")
            || (await WorkerHost.InStateAsync(database, JobState.Succeeded)).Contains(id));
        await Until(async () => !(await WorkerHost.InStateAsync(database, JobState.Running)).Contains(id));
        Assert.Equal([id], await WorkerHost.InStateAsync(database, JobState.Queued));
        Assert.Equal(0, (await database.Catalog.FindAsync(id, CancellationToken.None))!.Attempts);
        Assert.Equal(["first", "equal", "differs"], (await ListAsync(database)).Select(canary => canary.Verdict));

        // Whoever resumes it gets another look before anything is drawn.
        renderer.OnReload = () => renderer.Fault = 0;
        await database.SqlAsync("update workers set paused = false where stopped_at is null");
        await Until(async () => (await WorkerHost.InStateAsync(database, JobState.Succeeded)).Contains(id));
        Assert.Equal(["first", "equal", "differs", "differs", "equal"], (await ListAsync(database)).Select(canary => canary.Verdict));
    }

    [Fact]
    public async Task A_model_replaced_under_its_name_starts_a_comparison_of_its_own()
    {
        await using var database = await DatabaseAsync(jobs: 3);
        var loads = 0;
        var renderer = new FakeRenderer();
        renderer.OnLoad = _ => renderer.Fault = (byte)(60 * loads++);
        renderer.OnRender = (jobs, _) =>
        {
            if (jobs[0].JobId == 0 || loads > 1) return;
#pragma warning disable VSTHRD002, xUnit1031 // The device thread is synchronous.
            database.SqlAsync("update models set sha256 = repeat('b', 64)").GetAwaiter().GetResult();
#pragma warning restore VSTHRD002, xUnit1031
        };
        await using var worker = await WorkerHost.StartAsync(database, renderer, options => (options.BatchSize, options.CanaryEveryBatches, options.ExitWhenIdle) = (1, 1, false));
        await Until(async () => (await ListAsync(database)).Length == 3);
        await Until(async () => (await WorkerHost.InStateAsync(database, JobState.Succeeded)).Length == 3 || await database.SqlAsync<bool>("select bool_or(paused) from workers"));
        Assert.Equal(["first", "first", "equal"], (await ListAsync(database)).Select(canary => canary.Verdict));
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

    [Fact]
    public async Task An_ordered_canary_is_drawn_while_idle_and_between_batches_also_where_none_come_by_themselves()
    {
        await using var database = await DatabaseAsync(jobs: 1);
        using var step = new SemaphoreSlim(1);
        var renderer = new FakeRenderer { OnRender = (jobs, token) => { if (jobs[0].JobId != 0) step.Wait(token); } };
        await using var worker = await WorkerHost.StartAsync(database, renderer, options => (options.BatchSize, options.CanaryEveryBatches, options.ExitWhenIdle) = (1, 0, false));
        await Until(async () => (await WorkerHost.InStateAsync(database, JobState.Succeeded)).Length == 1);
        Assert.Empty(await ListAsync(database));

        Assert.Equal(1, await database.Workers.OrderCanariesAsync(null, CancellationToken.None));
        await Until(async () => (await ListAsync(database)).Length == 1);
        await database.SubmitAsync("", "", "");
        await Until(() => Task.FromResult(step.CurrentCount == 0 && renderer.Calls.Count(call => call == "render 1") == 3)); // One job, one canary, and the next job waits.
        await database.Workers.OrderCanariesAsync(null, CancellationToken.None);
        step.Release(3);
        await Until(async () => (await WorkerHost.InStateAsync(database, JobState.Succeeded)).Length == 4);
        await Until(async () => (await ListAsync(database)).Length == 2);
        Assert.Equal(["first", "equal"], (await ListAsync(database)).Select(canary => canary.Verdict));
    }

    [Fact]
    public async Task An_order_to_a_worker_without_a_model_waits_for_the_first_batch()
    {
        await using var database = await DatabaseAsync(jobs: 0);
        await using var worker = await WorkerHost.StartAsync(database, new FakeRenderer(), options => (options.CanaryEveryBatches, options.ExitWhenIdle) = (0, false));
        await Until(async () => await database.Workers.OrderCanariesAsync(null, CancellationToken.None) == 1);
        await Until(async () => !await database.SqlAsync<bool>("select canary_ordered from workers"));
        await database.SubmitAsync("");
        await Until(async () => (await ListAsync(database)).Length == 1);
        await Until(async () => (await WorkerHost.InStateAsync(database, JobState.Succeeded)).Length == 1);
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
