using BatchGen.Chaos.Network;
using BatchGen.Core.Failures;
using BatchGen.Core.Monitoring;
using BatchGen.DatabaseTests.Worker;
using BatchGen.Queue;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Monitoring;

/// <summary>A worker says whether it can do its work, and its state in a word or two.</summary>
public sealed class WorkerHealthTests
{
    [Fact]
    public async Task A_worker_is_idle_working_paused_and_idle_again()
    {
        await using var database = await CreateAsync();
        using var rendering = new ManualResetEventSlim();
        var renderer = new FakeRenderer { OnRender = (_, stop) => rendering.Wait(stop) };
        await using var worker = await StartAsync(database, renderer);
        await UntilAsync(worker, true, ProcessStates.Idle);
        await database.SubmitAsync("");
        await UntilAsync(worker, true, ProcessStates.Working);
        rendering.Set();
        await UntilAsync(worker, true, ProcessStates.Idle);
        await database.SqlAsync("update workers set paused = true");
        await UntilAsync(worker, false, ProcessStates.Paused);
        await database.SqlAsync("update workers set paused = false");
        await UntilAsync(worker, true, ProcessStates.Idle);
        await worker.StopAsync();
        Assert.Equal(new Readiness(false, ProcessStates.Stopping), await ReadAsync(worker));
    }

    [Fact]
    public async Task A_worker_that_may_claim_nothing_at_this_hour_is_ready_and_outside_of_the_window()
    {
        await using var database = await CreateAsync();
        await database.SqlAsync(
            "insert into dispatch_windows (name, time_zone, opens, closes, weekdays) select 'night', 'UTC', "
            + "(now() at time zone 'UTC' + interval '2 hours')::time, (now() at time zone 'UTC' + interval '3 hours')::time, "
            + "'{1,2,3,4,5,6,7}'");
        await using var worker = await StartAsync(database, new FakeRenderer());
        await UntilAsync(worker, true, ProcessStates.OutsideWindow);
        await database.SqlAsync("update dispatch_windows set opens = '00:00', closes = '00:00'");
        await UntilAsync(worker, true, ProcessStates.Idle);
    }

    [Fact]
    public async Task A_worker_that_cannot_write_images_is_degraded_until_it_can()
    {
        await using var database = await CreateAsync();
        var folder = Path.Combine(Directory.CreateTempSubdirectory("batchgen-health-").FullName, "images");
        // A file in the place of the folder: not even root writes into it.
        await File.WriteAllTextAsync(folder, "", TestContext.Current.CancellationToken);
        await using var worker = await StartAsync(database, new FakeRenderer(), folder);
        await UntilAsync(worker, false, ProcessStates.Degraded);
        File.Delete(folder);
        await UntilAsync(worker, true, ProcessStates.Idle);
        Directory.Delete(Path.GetDirectoryName(folder)!, recursive: true);
    }

    [Fact]
    public async Task A_worker_whose_device_takes_no_model_is_degraded_until_it_does()
    {
        await using var database = await CreateAsync();
        var full = true;
        var renderer = new FakeRenderer
        {
            OnLoad = _ =>
            {
                if (Volatile.Read(ref full)) throw new DeviceException("no memory");
            },
        };
        await using var worker = await StartAsync(database, renderer);
        await database.SubmitAsync("");
        await UntilAsync(worker, false, ProcessStates.Degraded);
        Volatile.Write(ref full, false);
        await UntilAsync(worker, true, ProcessStates.Idle);
    }

    [Fact]
    public async Task An_idle_worker_whose_jobs_others_took_is_degraded_until_its_device_takes_the_model_again()
    {
        await using var database = await CreateAsync();
        var full = true;
        var renderer = new FakeRenderer
        {
            OnLoad = _ =>
            {
                if (Volatile.Read(ref full)) throw new DeviceException("no memory");
            },
        };
        await using var worker = await StartAsync(database, renderer);
        var ids = await database.SubmitAsync("");
        await UntilAsync(worker, false, ProcessStates.Degraded);
        await database.Actions.CancelAsync(ids, CancellationToken.None);
        await WorkerHost.UntilHeartbeatsAsync(database, 3);
        Assert.Equal(new Readiness(false, ProcessStates.Degraded), await ReadAsync(worker));
        Volatile.Write(ref full, false);
        await UntilAsync(worker, true, ProcessStates.Idle);
    }

