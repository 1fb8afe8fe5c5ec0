using BatchGen.Core.Failures;
using BatchGen.Core.Jobs;
using BatchGen.Queue;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Worker;

/// <summary>The loop of a worker with a fake renderer: order of its steps, failures, stops, lost leases.</summary>
public sealed class WorkerServiceTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Jobs_are_rendered_signature_by_signature_and_their_images_verified()
    {
        await using var database = await DatabaseAsync("ink", "wash");
        await database.SubmitAsync("ink", "wash", "", "ink", "wash", "");
        var renderer = new FakeRenderer();
        var outcome = await WorkerHost.RunAsync(database, renderer);
        Assert.Null(outcome.Failure);
        Assert.Equal(
            ["load demo", "render 2", "prefetch demo|ink@1", "unload", "verify", "fuse demo|ink@1", "render 2", "prefetch demo|wash@1",
                "unload", "verify", "fuse demo|wash@1", "render 2", "unload", "verify", "dispose"],
            WithoutRace(renderer.Calls));
        var counts = await database.Catalog.CountAsync(null, CancellationToken.None);
        Assert.Equal((6, 6), (counts.Succeeded, counts.Verified));
        // The adapter cache's use travels with the heartbeats to the list of workers.
        Assert.Equal(renderer.AdapterCache, Assert.Single(await database.Workers.ListAsync(CancellationToken.None)).AdapterCache);
    }

    [Fact]
    public async Task Adapters_stay_fused_over_batches_of_one_signature_and_each_batch_is_verified()
    {
        await using var database = await DatabaseAsync("ink");
        await database.SubmitAsync(Enumerable.Repeat("ink", 10));
        var renderer = new FakeRenderer();
        await WorkerHost.RunAsync(database, renderer, options => options.BatchSize = 4);
        Assert.Single(renderer.Calls, call => call.StartsWith("fuse", StringComparison.Ordinal));
        Assert.Equal(3, renderer.Calls.Count(call => call == "verify"));
        Assert.Equal(10, (await database.Catalog.CountAsync(null, CancellationToken.None)).Verified);
    }

    [Fact]
    public async Task A_tensor_batch_that_runs_out_of_memory_is_halved_and_no_job_fails()
    {
        await using var database = await DatabaseAsync();
        await database.SubmitAsync(Enumerable.Repeat("", 8));
        var renderer = new FakeRenderer
        {
            OnRender = (jobs, _) =>
            {
                if (jobs.Count > 2) throw new GenerationException("no room", outOfMemory: true);
            },
        };
        await WorkerHost.RunAsync(database, renderer, options => options.TensorBatchSize = 8);
        Assert.Equal(["render 8", "render 4", "render 2", "render 2", "render 4", "render 2", "render 2"],
            renderer.Calls.Where(call => call.StartsWith("render", StringComparison.Ordinal)));
        Assert.Equal(8, (await WorkerHost.InStateAsync(database, JobState.Succeeded)).Length);
    }

    [Fact]
    public async Task A_job_that_always_fails_is_found_by_halving_and_fails_alone()
    {
        await using var database = await DatabaseAsync();
        var ids = await database.SubmitAsync(Enumerable.Repeat("", 5));
        var poison = ids[2];
        var renderer = new FakeRenderer
        {
            OnRender = (jobs, _) =>
            {
                if (jobs.Any(job => job.JobId == poison)) throw new GenerationException("not a number");
            },
        };
        database.Queue.Options.RetryDelay = TimeSpan.Zero;
        await WorkerHost.RunAsync(database, renderer);
        Assert.Equal([poison], await WorkerHost.InStateAsync(database, JobState.Failed));
        var failed = await database.Catalog.FindAsync(poison, CancellationToken.None);
        Assert.Equal(("generation", "not a number", 3), (failed!.FailureCode, failed.FailureMessage, failed.Attempts));
    }

    [Fact]
    public async Task An_adapter_that_cannot_be_applied_fails_its_jobs_at_once_and_the_others_go_on()
    {
        await using var database = await DatabaseAsync("bad", "good");
        await database.SubmitAsync("bad", "good", "bad", "good");
        var renderer = new FakeRenderer
        {
            OnFuse = signature =>
            {
                if (signature.ToString().Contains("bad", StringComparison.Ordinal))
                    throw new AdapterException("'/srv/adapters/bad.safetensors': truncated");
            },
        };
        await WorkerHost.RunAsync(database, renderer);
        var failed = await database.Catalog.ListAsync(new JobFilter(JobState.Failed), CancellationToken.None);
        // Submitters read it, so it must not name folders of the server.
        Assert.Equal(["'bad.safetensors': truncated", "'bad.safetensors': truncated"], failed.Select(job => job.FailureMessage));
        Assert.Equal(2, (await WorkerHost.InStateAsync(database, JobState.Succeeded)).Length);
    }

    [Fact]
    public async Task Jobs_of_a_model_that_changed_on_disk_fail_and_the_worker_goes_on()
    {
        await using var database = await DatabaseAsync();
        await database.SubmitAsync("", "");
        var renderer = new FakeRenderer { OnLoad = _ => throw new ModelException("changed on disk") };
        var outcome = await WorkerHost.RunAsync(database, renderer);
        Assert.Null(outcome.Failure);
        var failed = await database.Catalog.ListAsync(new JobFilter(JobState.Failed), CancellationToken.None);
        Assert.All(failed, job => Assert.Equal("model", job.FailureCode));
        Assert.Equal(2, failed.Count);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(50)]
    public async Task Jobs_are_requeued_uncounted_while_the_device_cannot_take_their_model(int canaryEveryBatches)
    {
        await using var database = await DatabaseAsync();
        await database.SubmitAsync("", "", "");
        // More often than a job has attempts.
        var failures = 5;
        var renderer = new FakeRenderer
        {
            OnLoad = _ =>
            {
                if (failures-- > 0) throw new DeviceException("CUDA out of memory");
            },
        };
        var outcome = await WorkerHost.RunAsync(
            database, renderer, options => (options.BatchSize, options.CanaryEveryBatches) = (2, canaryEveryBatches));
        Assert.Null(outcome.Failure);
        var jobs = await database.Catalog.ListAsync(new JobFilter(JobState.Succeeded), CancellationToken.None);
        Assert.Equal([1, 1, 1], jobs.Select(job => job.Attempts));
        Assert.Equal(6, renderer.Calls.Count(call => call == "load demo"));
    }

    [Fact]
    public async Task An_adapter_replaced_between_two_batches_of_one_signature_is_fused_anew()
    {
        await using var database = await DatabaseAsync("ink");
        await database.SubmitAsync("ink", "ink", "ink");
        var renderer = new FakeRenderer { OnRender = Once(database, "update adapters set sha256 = repeat('b', 64)") };
        await WorkerHost.RunAsync(database, renderer, options => options.BatchSize = 1);
        Assert.Equal(2, renderer.Calls.Count(call => call == "fuse demo|ink@1"));
        Assert.Single(renderer.Calls, call => call == "load demo");
        Assert.Equal(3, renderer.Calls.Count(call => call == "render 1"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("ink")]
    public async Task A_model_replaced_between_two_batches_of_one_signature_is_loaded_anew(string adapters)
    {
        await using var database = await DatabaseAsync("ink");
        await database.SubmitAsync(adapters, adapters, adapters);
        var renderer = new FakeRenderer { OnRender = Once(database, "update models set sha256 = repeat('b', 64)") };
        await WorkerHost.RunAsync(database, renderer, options => options.BatchSize = 1);
        Assert.Equal(2, renderer.Calls.Count(call => call == "load demo"));
        Assert.Equal(adapters.Length > 0 ? 2 : 0, renderer.Calls.Count(call => call == "fuse demo|ink@1"));
        Assert.Equal(3, (await WorkerHost.InStateAsync(database, JobState.Succeeded)).Length);
    }

    [Fact]
    public async Task Drifted_weights_are_recorded_and_reloaded_and_their_images_rendered_again()
    {
        await using var database = await DatabaseAsync();
        await database.SubmitAsync("", "");
        var renderer = new FakeRenderer();
        var damages = 1;
        renderer.OnRender = (_, _) =>
        {
            if (damages-- > 0) renderer.Damaged.Add("unet/conv_in.weight");
        };
        var outcome = await WorkerHost.RunAsync(database, renderer);
        Assert.Null(outcome.Failure);
        Assert.Equal([
            "load demo", "render 2", "unload", "verify", "reload unet/conv_in.weight", "verify", "render 2", "unload", "verify", "dispose",
        ], renderer.Calls);
        var checkpoints = await database.Checkpoints.ListAsync(10, CancellationToken.None);
        Assert.Equal(["passed", "restored", "drifted"], checkpoints.Select(checkpoint => checkpoint.Verdict));
        Assert.Equal(["unet/conv_in.weight"], checkpoints[^1].DriftedTensors);
        var jobs = await database.Catalog.ListAsync(new JobFilter(JobState.Succeeded), CancellationToken.None);
        Assert.All(jobs, job => Assert.Equal((1, true), (job.Attempts, job.Image!.VerifiedAt is not null)));
    }

    [Fact]
    public async Task Weights_that_still_differ_after_a_reload_stop_the_worker_and_leave_its_jobs_queued()
    {
        await using var database = await DatabaseAsync();
        var ids = await database.SubmitAsync("", "");
        var renderer = new FakeRenderer { ReloadFails = true };
        renderer.OnRender = (_, _) => renderer.Damaged.Add("unet/conv_in.weight");
        var outcome = await WorkerHost.RunAsync(database, renderer);
        Assert.Contains("unet/conv_in.weight", outcome.Failure, StringComparison.Ordinal);
        Assert.Equal(ids, await WorkerHost.InStateAsync(database, JobState.Queued));
        Assert.Equal("unrecoverable", (await database.Checkpoints.ListAsync(1, CancellationToken.None))[0].Verdict);
        Assert.All(await database.Catalog.ListAsync(new JobFilter(), CancellationToken.None), job => Assert.Equal(0, job.Attempts));
    }

    [Fact]
    public async Task A_stop_saves_the_images_rendered_so_far_and_requeues_the_other_jobs_uncounted()
    {
        await using var database = await DatabaseAsync();
        await database.SubmitAsync(Enumerable.Repeat("", 4));
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var drawn = 0;
        var renderer = new FakeRenderer
        {
            OnRender = (_, cancellationToken) =>
            {
                if (++drawn < 2) return;
                reached.TrySetResult();
                cancellationToken.WaitHandle.WaitOne(Limit);
            },
        };
        await using var worker = await WorkerHost.StartAsync(database, renderer, options => options.TensorBatchSize = 2);
        await Wait.ForAsync("the last group is being rendered", reached.Task, cancellationToken: TestContext.Current.CancellationToken);
        await worker.StopAsync();
        Assert.Equal(["load demo", "render 2", "render 2", "unload", "verify", "dispose"], renderer.Calls);
        var waiting = await database.Catalog.ListAsync(new JobFilter(JobState.Queued), CancellationToken.None);
        Assert.Equal([0, 0], waiting.Select(job => job.Attempts));
        var counts = await database.Catalog.CountAsync(null, CancellationToken.None);
        Assert.Equal((2, 2, 0), (counts.Succeeded, counts.Verified, counts.Running));
        Assert.NotNull(Assert.Single(await database.Workers.ListAsync(CancellationToken.None)).StoppedAt);
    }

    [Fact]
    public async Task Jobs_cancelled_while_they_are_rendered_are_dropped_between_two_steps()
    {
        await using var database = await DatabaseAsync();
        var ids = await database.SubmitAsync(Enumerable.Repeat("", 2));
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var renderer = new FakeRenderer
        {
            OnRender = (_, cancellationToken) =>
            {
                reached.TrySetResult();
                cancellationToken.WaitHandle.WaitOne(Limit);
            },
        };
        await using var worker = await WorkerHost.StartAsync(database, renderer);
        await Wait.ForAsync("the last group is being rendered", reached.Task, cancellationToken: TestContext.Current.CancellationToken);
        await database.Actions.CancelAsync(ids, CancellationToken.None);
        await worker.WaitForEndAsync();
        Assert.Equal(ids, await WorkerHost.InStateAsync(database, JobState.Cancelled));
    }

    [Fact]
    public async Task Images_of_a_batch_whose_lease_was_lost_are_dropped_and_the_worker_goes_on()
    {
        await using var database = await DatabaseAsync();
        await database.SubmitAsync("");
        var taken = false;
        var renderer = new FakeRenderer();
        renderer.OnRender = (_, cancellationToken) =>
        {
            if (taken) return;
            taken = true;
            // A rescue by another worker, as after a lost connection; in one transaction, because a heartbeat in
            // between would extend the lease.
            WorkerHost.Sql(database, "update batches set lease_expires_at = now() - interval '1 second'; select rescue_expired()");
            cancellationToken.WaitHandle.WaitOne(Limit);
        };
        var outcome = await WorkerHost.RunAsync(database, renderer);
        Assert.Null(outcome.Failure);
        var job = Assert.Single(await database.Catalog.ListAsync(new JobFilter(JobState.Succeeded), CancellationToken.None));
        Assert.Equal(1, job.Attempts);
        Assert.Equal(2, renderer.Calls.Count(call => call == "render 1"));
    }

    [Fact]
    public async Task Nothing_is_claimed_while_images_cannot_be_written()
    {
        await using var database = await DatabaseAsync();
        await database.SubmitAsync("", "");
        // A file where the folder should be: no user, not even root, can write below it.
        var blocked = Path.Combine(Path.GetTempPath(), "batchgen-blocked-" + Guid.NewGuid().ToString("N"));
        await File.WriteAllTextAsync(blocked, "", TestContext.Current.CancellationToken);
        try
        {
            await using var worker = await WorkerHost.StartAsync(
                database, new FakeRenderer(), options => options.ExitWhenIdle = false, Path.Combine(blocked, "images"));
            await WorkerHost.UntilAsync(
                "the worker has registered", () => database.Workers.ListAsync(CancellationToken.None), workers => workers.Count == 1);
            Assert.Equal(2, (await WorkerHost.InStateAsync(database, JobState.Queued)).Length);
            File.Delete(blocked);
            await WorkerHost.UntilVerifiedAsync(database, 2);
        }
        finally
        {
            if (Directory.Exists(blocked)) Directory.Delete(blocked, recursive: true);
            else File.Delete(blocked);
        }
    }

    [Fact]
    public async Task A_draining_worker_finishes_its_batch_and_ends()
    {
        await using var database = await DatabaseAsync();
        await database.SubmitAsync(Enumerable.Repeat("", 6));
        var renderer = new FakeRenderer();
        renderer.OnRender = (_, _) =>
        {
            WorkerHost.Sql(database, "update workers set draining = true");
        };
        await using var worker = await WorkerHost.StartAsync(
            database, renderer, options => (options.BatchSize, options.TensorBatchSize, options.ExitWhenIdle) = (2, 1, false));
        await worker.WaitForEndAsync();
        Assert.Equal(2, (await WorkerHost.InStateAsync(database, JobState.Succeeded)).Length);
        Assert.Equal(4, (await WorkerHost.InStateAsync(database, JobState.Queued)).Length);
    }

    private static async Task<TestDatabase> DatabaseAsync(params string[] adapters)
    {
        var database = await TestDatabase.CreateAsync(new QueueOptions { PollInterval = TimeSpan.FromMilliseconds(50) });
        await database.AddModelAsync(native: 64);
        await database.AddAdaptersAsync(adapters);
        return database;
    }

    // Runs while the first image is rendered, so that the batch after it finds the change.
    private static Action<IReadOnlyList<ClaimedJob>, CancellationToken> Once(TestDatabase database, string sql)
    {
        var done = false;
        return (_, _) =>
        {
            if (done) return;
            done = true;
            WorkerHost.Sql(database, sql);
        };
    }

    // Reading ahead runs beside rendering, so either may come first in the list of calls.
    private static string[] WithoutRace(List<string> calls)
    {
        var list = calls.ToArray();
        for (var i = 0; i + 1 < list.Length; i++)
            if (list[i].StartsWith("prefetch", StringComparison.Ordinal) && list[i + 1].StartsWith("render", StringComparison.Ordinal))
                (list[i], list[i + 1]) = (list[i + 1], list[i]);
        return list;
    }
}
