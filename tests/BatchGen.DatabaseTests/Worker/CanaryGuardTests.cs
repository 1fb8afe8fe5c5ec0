using BatchGen.Core.Failures;
using BatchGen.Core.Jobs;
using BatchGen.Core.Rendering;
using BatchGen.Queue;
using BatchGen.Queue.Canaries;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Worker;

/// <summary>Canaries: the same small image, rendered now and then and compared with the first one.</summary>
public sealed class CanaryGuardTests
{
    [Fact]
    public async Task Canaries_of_a_sound_worker_at_start_between_batches_and_at_the_end_are_equal()
    {
        await using var database = await DatabaseAsync(jobs: 5);
        await WorkerHost.RunAsync(database, new FakeRenderer(), options => (options.BatchSize, options.CanaryEveryBatches) = (1, 2));
        await WorkerHost.RunAsync(database, new FakeRenderer(), options => options.CanaryEveryBatches = 2);
        var canaries = await ListAsync(database);
        // At start, after two batches, after four, at the end; the second worker has no model and renders none.
        Assert.Equal(["first", "equal", "equal", "equal"], canaries.Select(canary => canary.Verdict));
        Assert.Single(canaries.Select(canary => canary.Digest).Distinct());
    }

    [Fact]
    public async Task A_worker_whose_canary_differs_reloads_its_model_and_then_pauses_and_its_jobs_wait()
    {
        await using var database = await DatabaseAsync(jobs: 1);
        await WorkerHost.RunAsync(database, new FakeRenderer(), options => options.CanaryEveryBatches = 10);
        await database.SubmitAsync("", "");
        var broken = new FakeRenderer { Fault = 60 };
        await using var worker = await WorkerHost.StartAsync(
            database, broken, options => (options.CanaryEveryBatches, options.ExitWhenIdle) = (10, false));
        await WorkerHost.UntilAsync("the worker is paused", () => WorkerHost.IsPausedAsync(database));
        await WorkerHost.UntilAsync(
            "both jobs are queued", () => WorkerHost.InStateAsync(database, JobState.Queued), jobs => jobs.Length == 2);
        Assert.Equal(["first", "equal", "differs", "differs"], (await ListAsync(database)).Select(canary => canary.Verdict));
        Assert.Contains("reload ", broken.Calls);
        Assert.True((await ListAsync(database))[^1].Psnr < 40);
    }

