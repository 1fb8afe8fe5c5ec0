using BatchGen.Core.Jobs;
using BatchGen.Queue;
using BatchGen.Testing;
using BatchGen.Worker.Devices;
using BatchGen.Worker.Hosting;
using BatchGen.Worker.Monitoring;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Xunit;

namespace BatchGen.DatabaseTests.Worker;

/// <summary>A real worker on a test's database, with a fake renderer; images go to a folder of its own.</summary>
internal sealed class WorkerHost : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private readonly IHost _host;
    private readonly string _folder;

    private WorkerHost(IHost host, string folder)
    {
        _host = host;
        _folder = folder;
    }

    public WorkerHealth Health => _host.Services.GetRequiredService<WorkerHealth>();

    public WorkerOutcome Outcome => _host.Services.GetRequiredService<WorkerOutcome>();

    /// <summary>Starts a worker; by default it ends when nothing is left to do.</summary>
    public static async Task<WorkerHost> StartAsync(
        TestDatabase database,
        FakeRenderer renderer,
        Action<WorkerOptions>? configure = null,
        string? imageFolder = null,
        string? startImageFolder = null,
        TimeProvider? clock = null,
        string? connectionString = null,
        ILoggerProvider? log = null)
    {
        var folder = Directory.CreateTempSubdirectory("batchgen-worker-").FullName;
        var options = new WorkerOptions
        {
            HeartbeatInterval = TimeSpan.FromMilliseconds(100),
            OutputRetryInterval = TimeSpan.FromMilliseconds(50),
            DeviceRetryInterval = TimeSpan.FromMilliseconds(50),
            FileRetryInterval = TimeSpan.FromMilliseconds(20),
            MaxFileRetryInterval = TimeSpan.FromMilliseconds(200),
            ExitWhenIdle = true,
            CanaryEveryBatches = 0,
        };
        configure?.Invoke(options);
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Logging.SetMinimumLevel(log is null ? LogLevel.None : log is RecordedLog ? LogLevel.Information : LogLevel.Debug);
        if (log is not null) builder.Logging.AddProvider(log);
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = Limit);
        builder.Services.AddSingleton(clock ?? TimeProvider.System);
        builder.Services.AddQueue(connectionString ?? database.ConnectionString, database.Queue.Options);
        builder.Services.AddSingleton<RendererFactory>(() => renderer);
        builder.Services.AddWorker(options, imageFolder ?? folder, startImageFolder ?? Path.Combine(folder, "start-images"));
        var host = builder.Build();
        await host.StartAsync();
        return new WorkerHost(host, folder);
    }

    /// <summary>Runs a worker until nothing is left to do.</summary>
    public static async Task<WorkerOutcome> RunAsync(TestDatabase database, FakeRenderer renderer, Action<WorkerOptions>? configure = null)
    {
        await using var worker = await StartAsync(database, renderer, configure);
        await worker.WaitForEndAsync();
        return worker.Outcome;
    }

    /// <summary>Runs a worker until nothing is left to do, and keeps all that it logs.</summary>
    public static async Task RunAsync(TestDatabase database, FakeRenderer renderer, ILoggerProvider log)
    {
        await using var worker = await StartAsync(database, renderer, log: log);
        await worker.WaitForEndAsync();
    }

    /// <summary>Asks the worker to stop, as Ctrl-C does, and waits until it has.</summary>
    public Task StopAsync() => _host.StopAsync();

    /// <summary>Waits until the worker ends by itself.</summary>
    public Task WaitForEndAsync() => Wait.ForAsync(
        "the worker ended by itself", _host.WaitForShutdownAsync(TestContext.Current.CancellationToken), Limit,
        TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>Ids of the jobs in a state.</summary>
    public static async Task<long[]> InStateAsync(TestDatabase database, JobState state) =>
        [.. (await database.Catalog.ListAsync(new JobFilter(state, Limit: 1000), CancellationToken.None)).Select(job => job.JobId).Order()];

    /// <summary>Waits until a condition holds, or the test run is stopped.</summary>
    public static Task UntilAsync(string what, Func<bool> condition) =>
        Wait.UntilAsync(what, condition, cancellationToken: TestContext.Current.CancellationToken);

    /// <summary>Waits until a condition holds that is looked up, or the test run is stopped.</summary>
    public static Task UntilAsync(string what, Func<Task<bool>> condition) =>
        Wait.UntilAsync(what, condition, cancellationToken: TestContext.Current.CancellationToken);

    /// <summary>Waits until a value is as wanted, or the test run is stopped.</summary>
    public static Task<T> UntilAsync<T>(string what, Func<Task<T>> look, Func<T, bool> holds) =>
        Wait.UntilAsync(what, look, holds, cancellationToken: TestContext.Current.CancellationToken);

    /// <summary>Waits until so many jobs have succeeded.</summary>
    public static Task<long[]> UntilSucceededAsync(TestDatabase database, int count) => Wait.UntilAsync(
        $"{count} jobs have succeeded",
        () => InStateAsync(database, JobState.Succeeded),
        jobs => jobs.Length == count,
        cancellationToken: TestContext.Current.CancellationToken);

    /// <summary>Waits until so many images are verified.</summary>
    public static Task<JobCounts> UntilVerifiedAsync(TestDatabase database, int count) => Wait.UntilAsync(
        $"{count} images are verified",
        () => database.Catalog.CountAsync(null, TestContext.Current.CancellationToken),
        counts => counts.Verified == count,
        cancellationToken: TestContext.Current.CancellationToken);

    /// <summary>Waits until the one worker has written so many heartbeats from now on.</summary>
    public static async Task UntilHeartbeatsAsync(TestDatabase database, int count)
    {
        for (var beat = 1; beat <= count; beat++)
        {
            var last = await database.SqlAsync<DateTime>("select heartbeat_at from workers");
            await Wait.UntilAsync(
                $"the worker wrote heartbeat {beat} of {count}",
                () => database.SqlAsync<DateTime>("select heartbeat_at from workers"),
                heartbeat => heartbeat > last,
                cancellationToken: TestContext.Current.CancellationToken);
        }
    }

    /// <summary>True when a worker that runs is paused.</summary>
    public static Task<bool> IsPausedAsync(TestDatabase database) =>
        database.SqlAsync<bool>("select coalesce(bool_or(paused), false) from workers where stopped_at is null");

    /// <summary>Runs a statement from a renderer, which is called on the device thread and cannot await.</summary>
    public static void Sql(TestDatabase database, string statement)
    {
#pragma warning disable VSTHRD002, xUnit1031 // The device thread is synchronous.
        database.SqlAsync(statement).GetAwaiter().GetResult();
#pragma warning restore VSTHRD002, xUnit1031
    }
}
