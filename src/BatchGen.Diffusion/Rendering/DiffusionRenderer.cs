using System.Diagnostics;
using BatchGen.Core.Adapters;
using BatchGen.Core.Failures;
using BatchGen.Core.Jobs;
using BatchGen.Core.Monitoring;
using BatchGen.Core.Registry;
using BatchGen.Core.Rendering;
using BatchGen.Diffusion.Adapters;
using BatchGen.Diffusion.Models;
using BatchGen.Diffusion.Sampling;
using BatchGen.Diffusion.Text;
using BatchGen.Diffusion.Weights;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Rendering;

/// <summary>
/// Renders on one device: loads a model, fuses adapters, draws, unloads the adapters, and checks that the base weights are what was loaded.
/// </summary>
/// <remarks>
/// Everything but <see cref="Prefetch"/> is called from the one thread that owns the device. Noise comes from each job's own generator on
/// the CPU, and the network gives each image the same numbers whatever is beside it: an image does not depend on its batch.
/// </remarks>
public sealed class DiffusionRenderer : IBatchRenderer
{
    private const string FusedPrefix = "fused ";
    private readonly DiffusionOptions _options;
    private readonly ILogger _logger;
    private readonly ComputeDevice _compute;
    private readonly AdapterCache _adapters;
    private DiffusionModel? _model;
    private BaseChecksum? _checksum;
    private AdapterFuser? _fuser;
    private PromptEncoder? _prompts;
    private AdapterSignature? _fused;
    private IReadOnlyList<string> _damaged = [];
    private int _wrongShapes;

    /// <summary>Settles on a device; loads native torch.</summary>
    /// <param name="options">Device, compute type and memory bounds.</param>
    /// <param name="logger">Where to log; null logs nothing.</param>
    /// <exception cref="InvalidOperationException">Native torch or the device is not there, or the compute type is not for it.</exception>
    public DiffusionRenderer(DiffusionOptions options, ILogger<DiffusionRenderer>? logger = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _logger = logger ?? NullLogger<DiffusionRenderer>.Instance;
        _compute = ComputeDevice.Choose(options);
        _adapters = new AdapterCache(options.AdapterCacheBytes);
    }

    /// <summary>Checks that the device and compute type asked for are to be had, as making a renderer does.</summary>
    /// <returns>The device that a renderer would use.</returns>
    /// <exception cref="InvalidOperationException">They are not, or native torch is not there; the message says what to do.</exception>
    public static DeviceInfo CheckDevice(DiffusionOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return ComputeDevice.Choose(options).Info;
    }

    /// <inheritdoc/>
    public DeviceInfo Device => _compute.Info;

    /// <inheritdoc/>
    public string? LoadedModel => _model?.Record.Name;

    /// <inheritdoc/>
    public bool WritesBaseWhileFused => _fuser is { Mode: not FuseMode.Overlay, Fused.Count: > 0 };

    /// <inheritdoc/>
    public AdapterCacheUse AdapterCache => new(_adapters.Hits, _adapters.Misses, _adapters.SizeBytes);

    /// <summary>
    /// The weights on the device, for the drift laboratory, which draws with other numbers than the model's; null without a model.
    /// </summary>
    internal ModelWeights? Weights => _model?.Weights;

    /// <summary>
    /// The prompt encoder, whose results are out of date once text encoder weights were changed from outside; null without a model.
    /// </summary>
    internal PromptEncoder? Prompts => _prompts;

    /// <summary>Makes the digests of the weights as they are now the baseline of later checks.</summary>
    internal void TakeBaseline() => _checksum = BaseChecksum.Take(Loaded().Weights, _options.ChecksumThreads);

