using TorchSharp;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Rendering;

/// <summary>Decoded pictures to bytes.</summary>
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
}
