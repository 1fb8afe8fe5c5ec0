using BatchGen.Diffusion.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Rendering;

/// <summary>
/// Decodes latents one image at a time, large ones in overlapping tiles, so that memory does not grow with batch and size.
/// </summary>
internal sealed class LatentDecoder(AutoencoderKl vae, ScalarType type, long tileAbovePixels = LatentDecoder.TileAbovePixels)
{
    /// <summary>Images with more pixels are decoded in tiles. No setting: it changes the bytes of an image.</summary>
    public const long TileAbovePixels = 1L << 20;

    // Latents along a tile's side and shared with its neighbour; the autoencoder sees about that far.
    private const long TileSide = 64;
    private const long TileOverlap = 16;

    /// <summary>Decodes one image.</summary>
    /// <param name="latents">[1, 4, H, W] float32, as the sampler leaves them.</param>
    /// <returns>[1, 3, H f, W f] float32.</returns>
    public Tensor Decode(Tensor latents)
    {
        using var scope = NewDisposeScope();
        var scaled = (latents / vae.ScalingFactor).to(type);
        var pixels = latents.shape[2] * latents.shape[3] * vae.Factor * vae.Factor;
        return (pixels > tileAbovePixels ? Tiled(scaled) : vae.Decode(scaled)).to(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    // Tiles are blended by weights that rise from their borders; the weights of all tiles at a pixel are summed and divided out.
    private Tensor Tiled(Tensor latents)
    {
        using var scope = NewDisposeScope();
        var (height, width, factor) = (latents.shape[2], latents.shape[3], (long)vae.Factor);
        var sum = zeros([1, 3, height * factor, width * factor], ScalarType.Float32, latents.device);
        var weights = zeros([1, 1, height * factor, width * factor], ScalarType.Float32, latents.device);
        foreach (var (top, tileHeight) in Spans(height))
        {
            foreach (var (left, tileWidth) in Spans(width))
            {
                using var tile = NewDisposeScope();
                var decoded = vae.Decode(latents.narrow(2, top, tileHeight).narrow(3, left, tileWidth)).to(ScalarType.Float32);
                // [h, w]
                var weight = Ramp(tileHeight * factor, latents.device).unsqueeze(1) * Ramp(tileWidth * factor, latents.device).unsqueeze(0);
                sum.narrow(2, top * factor, tileHeight * factor).narrow(3, left * factor, tileWidth * factor).add_(decoded * weight);
                weights.narrow(2, top * factor, tileHeight * factor).narrow(3, left * factor, tileWidth * factor).add_(weight);
            }
        }

        return sum.div_(weights).MoveToOuterDisposeScope();
    }

    private static IEnumerable<(long Start, long Length)> Spans(long size)
    {
        if (size <= TileSide)
        {
            yield return (0, size);
            yield break;
        }

        for (long start = 0; ; start += TileSide - TileOverlap)
        {
            if (start + TileSide >= size)
            {
                yield return (size - TileSide, TileSide);
                yield break;
            }

            yield return (start, TileSide);
        }
    }

    // Never zero, so that a pixel covered by one tile only is that tile's.
    private Tensor Ramp(long length, Device device)
    {
        using var scope = NewDisposeScope();
        var fade = TileOverlap * vae.Factor;
        var place = arange(length, ScalarType.Float32, device).add_(0.5);
        return place.minimum(length - place).div_(fade).clamp_(1e-3, 1).MoveToOuterDisposeScope();
    }
}
