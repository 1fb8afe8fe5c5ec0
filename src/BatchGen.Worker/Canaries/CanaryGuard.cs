using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using BatchGen.Core.Adapters;
using BatchGen.Core.Failures;
using BatchGen.Core.Imaging;
using BatchGen.Core.Jobs;
using BatchGen.Core.Registry;
using BatchGen.Core.Rendering;
using BatchGen.Imaging;
using BatchGen.Queue.Canaries;
using BatchGen.Queue.Workers;
using BatchGen.Worker.Devices;
using BatchGen.Worker.Faults;
using BatchGen.Worker.Hosting;
using BatchGen.Worker.Leases;
using BatchGen.Worker.Monitoring;
using Microsoft.Extensions.Logging;

namespace BatchGen.Worker.Canaries;

/// <summary>Renders the same small image with the plain model now and then, and compares it with the first one.</summary>
/// <remarks>
/// Checksums prove that the weights are unchanged; a canary shows that everything else on the way to an image is too: device, arithmetic,
/// sampler, program. When it differs, all weights are reloaded from the master; when it still differs then, the worker pauses itself.
/// </remarks>
internal sealed class CanaryGuard(
    DeviceSession device, CanaryLog canaries, WorkerRegistry workers, Guid workerId, WorkerOptions options, WorkerHealth health,
    ILogger log)
{
    // Two sound devices of one kind may differ by this much, because their kernels sum in another order; visible damage lies below.
    private const double ClosePsnr = 40;
    private const double CloseSsim = 0.99;
    private const int MaxEdgePixels = 256;
    private ModelRecord? _model;
    private string? _ownDigest;
    private bool _weightsSuspect;
    private int _batchesSince;

    /// <summary>
    /// True when a canary was ordered, when the last one differed and the weights could not be reloaded, when there was none of this model
    /// yet, or when enough batches were rendered since the last.
    /// </summary>
    public bool IsDue(string model)
    {
        if (IsOrdered || _weightsSuspect) return true;
        return options.CanaryEveryBatches > 0 && (model != _model?.Name || _batchesSince >= options.CanaryEveryBatches);
    }

    /// <summary>True from an order until the canary is rendered.</summary>
    public bool IsOrdered { get; private set; }

    /// <summary>Asks for a canary before the next batch, also where the settings ask for none.</summary>
    public void Order() => IsOrdered = true;

    /// <summary>Counts a batch that was rendered since the last canary.</summary>
    public void AddBatch() => _batchesSince++;

    /// <summary>Renders a canary and compares it; nothing may be fused.</summary>
    /// <param name="batchId">The batch that comes after it; null when no batch does.</param>
    /// <param name="cancellationToken">Stops between steps.</param>
    /// <returns>False when the canary differed and the worker was paused because of that.</returns>
    public async Task<bool> CheckAsync(long? batchId, CancellationToken cancellationToken)
    {
        // Without a model nothing can be rendered: an order waits for the first batch, which brings one.
        if (device.Model is not { } model) return true;
        (IsOrdered, _weightsSuspect) = (false, false);
        // Another model may have been registered under the name.
        if (model.Name != _model?.Name || model.Sha256 != _model.Sha256) (_model, _ownDigest) = (model, null);
        _batchesSince = 0;
        var differs = await DiffersAsync(batchId, cancellationToken);
        if (!differs) return true;
        log.CanaryDiffered(model.Name);
        try
        {
            await device.ReloadAsync([], cancellationToken);
        }
        catch (BatchGenException error) when (error is ModelException or DeviceException)
        {
            // The weights that it was rendered with are still there: once resumed, the worker renders another
            // before it uses them for a batch.
            _weightsSuspect = true;
            await PauseAsync(cancellationToken);
            log.CanaryNotReloaded(model.Name, error.Message);
            return false;
        }

        if (!await DiffersAsync(batchId, cancellationToken)) return true;
        await PauseAsync(cancellationToken);
        log.CanaryDifferedAgain(model.Name);
        return false;
    }

    private async Task<bool> DiffersAsync(long? batchId, CancellationToken cancellationToken)
    {
        var differs = await RenderAsync(batchId, cancellationToken) == CanaryVerdict.Differs;
        health.Report(WorkerTrouble.Canary, differs);
        return differs;
    }

    private Task<bool> PauseAsync(CancellationToken cancellationToken) => DatabaseRetry.RunAsync(
        log, health, token => workers.OrderAsync(workerId, paused: true, draining: null, token), cancellationToken);

    private async Task<CanaryVerdict> RenderAsync(long? batchId, CancellationToken cancellationToken)
    {
        var model = device.Model!;
        var recipe = RecipeFor(model.Name, model.NativeWidthPixels, model.NativeHeightPixels);
        var info = device.Device;
        var kind = new CanaryKind(model.Name, model.Sha256, info.Name + " " + info.Description, info.ComputeType, Describe(recipe));
        var started = Stopwatch.GetTimestamp();
        if (await RenderAsync(recipe, cancellationToken) is not { } image) return CanaryVerdict.Differs;
        var digest = Convert.ToHexStringLower(SHA256.HashData(image.Rgb));
        var first = await DatabaseRetry.RunAsync(log, health, token => canaries.FindFirstAsync(kind, token), cancellationToken);
        var (verdict, comparison) = Judge(image, digest, first);
        // Only a canary that did not differ can be compared with those that this process renders later.
        if (verdict != CanaryVerdict.Differs) _ownDigest ??= digest;
        var file = ImageEncoder.Encode(new PixelImage(image.WidthPixels, image.HeightPixels, image.Rgb), ImageFormat.Png);
        var elapsedMs = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        var result = new CanaryResult(
            workerId, batchId, kind, verdict, digest, Finite(comparison?.Psnr), comparison?.Ssim, elapsedMs, file);
        await DatabaseRetry.RunAsync(log, health, token => canaries.RecordAsync(result, token), cancellationToken);
        log.CanaryRendered(model.Name, verdict.ToCode(), result.ElapsedMs);
        return verdict;
    }

    // Null when it could not be rendered: not a number, no memory for one small image, or an unforeseen error. That is as bad as an image
    // that differs.
    private async Task<RenderedImage?> RenderAsync(RenderRecipe recipe, CancellationToken cancellationToken)
    {
        try
        {
            return (await device.RenderAsync([new ClaimedJob(0, 1, recipe)], new IgnoredProgress(), cancellationToken))[0];
        }
#pragma warning disable CA1031 // A plain image that cannot be drawn is what canaries are there to find.
        catch (Exception error) when (error is GenerationException || UnforeseenError.Is(error, cancellationToken))
#pragma warning restore CA1031
        {
            log.CanaryFailed(recipe.Signature.Model, error.Message);
            return null;
        }
    }

    private (CanaryVerdict Verdict, ImageComparison? Comparison) Judge(RenderedImage image, string digest, FirstCanary? first)
    {
        if (first is null) return (CanaryVerdict.First, null);
        // One process on one device computes the same bits every time.
        var steady = _ownDigest is null || _ownDigest == digest;
        if (digest == first.Digest) return (steady ? CanaryVerdict.Equal : CanaryVerdict.Differs, null);
        var comparison = ImageComparison.Of(image.Rgb, ImageEncoder.Decode(first.Image).Rgb, image.WidthPixels, image.HeightPixels);
        var close = comparison is { Psnr: >= ClosePsnr, Ssim: >= CloseSsim };
        return (steady && close ? CanaryVerdict.Close : CanaryVerdict.Differs, comparison);
    }

    private RenderRecipe RecipeFor(string model, int width, int height) => new()
    {
        Prompt = options.CanaryPrompt,
        NegativePrompt = "",
        Signature = AdapterSignature.Create(model, []),
        WidthPixels = Math.Min(width, MaxEdgePixels),
        HeightPixels = Math.Min(height, MaxEdgePixels),
        Steps = options.CanarySteps,
        Sampler = "ddim",
        GuidanceScale = 5,
        Seed = 20_000_101,
    };

    private static string Describe(RenderRecipe recipe) => string.Create(
        CultureInfo.InvariantCulture,
        $"{recipe.WidthPixels}x{recipe.HeightPixels}, {recipe.Steps} steps {recipe.Sampler}, guidance {recipe.GuidanceScale}, "
            + $"seed {recipe.Seed}: {recipe.Prompt}");

    private static double? Finite(double? value) => value is { } number && double.IsFinite(number) ? number : null;

    private sealed class IgnoredProgress : IProgress<StepProgress>
    {
        public void Report(StepProgress value)
        {
        }
    }
}
