using BatchGen.Diffusion.Models;
using BatchGen.Diffusion.Rendering;
using BatchGen.Diffusion.Sampling;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchGen.TorchTests.Rendering;

public sealed class LatentDecoderTests
{
    [Theory]
    [InlineData(20, 90)]
    [InlineData(70, 64)]
    public void Tiles_blend_into_about_the_whole_image(long height, long width)
    {
        using var model = DiffusionModel.Load(DemoModel.Record, ScalarType.Float32, CPU, CancellationToken.None);
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var noise = new JobNoise(3);
        // Smooth latents, as an image's are.
        var latents = nn.functional.interpolate(
            noise.Draw([1, 4, 9, 9]), [height, width], mode: InterpolationMode.Bilinear, align_corners: false) * model.Vae.ScalingFactor;
        var whole = new LatentDecoder(model.Vae, model.VaeType, long.MaxValue).Decode(latents);
        var tiled = new LatentDecoder(model.Vae, model.VaeType, 4096).Decode(latents);

        Assert.Equal(whole.shape, tiled.shape);
        // Each tile is normalised over its own pixels, so tones shift a little; seams or misplaced tiles would differ by far more.
        Assert.True((whole - tiled).abs().mean().item<float>() < 0.1f * whole.std().item<float>(),
            $"mean difference {(whole - tiled).abs().mean().item<float>()}, deviation {whole.std().item<float>()}");
    }
}
