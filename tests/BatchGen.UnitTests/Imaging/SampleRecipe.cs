using BatchGen.Core.Imaging;
using BatchGen.Core.Jobs;
using BatchGen.Core.Rendering;
using BatchGen.Imaging;

namespace BatchGen.UnitTests.Imaging;

internal static class SampleRecipe
{
    public static ImageRecipe Make(string prompt = "a big red circle", string? negative = null) => new()
    {
        JobId = 12_345,
        Fields = RecipeJson.Write(new RenderRecipe
        {
            Prompt = prompt,
            NegativePrompt = negative,
            Seed = -7_000_000_000,
            Sampler = "euler",
            Steps = 20,
            GuidanceScale = 4.5,
            WidthPixels = 24,
            HeightPixels = 16,
        }),
        Model = "demo",
        ModelSha256 = new string('a', 64),
        Adapters =
        [
            new("demo-neon", new string('b', 64), 0.7m, 0.7m, null),
            new("demo-pixel", new string('c', 64), 0.8m, 0.5m, [1m, 0m, 0.25m]),
        ],
        Signature = "demo|demo-neon@0.7+demo-pixel@0.8:0.5[1,0,0.25]",
        Device = "cpu",
        ComputeType = "float32",
        Program = "BatchGen 0.1.0",
    };

    public static RenderedImage Noise(int width = 24, int height = 16, int seed = 1)
    {
        var rgb = new byte[width * height * 3];
        new Random(seed).NextBytes(rgb);
        return new RenderedImage(12_345, width, height, rgb);
    }

    public static PixelImage NoisePixels(int width, int height)
    {
        var image = Noise(width, height);
        return new PixelImage(image.WidthPixels, image.HeightPixels, image.Rgb);
    }

    public static PixelImage Flat(int width, int height, byte r, byte g, byte b)
    {
        var rgb = new byte[width * height * 3];
        for (var i = 0; i < rgb.Length; i += 3) (rgb[i], rgb[i + 1], rgb[i + 2]) = (r, g, b);
        return new PixelImage(width, height, rgb);
    }
}
