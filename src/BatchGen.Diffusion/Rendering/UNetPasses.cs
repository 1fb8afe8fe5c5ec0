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
internal sealed record UNetBatch(Tensor Latents, Tensor Time, Tensor Context, Tensor? Pooled, Tensor? Sizes, long LatentsPerImage);

/// <summary>Runs the network over a tensor batch: in one pass, or on a processor with large latents in one for each image.</summary>
/// <remarks>
/// A CUDA device is filled by many latents at once. A processor is not: at 64 x 64 latents a pass over eight took no less than four over
/// two (docs/decisions/0010-passes-of-two-latents.md) and needs four times their memory. The passes of an image have the same shape in
/// any batch. In smaller latents, which share a pass, every layer gives an image the same numbers whatever is beside it
/// (docs/decisions/0018-same-bytes-in-any-batch.md).
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
        var (latents, perImage) = (batch.Latents, batch.LatentsPerImage);
        var count = latents.shape[0];
        if (latents.device_type != DeviceType.CPU || count <= perImage || latents.shape[2] * latents.shape[3] < SplitAbovePositions)
            return model.UNet.Forward(latents, batch.Time, batch.Context, batch.Pooled, batch.Sizes, guidance);
        using var scope = NewDisposeScope();
        var parts = new List<Tensor>();
        for (var first = 0L; first < count; first += perImage)
        {
            Tensor Rows(Tensor of) => of.narrow(0, first, perImage);
            parts.Add(model.UNet.Forward(Rows(latents), batch.Time, Rows(batch.Context), batch.Pooled is null ? null : Rows(batch.Pooled),
                batch.Sizes is null ? null : Rows(batch.Sizes), guidance));
        }

        return cat(parts, 0).MoveToOuterDisposeScope();
    }
}
