using BatchGen.Core.Failures;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Rendering;

/// <summary>Decoded images to bytes.</summary>
internal static class Pixels
{
    /// <summary>round((x / 2 + 0.5) clamped to 0..1, times 255), half to even, as diffusers does.</summary>
    /// <param name="decoded">[B, 3, H, W], about -1 to 1.</param>
    /// <returns>[B, H, W, 3] uint8 on the CPU.</returns>
    public static Tensor ToBytes(Tensor decoded)
    {
        using var scope = NewDisposeScope();
        var shares = (decoded.to(ScalarType.Float32) / 2).add_(0.5).clamp_(0, 1);
        return shares.mul_(255).round_().to(ScalarType.Byte).permute(0, 2, 3, 1).contiguous().cpu().MoveToOuterDisposeScope();
    }

    /// <summary>The bytes of one image, after checking that decoding worked.</summary>
    /// <param name="decoded">[1, 3, H, W], about -1 to 1.</param>
    /// <param name="what">Its name in messages.</param>
    /// <exception cref="GenerationException">It has numbers that are not finite, or is black all over: the arithmetic failed.</exception>
    public static byte[] ToCheckedBytes(Tensor decoded, string what)
    {
        using var scope = NewDisposeScope();
        // Clamping would turn a not-a-number into black: look before.
        if (!decoded.isfinite().all().item<bool>())
            throw new GenerationException($"{what} has numbers that are not finite; it would have come out black. "
                + "Another compute type or a lower guidance scale may help.");
        var bytes = ToBytes(decoded).bytes.ToArray();
        // The darkest scene has some noise; not one pixel above zero is a decoder that ran out of its range.
        if (!bytes.AsSpan().ContainsAnyExcept((byte)0))
            throw new GenerationException($"{what} is black all over: the autoencoder's numbers are all below its range. "
                + "Another compute type, a lower guidance scale or another seed may help.");
        return bytes;
    }
}