    [Fact]
    public async Task A_worker_whose_canary_is_equal_again_after_a_reload_goes_on()
    {
        await using var database = await DatabaseAsync(jobs: 1);
        await WorkerHost.RunAsync(database, new FakeRenderer(), options => options.CanaryEveryBatches = 10);
        await database.SubmitAsync("");
        var renderer = new FakeRenderer { Fault = 60 };
        renderer.OnReload = () => renderer.Fault = 0;
        await using var worker = await WorkerHost.StartAsync(
            database, renderer, options => (options.CanaryEveryBatches, options.ExitWhenIdle) = (10, false));
        await UntilCanariesAsync(database, 4);
        await UntilSucceededOrPausedAsync(database, 2);
        Assert.Equal(["first", "equal", "differs", "equal"], (await ListAsync(database)).Select(canary => canary.Verdict));
        Assert.False(await WorkerHost.IsPausedAsync(database));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_worker_whose_canary_differs_and_whose_model_cannot_be_reloaded_pauses(bool deviceFails)
    {
        await using var database = await DatabaseAsync(jobs: 1);
        await WorkerHost.RunAsync(database, new FakeRenderer(), options => options.CanaryEveryBatches = 10);
        var id = (await database.SubmitAsync(""))[0];
        var renderer = new FakeRenderer
        {
            Fault = 60,
            OnReload = () => throw (deviceFails ? new DeviceException("no memory for it") : new ModelException("the master file changed")),
        };
        await using var worker = await WorkerHost.StartAsync(
            database, renderer, options => (options.CanaryEveryBatches, options.ExitWhenIdle) = (10, false));
        await UntilSucceededOrPausedAsync(database, 2);
        await WorkerHost.UntilAsync(
            "the job does not run", () => WorkerHost.InStateAsync(database, JobState.Running), running => !running.Contains(id));
        Assert.Equal([id], await WorkerHost.InStateAsync(database, JobState.Queued));
        Assert.Equal(0, (await database.Catalog.FindAsync(id, CancellationToken.None))!.Attempts);
        Assert.Equal(["first", "equal", "differs"], (await ListAsync(database)).Select(canary => canary.Verdict));

        // Once resumed, the worker renders another canary before the job.
        renderer.OnReload = () => renderer.Fault = 0;
        await database.SqlAsync("update workers set paused = false where stopped_at is null");
        await WorkerHost.UntilSucceededAsync(database, 2);
        Assert.Equal(["first", "equal", "differs", "differs", "equal"], (await ListAsync(database)).Select(canary => canary.Verdict));
    }

    [Fact]
    public async Task A_model_replaced_under_its_name_is_compared_with_a_first_canary_of_its_own()
    {
        await using var database = await DatabaseAsync(jobs: 3);
        var loads = 0;
        var renderer = new FakeRenderer();
        renderer.OnLoad = _ => renderer.Fault = (byte)(60 * loads++);
        renderer.OnRender = (jobs, _) =>
        {
            if (jobs[0].JobId == 0 || loads > 1) return;
            WorkerHost.Sql(database, "update models set sha256 = repeat('b', 64)");
        };
        await using var worker = await WorkerHost.StartAsync(
            database, renderer, options => (options.BatchSize, options.CanaryEveryBatches, options.ExitWhenIdle) = (1, 1, false));
        await UntilCanariesAsync(database, 3);
        await UntilSucceededOrPausedAsync(database, 3);
        Assert.Equal(["first", "first", "equal"], (await ListAsync(database)).Select(canary => canary.Verdict));
    }

    [Fact]
    public async Task Canaries_after_two_first_ones_are_all_compared_with_the_older()
    {
        await using var database = await DatabaseAsync(jobs: 1);
        await WorkerHost.RunAsync(database, new FakeRenderer(), options => options.CanaryEveryBatches = 10);
        var first = (await ListAsync(database))[0];
        // Another worker, which had looked for a first canary before this one was recorded.
        var late = await database.AddWorkerAsync();
        var sha256 = await database.SqlAsync<string>("select min(model_sha256) from canaries");
        var recipe = await database.SqlAsync<string>("select min(recipe) from canaries");
        var same = new CanaryKind("demo", sha256!, first.Device, first.ComputeType, recipe!);
        await new CanaryLog(database.Queue).RecordAsync(
            new(late, null, same, CanaryVerdict.First, "late", null, null, 1, [1]), CancellationToken.None);

        await database.SubmitAsync("");
        await WorkerHost.RunAsync(database, new FakeRenderer(), options => options.CanaryEveryBatches = 10);
        var canaries = await ListAsync(database);
        // At the start and the end of each run.
        Assert.Equal(["first", "equal", "first", "equal", "equal"], canaries.Select(canary => canary.Verdict));
        Assert.All(canaries, canary => Assert.Equal(first.CanaryId, canary.FirstId));
    }

    [Fact]
    public async Task A_canary_that_hardly_differs_from_that_of_another_process_is_close()
    {
        await using var database = await DatabaseAsync(jobs: 1);
        await WorkerHost.RunAsync(database, new FakeRenderer(), options => options.CanaryEveryBatches = 10);
        await database.SubmitAsync("");
        var outcome = await WorkerHost.RunAsync(database, new FakeRenderer { Fault = 1 }, options => options.CanaryEveryBatches = 10);
        Assert.Null(outcome.Failure);
        Assert.Equal(["first", "equal", "close", "close"], (await ListAsync(database)).Select(canary => canary.Verdict));
    }

    [Fact]
    public async Task A_canary_that_hardly_differs_from_that_of_the_same_process_differs()
    {
        await using var database = await DatabaseAsync(jobs: 2);
        var renderer = new FakeRenderer();
        renderer.OnRender = (jobs, _) =>
        {
            if (jobs[0].JobId != 0) renderer.Fault = 1;
        };
        await using var worker = await WorkerHost.StartAsync(
            database, renderer, options => (options.BatchSize, options.CanaryEveryBatches, options.ExitWhenIdle) = (1, 1, false));
        await WorkerHost.UntilAsync("the worker is paused", () => WorkerHost.IsPausedAsync(database));
        Assert.Equal(["first", "differs", "differs"], (await ListAsync(database)).Select(canary => canary.Verdict));
    }

    [Fact]
    public async Task An_ordered_canary_is_rendered_while_idle_and_between_batches_where_the_settings_ask_for_none()
    {
        await using var database = await DatabaseAsync(jobs: 1);
        using var step = new SemaphoreSlim(1);
        var renderer = new FakeRenderer { OnRender = (jobs, token) => { if (jobs[0].JobId != 0) step.Wait(token); } };
        await using var worker = await WorkerHost.StartAsync(
            database, renderer, options => (options.BatchSize, options.CanaryEveryBatches, options.ExitWhenIdle) = (1, 0, false));
        await WorkerHost.UntilSucceededAsync(database, 1);
        Assert.Empty(await ListAsync(database));

        Assert.Equal(1, await database.Workers.OrderCanariesAsync(null, CancellationToken.None));
        await UntilCanariesAsync(database, 1);
        await database.SubmitAsync("", "", "");
        await WorkerHost.UntilAsync(
            "one job and one canary are rendered and the next job waits for its turn",
            () => step.CurrentCount == 0 && renderer.CountCalls("render 1") == 3);
        await database.Workers.OrderCanariesAsync(null, CancellationToken.None);
        step.Release(3);
        await WorkerHost.UntilSucceededAsync(database, 4);
        await UntilCanariesAsync(database, 2);
        Assert.Equal(["first", "equal"], (await ListAsync(database)).Select(canary => canary.Verdict));
    }

    [Fact]
    public async Task A_canary_ordered_from_a_worker_without_a_model_is_rendered_before_its_first_batch()
    {
        await using var database = await DatabaseAsync(jobs: 0);
        await using var worker = await WorkerHost.StartAsync(
            database, new FakeRenderer(), options => (options.CanaryEveryBatches, options.ExitWhenIdle) = (0, false));
        await WorkerHost.UntilAsync(
            "the worker has registered and gets the order",
            () => database.Workers.OrderCanariesAsync(null, CancellationToken.None),
            ordered => ordered == 1);
        await WorkerHost.UntilAsync(
            "the worker has taken the order", async () => !await database.SqlAsync<bool>("select canary_ordered from workers"));
        await database.SubmitAsync("");
        await UntilCanariesAsync(database, 1);
        await WorkerHost.UntilSucceededAsync(database, 1);
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

    private static Task<RecordedCanary[]> UntilCanariesAsync(TestDatabase database, int count) =>
        WorkerHost.UntilAsync($"{count} canaries are recorded", () => ListAsync(database), canaries => canaries.Length == count);

    // Whatever goes wrong, the wait ends, and the assertions after it say what happened.
    private static Task UntilSucceededOrPausedAsync(TestDatabase database, int count) => WorkerHost.UntilAsync(
        $"{count} jobs have succeeded or the worker is paused",
        async () =>
            (await WorkerHost.InStateAsync(database, JobState.Succeeded)).Length == count || await WorkerHost.IsPausedAsync(database));
}