    /// <inheritdoc/>
    public ModelLoadReport LoadModel(ModelRecord model, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (_model is not null && _model.Record.Name == model.Name && _model.Record.Path == model.Path
            && _model.Record.Sha256 == model.Sha256)
            return new ModelLoadReport(_checksum!.Tensors, _checksum.SizeBytes, _checksum.Digest, 0);
        var started = Stopwatch.GetTimestamp();
        var files = MasterFiles.Check(model, cancellationToken);
        DropModel();
        try
        {
            _model = DiffusionModel.Load(model, _compute.Type, _compute.Device, cancellationToken);
            files.ThrowIfChanged(error: null);
            TakeBaseline();
            var mode = _options.FuseMode == FuseMode.Auto ? FuseMode.Overlay : _options.FuseMode;
            _fuser = new AdapterFuser(_model.Weights, _adapters, mode, _options.OverlayBufferBytes);
            _prompts = new PromptEncoder(_model, _options.PromptCacheBytes, _logger);
        }
        catch (Exception error)
        {
            DropModel();
            if (TorchErrors.IsDeviceError(error)) throw TorchErrors.TranslateLoad(error, $"Putting model '{model.Name}' on {Device.Name}");
            if (error is not (OperationCanceledException or ModelException { Lack: not null })) files.ThrowIfChanged(error);
            throw;
        }

        var elapsed = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        _logger.ModelLoaded(model.Name, _checksum!.Tensors, _checksum.SizeBytes, Device.ComputeType, Device.Name, elapsed);
        return new ModelLoadReport(_checksum.Tensors, _checksum.SizeBytes, _checksum.Digest, elapsed);
    }

    /// <inheritdoc/>
    public FuseReport Fuse(AdapterSignature signature, IReadOnlyList<AdapterRecord> adapters, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(signature);
        ArgumentNullException.ThrowIfNull(adapters);
        var model = Loaded();
        if (signature.Model != model.Record.Name)
            throw new InvalidOperationException(
                $"Signature '{signature}' is for another model than '{model.Record.Name}', which is loaded.");
        Unload();
        var report = FuseWhereThereIsRoom(signature, adapters, cancellationToken);
        try
        {
            _prompts!.Use(LearnedWords.For(model, _fuser!.Embeddings));
        }
        catch
        {
            // A set of adapters is applied whole or not at all.
            _fuser!.Unload();
            throw;
        }

        if (_options.ChecksumFused) _fuser.TakeDigests();
        if (ReadsText(_fuser.Fused)) _prompts.Forget();
        _fused = signature;
        _logger.AdaptersFused(report.Adapters, report.Tensors, report.ElapsedMs);
        if (report.UnmatchedKeys.Count > 0)
            _logger.KeysUnmatched(report.UnmatchedKeys.Count, signature.ToString(), report.UnmatchedKeys[0]);
        return report;
    }

