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
using BatchGen.Worker.Hosting;
using BatchGen.Worker.Leases;
using Microsoft.Extensions.Logging;

namespace BatchGen.Worker.Canaries;

/// <summary>Draws the same small picture with the plain model now and then, and compares it with the first one.</summary>
/// <remarks>
/// The checksums prove that the weights are what they were; a canary shows that everything else on the way to a picture is too: device,
/// arithmetic, sampler, program. When it differs, all weights are reloaded from the master; when that does not cure it, the worker pauses itself.
/// </remarks>
internal sealed class CanaryGuard(DeviceSession device, CanaryLog canaries, WorkerRegistry workers, Guid workerId, WorkerOptions options, ILogger log)
{
    // What two sound devices of one kind may differ by, because their kernels sum in another order; damage that people can see lies below.
    private const double ClosePsnr = 40;
    private const double CloseSsim = 0.99;
    private const int MaxEdgePixels = 256;
    private ModelRecord? _model;
    private string? _own;
    private bool _suspected;
    private int _batches;

    /// <summary>True when one was ordered, the last one differed and nothing was done about it, the model on the device has not been looked at, or enough batches were rendered since.</summary>
    public bool IsDue(string model) => IsOrdered || _suspected || (options.CanaryEveryBatches > 0 && (model != _model?.Name || _batches >= options.CanaryEveryBatches));

    /// <summary>True while an order was not carried out yet.</summary>
    public bool IsOrdered { get; private set; }

    /// <summary>Draws one at the next occasion, also where none come by themselves.</summary>
    public void Order() => IsOrdered = true;

    /// <summary>Counts a batch.</summary>
    public void AddBatch() => _batches++;

    /// <summary>Draws and compares; nothing may be fused.</summary>
    /// <param name="batchId">The batch it follows; null at start and end.</param>
    /// <param name="cancellationToken">Stops between steps.</param>
    /// <returns>False when the worker was paused because of it.</returns>
    public async Task<bool> CheckAsync(long? batchId, CancellationToken cancellationToken)
    {
        // Without a model there is nothing to draw with: an order waits for the first batch, which brings one.
        if (device.Model is not { } model) return true;
        (IsOrdered, _suspected) = (false, false);
        // A name may come to stand for another model.
        if (model.Name != _model?.Name || model.Sha256 != _model.Sha256) (_model, _own) = (model, null);
        _batches = 0;
        var verdict = await DrawAsync(batchId, cancellationToken);
        if (verdict != CanaryVerdict.Differs) return true;
        log.CanaryDiffers(model.Name);
        try
        {
            await device.ReloadAsync([], cancellationToken);
        }
        catch (BatchGenException error) when (error is ModelException or DeviceException)
        {
            // The weights that drew it are still there: whoever resumes the worker gets another look before anything is drawn with them.
            _suspected = true;
            await workers.OrderAsync(workerId, paused: true, draining: null, cancellationToken);
            log.CanaryNotReloaded(model.Name, error.Message);
            return false;
        }

        if (await DrawAsync(batchId, cancellationToken) != CanaryVerdict.Differs) return true;
        await workers.OrderAsync(workerId, paused: true, draining: null, cancellationToken);
        log.CanaryIncurable(model.Name);
        return false;
    }

    private async Task<CanaryVerdict> DrawAsync(long? batchId, CancellationToken cancellationToken)
    {
        var model = device.Model!;
        var recipe = RecipeFor(model.Name, model.NativeWidthPixels, model.NativeHeightPixels);
        var kind = new CanaryKind(model.Name, model.Sha256, device.Device.Name + " " + device.Device.Description, device.Device.ComputeType, Describe(recipe));
        var started = Stopwatch.GetTimestamp();
        RenderedImage image;
        try
        {
            image = (await device.RenderAsync([new ClaimedJob(0, 1, recipe)], new Silent(), cancellationToken))[0];
        }
        catch (GenerationException error)
        {
            // Not a number, or no memory for one small picture: as bad as a picture that differs.
            log.CanaryFailed(model.Name, error.Message);
            return CanaryVerdict.Differs;
        }

        var digest = Convert.ToHexStringLower(SHA256.HashData(image.Rgb));
        var first = await DatabaseRetry.RunAsync(token => canaries.FindFirstAsync(kind, token), cancellationToken);
        var (verdict, comparison) = Judge(image, digest, first);
        // What differs is no measure for what this process draws after a reload.
        if (verdict != CanaryVerdict.Differs) _own ??= digest;
        var picture = ImageEncoder.Encode(new PixelImage(image.WidthPixels, image.HeightPixels, image.Rgb), ImageFormat.Png);
        var result = new CanaryResult(
            workerId, batchId, kind, verdict, digest, Finite(comparison?.Psnr), comparison?.Ssim, Stopwatch.GetElapsedTime(started).TotalMilliseconds, picture);
        await DatabaseRetry.RunAsync(token => canaries.RecordAsync(result, token), cancellationToken);
        log.CanaryDrawn(model.Name, verdict.ToCode(), result.ElapsedMs);
        return verdict;
    }

    private (CanaryVerdict Verdict, ImageComparison? Comparison) Judge(RenderedImage image, string digest, FirstCanary? first)
    {
        if (first is null) return (CanaryVerdict.First, null);
        // One process on one device computes the same bits every time.
        var steady = _own is null || _own == digest;
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
        $"{recipe.WidthPixels}x{recipe.HeightPixels}, {recipe.Steps} steps {recipe.Sampler}, guidance {recipe.GuidanceScale}, seed {recipe.Seed}: {recipe.Prompt}");

    private static double? Finite(double? value) => value is { } number && double.IsFinite(number) ? number : null;

    private sealed class Silent : IProgress<StepProgress>
    {
        public void Report(StepProgress value)
        {
        }
    }
}
