using System.Runtime.CompilerServices;
using BatchGen.Diffusion.Models;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Rendering;

/// <summary>Whether images can share a pass of the network without a byte of any of them being another than in a pass of its own.</summary>
/// <remarks>
/// The layers are made so that they can (docs/decisions/0018-same-bytes-in-any-batch.md), but which kernels MKL and oneDNN take for a
/// number of rows is theirs to choose and differs between processors. So it is tried, once for each shape, with random numbers; where a
/// byte differs, images of that shape and number have passes of their own.
/// </remarks>
internal static class SharedPasses
{
    private const ulong Seed = 18;

    // What was found, as long as the model is loaded. A model is used by one thread at a time.
    private static readonly ConditionalWeakTable<DiffusionModel, Dictionary<Shape, bool>> Found = [];

    private readonly record struct Shape(long Latents, long PerImage, long Height, long Width, long Tokens, long Threads);

    /// <summary>True if the images of a batch come out of one pass as they come out of their own.</summary>
    /// <param name="model">The model, whose element type and layers count.</param>
    /// <param name="batch">A batch on the processor of more than one image; only its shapes count.</param>
    /// <param name="guidance">For networks that read the guidance scale.</param>
    public static bool Hold(DiffusionModel model, UNetBatch batch, double guidance)
    {
        var (sizes, found) = (batch.Latents.shape, Found.GetOrCreateValue(model));
        var shape = new Shape(sizes[0], batch.LatentsPerImage, sizes[2], sizes[3], batch.Context.shape[1], get_num_threads());
        if (found.TryGetValue(shape, out var holds)) return holds;
        return found[shape] = Hold(batch, part => UNetPasses.Forward(model, part, guidance));
    }

    /// <summary>Tries it with random latents and texts of the batch's shapes.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="forward">The network: to [B, 4, H, W].</param>
    internal static bool Hold(UNetBatch batch, Func<UNetBatch, Tensor> forward)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(Seed);
        Tensor Random(Tensor like) => randn(like.shape, generator: generator).to(like.dtype);
        var tried = batch with
        {
            Latents = Random(batch.Latents), Context = Random(batch.Context), Pooled = batch.Pooled is null ? null : Random(batch.Pooled),
        };
        var together = forward(tried).contiguous();
        var apart = cat([.. tried.Images().Select(forward)], 0).contiguous();
        return together.bytes.SequenceEqual(apart.bytes);
    }
}
