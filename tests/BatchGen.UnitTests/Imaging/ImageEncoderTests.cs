using BatchGen.Core.Imaging;
using System.Text;
using BatchGen.Core.Jobs;
using BatchGen.Imaging;
using BatchGen.Imaging.Recipes;

namespace BatchGen.UnitTests.Imaging;

/// <summary>The contract every image library must keep; runs against whichever one is built.</summary>
public class ImageEncoderTests
{
    public static TheoryData<string> Prompts { get; } = new(
        "",
        "a big red circle on a blue background",
        "quotes \"double\" 'single' back\\slash <script>alert(1)</script> & {a|b}",
        "two\nlines\r\nand a\ttab",
        "größe, 日本語のプロンプト, עברית, Ωμέγα",
        "emoji 🎨🖼️👩‍🎨 and math 𝔸",
        "Steps: 1, Negative prompt: none",
        string.Concat(Enumerable.Repeat("long prompt, ", 1540)),
        string.Concat(Enumerable.Repeat("🎨\n", 6_700)),
        new string('\n', 20_000),
        string.Concat(Enumerable.Repeat("\u0001\"", 10_000)));

    [Theory]
    [InlineData(ImageFormat.Png)]
    [InlineData(ImageFormat.WebP)]
    public void Lossless_forms_keep_every_pixel(ImageFormat format)
    {
        foreach (var (width, height) in new[] { (24, 16), (1, 1), (1, 300), (513, 64), (64, 64) })
        {
            var image = SampleRecipe.Noise(width, height, width);
            var decoded = ImageEncoder.Decode(ImageEncoder.Encode(image, format, SampleRecipe.Make()));
            Assert.Equal((width, height), (decoded.WidthPixels, decoded.HeightPixels));
            Assert.Equal(image.Rgb, decoded.Rgb);
        }
    }

    [Theory]
    [InlineData(ImageFormat.Png)]
    [InlineData(ImageFormat.WebP)]
    public void Lossless_forms_keep_flat_and_gray_images(ImageFormat format)
    {
        foreach (var image in new[] { SampleRecipe.Flat(64, 64, 0, 0, 0), SampleRecipe.Flat(64, 64, 255, 255, 255),
            SampleRecipe.Flat(8, 8, 1, 2, 3) })
            Assert.Equal(image.Rgb, ImageEncoder.Decode(ImageEncoder.Encode(image, format)).Rgb);
    }

    [Fact]
    public void Jpeg_keeps_colour_at_full_resolution()
    {
        // Red and blue columns of one pixel: with chroma subsampling they would blend into purple.
        var image = SampleRecipe.Flat(64, 64, 250, 10, 10);
        for (var i = 3; i < image.Rgb.Length; i += 6) (image.Rgb[i], image.Rgb[i + 1], image.Rgb[i + 2]) = (10, 10, 250);
        var decoded = ImageEncoder.Decode(ImageEncoder.Encode(image, ImageFormat.Jpeg));
        var worst = image.Rgb.Zip(decoded.Rgb, (before, after) => Math.Abs(before - after)).Max();
        Assert.InRange(worst, 0, 24); // Quality 95 on the hardest pattern; subsampled colour is off by more than 100.
    }

    [Theory]
    [InlineData(ImageFormat.Png)]
    [InlineData(ImageFormat.WebP)]
    [InlineData(ImageFormat.Jpeg)]
    public void The_same_pixels_and_recipe_give_the_same_bytes(ImageFormat format)
    {
        var image = SampleRecipe.Noise(64, 64);
        Assert.Equal(ImageEncoder.Encode(image, format, SampleRecipe.Make()), ImageEncoder.Encode(image, format, SampleRecipe.Make()));
    }

    [Theory]
    [MemberData(nameof(Prompts))]
    public void The_recipe_comes_back_unchanged(string prompt)
    {
        foreach (var format in Enum.GetValues<ImageFormat>())
        {
            var recipe = SampleRecipe.Make(prompt, negative: prompt.Length > 15_000 ? null : prompt);
            var file = ImageEncoder.Encode(SampleRecipe.Noise(), format, recipe);
            var read = RecipeReader.Parse(file, "picture");
            Assert.Equal(ImageRecipeJson.Write(recipe), ImageRecipeJson.Write(read));
            Assert.Equal(prompt, read.TextOf(JobFields.Prompt));
            Assert.Equal((24, 16), (ImageEncoder.Decode(file).WidthPixels, ImageEncoder.Decode(file).HeightPixels));
        }
    }

    [Fact]
    public void A_null_negative_prompt_stays_null_and_an_empty_one_empty()
    {
        foreach (var negative in new[] { null, "" })
        {
            var file = ImageEncoder.Encode(SampleRecipe.Noise(), ImageFormat.Png, SampleRecipe.Make(negative: negative));
            Assert.Equal(negative, RecipeReader.Parse(file, "picture").TextOf(JobFields.NegativePrompt));
        }
    }

    [Fact]
    public void Png_carries_readable_text_for_other_tools()
    {
        var file = ImageEncoder.Encode(SampleRecipe.Noise(), ImageFormat.Png, SampleRecipe.Make("a cat, größe", "dog"));
        var text = Encoding.Latin1.GetString(file);
        Assert.Contains(
            "parameters\0a cat, größe <lora:demo-neon:0.7> <lora:demo-pixel:te=0.5:unet=0.8:lbw=1,0,0.25>\nNegative prompt: dog\n"
            + "Steps: 20, Sampler: euler, CFG scale: 4.5, Seed: -7000000000, Size: 24x16, Model hash: aaaaaaaaaa, Model: demo, "
            + "Lora hashes: \"demo-neon: bbbbbbbbbb, demo-pixel: cccccccccc\", Version: BatchGen 0.1.0", text, StringComparison.Ordinal);
        Assert.Contains("batchgen\0{\"schema\":2,\"job_id\":12345,\"prompt\":\"a cat, größe\"", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Pixels_that_do_not_match_the_size_are_refused()
    {
        var failure = Assert.Throws<ArgumentException>(() => ImageEncoder.Encode(new PixelImage(4, 4, new byte[47]), ImageFormat.Png));
        Assert.Contains("4x4 has 48 bytes of RGB, not 47", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Bytes_that_are_no_image_are_refused()
    {
        Assert.Throws<InvalidDataException>(() => ImageEncoder.Decode("%!PS-Adobe-3.0"u8.ToArray()));
        foreach (var format in Enum.GetValues<ImageFormat>())
        {
            var file = ImageEncoder.Encode(SampleRecipe.Noise(64, 64), format, SampleRecipe.Make());
            Assert.Throws<InvalidDataException>(() => ImageEncoder.Decode(file[..40]));
        }
    }
}