    /// <inheritdoc/>
    public void Prefetch(AdapterSignature signature, IReadOnlyList<AdapterRecord> adapters, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(signature);
        ArgumentNullException.ThrowIfNull(adapters);
        foreach (var use in signature.Adapters)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (adapters.FirstOrDefault(candidate => candidate.Name == use.Name) is not { } record) continue;
            try
            {
                _adapters.Return(_adapters.Rent(record));
            }
            catch (AdapterException error)
            {
                _logger.PrefetchFailed(use.Name, error.Message);
            }
        }
    }

    /// <inheritdoc/>
    public void CheckFiles(ModelRecord model, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(model);
        _ = MasterFiles.Check(model, cancellationToken);
    }

    /// <inheritdoc/>
    public void CheckFiles(AdapterRecord adapter, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(adapter);
        _adapters.Return(_adapters.Rent(adapter));
    }

    /// <inheritdoc/>
    public IReadOnlyList<RenderedImage> Render(
        IReadOnlyList<ClaimedJob> jobs, IProgress<StepProgress> progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(jobs);
        ArgumentNullException.ThrowIfNull(progress);
        var model = Loaded();
        if (jobs.Count == 0) return [];
        TensorBatchCheck.Check(model, _fused, jobs);
        var started = Stopwatch.GetTimestamp();
        try
        {
            using var scope = NewDisposeScope();
            using var noGrad = no_grad();
            var images = DrawByLength(model, jobs, progress, cancellationToken);
            var first = jobs[0].Recipe;
            _logger.Rendered(
                jobs.Count, first.WidthPixels, first.HeightPixels, first.Steps, Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            SayThatKernelsAreWrong();
            return images;
        }
        catch (Exception error) when (TorchErrors.IsDeviceError(error))
        {
            throw TorchErrors.Translate(
                error, $"Rendering {jobs.Count} images of {jobs[0].Recipe.WidthPixels} x {jobs[0].Recipe.HeightPixels}");
        }
    }

    private void SayThatKernelsAreWrong()
    {
        if (TriedConvolution.WrongShapes is var wrong && wrong <= _wrongShapes) return;
        _wrongShapes = wrong;
        _logger.KernelsWrong(wrong, wrong - TriedConvolution.SlowShapes, TriedConvolution.SlowShapes);
    }

    /// <inheritdoc/>
    public void Unload()
    {
        if (_fuser is null) return;
        var readsText = ReadsText(_fuser.Fused);
        // What the layers computed with is looked at before it is gone; the next check reports it.
        if (_options.ChecksumFused) _damaged = [.. _damaged, .. FindDamaged()];
        _fuser.Unload();
        _fused = null;
        if (readsText) _prompts!.Forget();
        _prompts!.Use([]);
    }

    /// <inheritdoc/>
    public WeightCheck VerifyWeights(CancellationToken cancellationToken)
    {
        _ = Loaded();
        var check = _checksum!.Verify(cancellationToken);
        string[] damaged = _options.ChecksumFused ? [.. _damaged.Concat(FindDamaged()).Distinct().Select(name => FusedPrefix + name)] : [];
        _damaged = [];
        if (damaged.Length > 0) check = check with { Passed = false, DriftedTensors = [.. check.DriftedTensors, .. damaged] };
        if (!check.Passed) _logger.WeightsDiffer(check.DriftedTensors.Count, check.DriftedTensors[0]);
        return check;
    }

    /// <inheritdoc/>
    public ReloadReport ReloadFromMaster(IReadOnlyList<string> tensorNames, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(tensorNames);
        var model = Loaded();
        // What was fused was made from the damaged base, or is damaged itself.
        Unload();
        _damaged = [];
        string[] ofBase = [.. tensorNames.Where(name => !name.StartsWith(FusedPrefix, StringComparison.Ordinal))];
        if (ofBase.Length == 0 && tensorNames.Count > 0) return new ReloadReport(0, 0, 0);
        var report = ReloadBase(model, ofBase, cancellationToken);
        // All of it comes from files with the registered hashes now, while the old baseline may have been taken from what was damaged on
        // its way here.
        if (ofBase.Length == 0) TakeBaseline();
        // Prompts may have been encoded with the damaged weights.
        _prompts!.Forget();
        _logger.Reloaded(report.Tensors, model.Record.Name, report.ElapsedMs);
        return report;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        DropModel();
        _adapters.Dispose();
    }

    private IEnumerable<string> FindDamaged() =>
        _fuser!.FindDamaged().Concat(_prompts!.FindDamagedWords().Select(trigger => "word/" + trigger));

    private static ReloadReport ReloadBase(DiffusionModel model, IReadOnlyList<string> names, CancellationToken cancellationToken)
    {
        try
        {
            return WeightReloader.Reload(model.Weights, model.Record, names, cancellationToken);
        }
        catch (Exception error) when (TorchErrors.IsDeviceError(error))
        {
            throw TorchErrors.TranslateLoad(error, $"Reading the weights of model '{model.Record.Name}' again");
        }
    }

    private FuseReport FuseWhereThereIsRoom(
        AdapterSignature signature, IReadOnlyList<AdapterRecord> adapters, CancellationToken cancellationToken)
    {
        try
        {
            return _fuser!.Fuse(signature, adapters, cancellationToken);
        }
        catch (GenerationException error) when (error.OutOfMemory && _options.FuseMode == FuseMode.Auto && _fuser!.Mode == FuseMode.Overlay)
        {
            _logger.FusingInPlace(error.Message);
            _fuser.Use(FuseMode.InPlace);
            return _fuser.Fuse(signature, adapters, cancellationToken);
        }
    }

    private bool ReadsText(IReadOnlyList<Weight> fused) => fused.Any(weight => _model!.Family.IsTextEncoder(weight.Component));

    private DiffusionModel Loaded() => _model ?? throw new InvalidOperationException("No model is loaded.");

    private void DropModel()
    {
        _prompts?.Dispose();
        _fuser?.Dispose();
        _model?.Dispose();
        (_prompts, _fuser, _model, _checksum, _fused) = (null, null, null, null, null);
    }

    // Prompts of different length do not fit into one tensor. Filling up the shorter ones would change their images, so each length is
    // drawn by itself.
    private IReadOnlyList<RenderedImage> DrawByLength(
        DiffusionModel model, IReadOnlyList<ClaimedJob> jobs, IProgress<StepProgress> progress, CancellationToken cancellationToken)
    {
        _prompts!.IsPlain = jobs[0].Recipe.PromptSyntax == RenderRecipe.PlainPrompts;
        var groups = jobs.GroupBy(job => PromptConditions.ChunksOf(_prompts!, job)).ToArray();
        if (groups.Length == 1) return Draw(model, jobs, progress, cancellationToken);
        var images = groups.SelectMany(group =>
        {
            using var scope = NewDisposeScope();
            return Draw(model, [.. group], progress, cancellationToken);
        }).ToDictionary(image => image.JobId);
        return jobs.Select(job => images[job.JobId]).ToArray();
    }

    private List<RenderedImage> Draw(
        DiffusionModel model, IReadOnlyList<ClaimedJob> jobs, IProgress<StepProgress> progress, CancellationToken cancellationToken)
    {
        var recipe = jobs[0].Recipe;
        long[] shape = [1, model.UNet.InputChannels, recipe.HeightPixels / model.Vae.Factor, recipe.WidthPixels / model.Vae.Factor];
        using var sampler = SamplerCatalog.Create(recipe.Sampler, model.Scheduler, recipe.Steps, recipe.Eta);
        var conditions = PromptConditions.Encode(model, _prompts!, jobs, _logger);
        var noiseType = recipe.NoiseType == RenderRecipe.ComputeTypeNoise ? _compute.Type : ScalarType.Float32;
        var noises = jobs.Select(job => new JobNoise(job.Recipe.Seed)).ToArray();
        try
        {
            // Each image's numbers come from its own generator; [B, 4, H, W] f32 on the device.
            Tensor Noise()
            {
                using var scope = NewDisposeScope();
                var drawn = cat(noises.Select(noise => noise.Draw(shape, noiseType)).ToArray(), 0);
                return drawn.to(ScalarType.Float32).to(_compute.Device).MoveToOuterDisposeScope();
            }

            var (latents, firstCall) = recipe.StartImagePath is null
                ? (Noise() * sampler.InitialScale, 0) : StartImages.Latents(model, jobs, sampler, Noise);
            var denoised = Span.Run(SpanNames.Steps, () => new Denoiser(model).Run(
                latents, conditions, sampler, recipe.GuidanceScale, recipe.GuidanceRescale, Noise, firstCall, progress, cancellationToken));
            return Span.Run(SpanNames.Decode, () => Decode(model, jobs, denoised, cancellationToken));
        }
        finally
        {
            foreach (var noise in noises) noise.Dispose();
        }
    }

    private List<RenderedImage> Decode(
        DiffusionModel model, IReadOnlyList<ClaimedJob> jobs, Tensor latents, CancellationToken cancellationToken)
    {
        var decoder = new LatentDecoder(model.Vae, model.VaeType);
        var images = new List<RenderedImage>(jobs.Count);
        for (var i = 0; i < jobs.Count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var decoded = decoder.Decode(latents.narrow(0, i, 1)); // [1, 3, H, W] f32
            var rgb = Pixels.ToCheckedBytes(decoded, $"The image of job {jobs[i].JobId} (in {Device.ComputeType})");
            images.Add(new RenderedImage(jobs[i].JobId, jobs[i].Recipe.WidthPixels, jobs[i].Recipe.HeightPixels, rgb));
        }

        return images;
    }
}
