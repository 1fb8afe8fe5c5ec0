using BatchGen.Core.Jobs;
using BatchGen.Core.Rendering;
using BatchGen.Diffusion.Adapters;
using BatchGen.Diffusion.Models;
using BatchGen.Diffusion.Rendering;
using BatchGen.Queue;
using BatchGen.Testing;
using BatchGen.Worker.Devices;
using BatchGen.Worker.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Xunit;

namespace BatchGen.EndToEndTests.Rendering;

/// <summary>The whole chain in this process: a database, the demo model and adapters, real workers, an image folder.</summary>
internal sealed class DemoNight : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    private DemoNight(TestDatabase database, string folder)
    {
        Database = database;
        ImageFolder = folder;
    }

    public TestDatabase Database { get; }

    public string ImageFolder { get; }

    /// <summary>Registers model and adapters on a database of its own.</summary>
    /// <param name="model">Model folder; null takes the project's own.</param>
    /// <param name="adapters">Adapter files; null takes the project's own.</param>
    public static async Task<DemoNight> CreateAsync(string? model = null, IEnumerable<string>? adapters = null)
    {
        var night = new DemoNight(
            await TestDatabase.CreateAsync(new QueueOptions { PollInterval = TimeSpan.FromMilliseconds(50) }),
            Directory.CreateTempSubdirectory("batchgen-night-").FullName);
        await night.AddModelAsync(model ?? Path.Combine(RepositoryPaths.Models, "demo"), "demo");
        foreach (var file in adapters ?? Directory.EnumerateFiles(Path.Combine(RepositoryPaths.Models, "demo-adapters"), "*.safetensors"))
            await night.Database.Adapters.AddAsync(AdapterInspector.Inspect(file).ToRecord(Path.GetFileNameWithoutExtension(file)),
                replace: false, TestContext.Current.CancellationToken);
        return night;
    }

    public Task AddModelAsync(string folder, string name) =>
        Database.Models.AddAsync(ModelInspector.Inspect(folder, name), replace: false, TestContext.Current.CancellationToken);

    /// <summary>Submits small, quick jobs.</summary>
    public Task<IReadOnlyList<long>> SubmitAsync(params IEnumerable<(string Prompt, string Adapter, long Seed)> jobs) =>
        Database.Submitter.SubmitAsync(
            [.. jobs.Select(job => Request(job.Prompt, job.Adapter, job.Seed))], TestContext.Current.CancellationToken);

    public static JobRequest Request(string prompt, string adapter, long seed) => new()
    {
        Prompt = prompt,
        Model = "demo",
        Adapters = adapter.Length == 0 ? null : [new JobRequestAdapter(adapter)],
        Width = 64,
        Height = 64,
        Steps = 4,
        GuidanceScale = 4.5,
        Seed = seed,
    };

    /// <summary>Runs one worker until nothing is left to do.</summary>
    /// <param name="wrap">Puts something around the renderer, for faults.</param>
    /// <param name="configure">Changes the worker's options.</param>
    public async Task<WorkerOutcome> WorkAsync(
        Func<DiffusionRenderer, IBatchRenderer>? wrap = null, Action<WorkerOptions>? configure = null)
    {
        var options = new WorkerOptions
        {
            ExitWhenIdle = true, HeartbeatInterval = TimeSpan.FromMilliseconds(200), FileRetryInterval = TimeSpan.FromMilliseconds(20),
        };
        configure?.Invoke(options);
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Logging.SetMinimumLevel(LogLevel.None);
        builder.Services.AddQueue(Database.ConnectionString, Database.Queue.Options);
        builder.Services.AddSingleton<RendererFactory>(() =>
        {
            var renderer = new DiffusionRenderer(new DiffusionOptions { Device = "cpu" });
            return wrap?.Invoke(renderer) ?? renderer;
        });
        builder.Services.AddWorker(options, ImageFolder, Path.Combine(ImageFolder, "start-images"));
        using var host = builder.Build();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Limit);
        await host.StartAsync(limit.Token);
        await host.WaitForShutdownAsync(limit.Token);
        return host.Services.GetRequiredService<WorkerOutcome>();
    }

    public async Task<JobDetails> JobAsync(long id) => (await Database.Catalog.FindAsync(id, TestContext.Current.CancellationToken))!;

    public async Task<string> PathOfAsync(long id) => Path.Combine(ImageFolder, (await JobAsync(id)).Image!.RelativePath);

    public async ValueTask DisposeAsync()
    {
        await Database.DisposeAsync();
        Directory.Delete(ImageFolder, recursive: true);
    }
}
