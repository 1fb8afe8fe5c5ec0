using BatchGen.Core.Adapters;
using BatchGen.Core.Failures;
using BatchGen.Core.Jobs;
using BatchGen.Core.Monitoring;
using BatchGen.Core.Registry;
using BatchGen.Core.Rendering;
using BatchGen.Queue;
using BatchGen.Queue.Registry;
using BatchGen.Worker.Leases;
using BatchGen.Worker.Monitoring;
using Microsoft.Extensions.Logging;

namespace BatchGen.Worker.Devices;

/// <summary>Knows which model is on the device and which adapters are fused, and moves every call onto the device thread.</summary>
internal sealed class DeviceSession : IAsyncDisposable
{
    private readonly DeviceThread _thread;
    private readonly IBatchRenderer _renderer;
    private readonly ModelRegistry _models;
    private readonly AdapterRegistry _adapters;
    private readonly WorkerHealth _health;
    private readonly ILogger _log;

    private DeviceSession(
        DeviceThread thread, IBatchRenderer renderer, ModelRegistry models, AdapterRegistry adapters, WorkerHealth health, ILogger log)
    {
        _health = health;
        _thread = thread;
        _renderer = renderer;
        _models = models;
        _adapters = adapters;
        _log = log;
        Device = renderer.Device;
    }

    /// <summary>Name, description and compute type of the device.</summary>
    public DeviceInfo Device { get; }

    /// <summary>The model on the device, as registered; null before the first.</summary>
    public ModelRecord? Model { get; private set; }

    /// <summary>The adapters fused now, as registered.</summary>
    public IReadOnlyList<AdapterRecord> Adapters { get; private set; } = [];

    /// <summary>The signature the device is ready for; null after an unload.</summary>
    public AdapterSignature? Fused { get; private set; }

    /// <summary>Hits, misses and size of the host cache of adapters.</summary>
    public AdapterCacheUse AdapterCache => _renderer.AdapterCache;

    /// <summary>True when the base can be checksummed only after an unload.</summary>
    public bool WritesBaseWhileFused { get; private set; }

    /// <summary>Starts the thread and makes the renderer on it.</summary>
    public static async Task<DeviceSession> StartAsync(
        RendererFactory create, ModelRegistry models, AdapterRegistry adapters, WorkerHealth health, ILogger log)
    {
        var thread = new DeviceThread("device");
        try
        {
            return new DeviceSession(thread, await thread.RunAsync(() => create()), models, adapters, health, log);
        }
        catch
        {
            thread.Dispose();
            throw;
        }
    }

    /// <summary>Puts the signature's model on the device and fuses its adapters, unless they are there already.</summary>
    /// <exception cref="ModelException">The model is not registered, or its files cannot be trusted.</exception>
    /// <exception cref="DeviceException">The device cannot take the model now; none is on it then.</exception>
    /// <exception cref="AdapterException">An adapter cannot be applied; nothing is fused then.</exception>
    public async Task PrepareAsync(AdapterSignature signature, CancellationToken cancellationToken)
    {
        // Read for every batch, because a name may stand for other content than it did for the last one.
        var model = await FindModelAsync(signature.Model, cancellationToken);
        var records = await DatabaseRetry.RunAsync(_log, _health, token => FindAdaptersAsync(signature, token), cancellationToken);
        if (signature.Equals(Fused) && IsLoaded(model) && IsFused(records)) return;
        await LoadModelAsync(model, cancellationToken);
        if (signature.Adapters.Count == 0)
        {
            Fused = signature;
            return;
        }

        WritesBaseWhileFused = await _thread.RunAsync(() =>
        {
            var report = Span.Run(SpanNames.Fuse, () => _renderer.Fuse(signature, records, cancellationToken));
            WorkerMetrics.Fused(report.ElapsedMs);
            return _renderer.WritesBaseWhileFused;
        });
        Adapters = records;
        Fused = signature;
    }

    /// <summary>Puts a model on the device with nothing fused, unless it is there already.</summary>
    /// <exception cref="ModelException">The model is not registered, or its files cannot be trusted.</exception>
    /// <exception cref="DeviceException">The device cannot take the model now; none is on it then.</exception>
    public async Task LoadModelAsync(string name, CancellationToken cancellationToken)
    {
        var model = await FindModelAsync(name, cancellationToken);
        await LoadModelAsync(model, cancellationToken);
    }

    /// <summary>Reads the adapter files of a coming signature while the device renders.</summary>
    public async Task PrefetchAsync(AdapterSignature signature, CancellationToken cancellationToken)
    {
        if (signature.Adapters.Count == 0 || signature.Equals(Fused)) return;
        try
        {
            var records = await FindAdaptersAsync(signature, cancellationToken);
            await Task.Run(() => _renderer.Prefetch(signature, records, cancellationToken), cancellationToken);
        }
        catch (Exception error) when (error is AdapterException or QueueException or OperationCanceledException
            || TransientRetry.KindOf(error) is not null)
        {
            // Reading ahead only saves time: an error comes up again, and is reported, when the batch is prepared.
            _log.PrefetchFailed(signature.ToString(), error.Message);
        }
    }

