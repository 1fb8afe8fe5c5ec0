using BatchGen.Diffusion.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Rendering;

/// <summary>What the network is to predict for a tensor batch.</summary>
/// <param name="Latents">[B, 4, H, W], those of one image beside each other.</param>
/// <param name="Time">[1] float32, the training time of all.</param>
/// <param name="Context">[B, T, X].</param>
/// <param name="Pooled">[B, P] pooled prompts, or null.</param>
/// <param name="Sizes">[B, 6] sizes that the denoiser reads, or null.</param>
/// <param name="LatentsPerImage">1, or 2 with guidance.</param>
internal sealed record UNetBatch(Tensor Latents, Tensor Time, Tensor Context, Tensor? Pooled, Tensor? Sizes, long LatentsPerImage)
{
    /// <summary>The images one by one, as views in the caller's scope.</summary>
    public IEnumerable<UNetBatch> Images()
    {
        for (var first = 0L; first < Latents.shape[0]; first += LatentsPerImage)
        {
            Tensor Rows(Tensor of) => of.narrow(0, first, LatentsPerImage);
            yield return this with
            {
                Latents = Rows(Latents), Context = Rows(Context), Pooled = Pooled is null ? null : Rows(Pooled),
                Sizes = Sizes is null ? null : Rows(Sizes),
            };
        }
    }
}

/// <summary>Runs the network over a tensor batch: in one pass, or on a processor with large latents in one for each image.</summary>
/// <remarks>
/// A CUDA device is filled by many latents at once. A processor is not: at 64 x 64 latents a pass over eight took no less than four over
/// two (docs/decisions/0010-passes-of-two-latents.md) and needs four times their memory. The passes of an image have the same shape in
/// any batch. Smaller latents share a pass where every layer gives an image the same numbers whatever is beside it
/// (<see cref="SharedPasses"/>).
/// </remarks>
internal static class UNetPasses
{
    // 256 x 256 pixels; below, the cost of a call outweighs that of memory.
    private const long SplitAbovePositions = 32 * 32;

    /// <summary>Predicts for every latent.</summary>
    /// <param name="model">The model.</param>
    /// <param name="batch">The latents and what they are drawn from.</param>
    /// <param name="guidance">For networks that read the guidance scale.</param>
    /// <returns>[B, 4, H, W], owned by the caller's scope.</returns>
    public static Tensor Run(DiffusionModel model, UNetBatch batch, double guidance)
    {
        var (latents, sizes) = (batch.Latents, batch.Latents.shape);
        var isShared = latents.device_type != DeviceType.CPU || sizes[0] <= batch.LatentsPerImage
            || (sizes[2] * sizes[3] < SplitAbovePositions && SharedPasses.Hold(model, batch, guidance));
        if (isShared) return Forward(model, batch, guidance);
        using var scope = NewDisposeScope();
        return cat([.. batch.Images().Select(image => Forward(model, image, guidance))], 0).MoveToOuterDisposeScope();
    }

    /// <summary>One pass over all latents of a batch.</summary>
    internal static Tensor Forward(DiffusionModel model, UNetBatch batch, double guidance) =>
        model.UNet.Forward(batch.Latents, batch.Time, batch.Context, batch.Pooled, batch.Sizes, guidance);
}
