using BatchGen.Diffusion.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Rendering;

/// <summary>Runs the network over a tensor batch: in one pass, or on a processor with large latents in several.</summary>
/// <remarks>
/// A CUDA device is filled by many latents at once. A processor is not: at 64 x 64 latents a pass over eight took no less than four over two
/// (docs/decisions/0010-passes-of-two-latents.md), needs four times their memory, and sums in another order, so that a picture would depend on how full its batch is.
/// </remarks>
internal static class UNetPasses
{
    // One image with and without its prompt.
    private const long LatentsPerPass = 2;

    // 256 x 256 pixels; below, the cost of a call outweighs that of memory.
    private const long SplitAbovePositions = 32 * 32;

    /// <summary>Predicts for every latent.</summary>
    /// <param name="model">The model.</param>
    /// <param name="latents">[B, 4, H, W].</param>
    /// <param name="times">[B] float32.</param>
    /// <param name="context">[B, T, X].</param>
    /// <param name="pooled">[B, P] pooled prompts, or null.</param>
    /// <param name="sizes">[B, 6] sizes that the denoiser reads, or null.</param>
    /// <param name="guidance">For networks that read the guidance scale.</param>
    /// <returns>[B, 4, H, W], owned by the caller's scope.</returns>
    public static Tensor Run(
        DiffusionModel model, Tensor latents, Tensor times, Tensor context, Tensor? pooled, Tensor? sizes, double guidance)
    {
        var count = latents.shape[0];
        if (latents.device_type != DeviceType.CPU || count <= LatentsPerPass || latents.shape[2] * latents.shape[3] < SplitAbovePositions)
            return model.UNet.Forward(latents, times, context, pooled, sizes, guidance);
        using var scope = NewDisposeScope();
        var parts = new List<Tensor>();
        for (var first = 0L; first < count; first += LatentsPerPass)
        {
            var length = Math.Min(LatentsPerPass, count - first);
            Tensor Rows(Tensor of) => of.narrow(0, first, length);
            parts.Add(model.UNet.Forward(Rows(latents), Rows(times), Rows(context), pooled is null ? null : Rows(pooled),
                sizes is null ? null : Rows(sizes), guidance));
        }

        return cat(parts, 0).MoveToOuterDisposeScope();
    }
}