    /// <summary>Looks again for files that this machine lacked.</summary>
    /// <returns>What it still lacks and why; null when the files are as registered, or nothing of the name is registered any more: a
    /// batch says what is wrong then.</returns>
    public async Task<(MachineLack Lack, string Reason)?> FindLackAsync(MachineLack lack, CancellationToken cancellationToken)
    {
        try
        {
            if (lack.Kind == LackKind.Model)
            {
                var model = await DatabaseRetry.RunAsync(_log, _health, token => _models.FindAsync(lack.Name, token), cancellationToken);
                if (model is not null) await Task.Run(() => _renderer.CheckFiles(model, cancellationToken), cancellationToken);
            }
            else
            {
                var adapters = await DatabaseRetry.RunAsync(
                    _log, _health, token => _adapters.FindAsync([lack.Name], token), cancellationToken);
                foreach (var adapter in adapters) await Task.Run(() => _renderer.CheckFiles(adapter, cancellationToken), cancellationToken);
            }

            return null;
        }
        catch (BatchGenException error)
        {
            return error.Lack is { } still ? (still, error.Message) : null;
        }
    }

    /// <summary>Renders jobs of equal shape.</summary>
    public Task<IReadOnlyList<RenderedImage>> RenderAsync(
        IReadOnlyList<ClaimedJob> jobs, IProgress<StepProgress> progress, CancellationToken cancellationToken) =>
        _thread.RunAsync(() => _renderer.Render(jobs, progress, cancellationToken));

    /// <summary>Takes the fused adapters off: the overlay is dropped, or the saved bytes of the base are put back.</summary>
    public async Task UnloadAsync()
    {
        if (Fused is null) return;
        await Span.RunAsync(SpanNames.Unload, () => _thread.RunAsync(_renderer.Unload));
        Fused = null;
        WritesBaseWhileFused = false;
        Adapters = [];
    }

    /// <summary>Checksums the base weights.</summary>
    public Task<WeightCheck> VerifyAsync(CancellationToken cancellationToken) =>
        Span.RunAsync(SpanNames.Verify, () => _thread.RunAsync(() => _renderer.VerifyWeights(cancellationToken)));

    /// <summary>Reads damaged tensors from the master again.</summary>
    public Task<ReloadReport> ReloadAsync(IReadOnlyList<string> tensors, CancellationToken cancellationToken) =>
        _thread.RunAsync(() => _renderer.ReloadFromMaster(tensors, cancellationToken));

    public async ValueTask DisposeAsync()
    {
        await _thread.RunAsync(_renderer.Dispose);
        _thread.Dispose();
    }

    private async Task LoadModelAsync(ModelRecord model, CancellationToken cancellationToken)
    {
        await UnloadAsync();
        if (IsLoaded(model)) return;
        Model = null;
        var report = await Span.RunAsync(
            SpanNames.Load, () => _thread.RunAsync(() => _renderer.LoadModel(model, cancellationToken)));
        WorkerMetrics.Loaded(report.ElapsedMs);
        // Now, and not when the batch has ended: that may take long.
        _health.Report(WorkerTrouble.Device, isThere: false);
        Model = model;
    }

    private bool IsLoaded(ModelRecord model) => Model is { } loaded && loaded.Name == model.Name && loaded.Sha256 == model.Sha256;

    private bool IsFused(IReadOnlyList<AdapterRecord> adapters)
    {
        var fused = Adapters.Select(adapter => (adapter.Name, adapter.Sha256)).ToHashSet();
        return fused.SetEquals(adapters.Select(adapter => (adapter.Name, adapter.Sha256)));
    }

    private async Task<ModelRecord> FindModelAsync(string name, CancellationToken cancellationToken) =>
        await DatabaseRetry.RunAsync(_log, _health, token => _models.FindAsync(name, token), cancellationToken)
        ?? throw new ModelException($"Model '{name}' is not registered any more. Add it with 'batchgen models add'.");

    private async Task<IReadOnlyList<AdapterRecord>> FindAdaptersAsync(AdapterSignature signature, CancellationToken cancellationToken) =>
        signature.Adapters.Count == 0
            ? []
            : await _adapters.FindAsync([.. signature.Adapters.Select(adapter => adapter.Name)], cancellationToken);
}

/// <summary>Makes the renderer of a worker; called once, on the device thread.</summary>
public delegate IBatchRenderer RendererFactory();