    [Fact]
    public async Task A_worker_that_set_itself_aside_is_not_ready_until_it_is_resumed()
    {
        await using var database = await CreateAsync();
        await database.AddAdaptersAsync("a", "b", "c");
        await database.SubmitAsync(new[] { "a", "b", "c" }.SelectMany(adapter => Enumerable.Repeat(adapter, 4)));
        var broken = true;
        var renderer = new FakeRenderer
        {
            OnRender = (_, _) =>
            {
                if (Volatile.Read(ref broken)) throw new GenerationException("not a number");
            },
        };
        await using var worker = await StartAsync(database, renderer);
        await UntilAsync(worker, false, ProcessStates.SetAside);
        Volatile.Write(ref broken, false);
        var id = Assert.Single(await database.Workers.ListAsync(CancellationToken.None)).WorkerId;
        await database.Workers.OrderAsync(id, paused: false, draining: null, CancellationToken.None);
        await WorkerHost.UntilAsync("the worker is ready", () => ReadAsync(worker), readiness => readiness.IsReady);
    }

    [Fact]
    public async Task A_worker_whose_weights_differ_is_drifted_until_they_are_restored()
    {
        await using var database = await CreateAsync();
        using var reloading = new ManualResetEventSlim();
        var renderer = new FakeRenderer { OnReload = () => reloading.Wait(TestContext.Current.CancellationToken) };
        renderer.OnRender = (_, _) =>
        {
            if (renderer.CountCalls("verify") == 0) renderer.Damaged.Add("unet/conv_in.weight");
        };
        await using var worker = await StartAsync(database, renderer);
        await database.SubmitAsync("");
        await UntilAsync(worker, false, ProcessStates.Drifted);
        reloading.Set();
        await UntilAsync(worker, true, ProcessStates.Idle);
    }

    [Fact]
    public async Task A_worker_is_degraded_while_the_database_does_not_answer()
    {
        await using var database = await CreateAsync();
        await using var proxy = TcpProxy.Start(database.ConnectionString);
        await using var worker = await WorkerHost.StartAsync(
            database, new FakeRenderer(),
            options => (options.ExitWhenIdle, options.StopTimeout) = (false, TimeSpan.FromSeconds(1)),
            connectionString: proxy.ConnectionString);
        await UntilAsync(worker, true, ProcessStates.Idle);
        proxy.Stall();
        await UntilAsync(worker, false, ProcessStates.Degraded);
    }

    [Fact]
    public async Task A_worker_is_degraded_while_the_database_denies_its_claims()
    {
        await using var database = await CreateAsync();
        await using var worker = await StartAsync(database, new FakeRenderer());
        await UntilAsync(worker, true, ProcessStates.Idle);
        const string Change = "do $$ begin execute format('{0} execute on function claim_batch {1} %I', current_user); end $$";
        await database.SqlAsync(Change.Replace("{0}", "revoke", StringComparison.Ordinal).Replace("{1}", "from", StringComparison.Ordinal));
        await UntilAsync(worker, false, ProcessStates.Degraded);
        await database.SqlAsync(Change.Replace("{0}", "grant", StringComparison.Ordinal).Replace("{1}", "to", StringComparison.Ordinal));
        await UntilAsync(worker, true, ProcessStates.Idle);
    }

    [Fact]
    public async Task A_worker_is_degraded_while_its_machine_lacks_every_model_that_it_may_serve()
    {
        await using var database = await CreateAsync();
        var missing = true;
        var renderer = new FakeRenderer
        {
            OnLoad = _ =>
            {
                if (!Volatile.Read(ref missing)) return;
                throw new ModelException("'/srv/models/demo' is missing") { Lack = new MachineLack(LackKind.Model, "demo", "aa") };
            },
        };
        await using var worker = await StartAsync(database, renderer);
        await database.SubmitAsync("");
        await UntilAsync(worker, false, ProcessStates.Degraded);
        Volatile.Write(ref missing, false);
        await WorkerHost.UntilAsync("the worker is ready", () => ReadAsync(worker), readiness => readiness.IsReady);
    }

    private static async Task<TestDatabase> CreateAsync()
    {
        var database = await TestDatabase.CreateAsync(new QueueOptions { PollInterval = TimeSpan.FromMilliseconds(50) });
        await database.AddModelAsync(native: 64);
        return database;
    }

    private static Task<WorkerHost> StartAsync(TestDatabase database, FakeRenderer renderer, string? imageFolder = null) =>
        WorkerHost.StartAsync(database, renderer, options => options.ExitWhenIdle = false, imageFolder);

    private static Task<Readiness> UntilAsync(WorkerHost worker, bool isReady, string state) => WorkerHost.UntilAsync(
        $"the worker is {state}", () => ReadAsync(worker), readiness => readiness == new Readiness(isReady, state));

    private static Task<Readiness> ReadAsync(WorkerHost worker) => worker.Health.ReadAsync(TestContext.Current.CancellationToken);
}
