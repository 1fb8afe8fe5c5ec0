using BatchGen.Core.Jobs;
using BatchGen.Imaging;

namespace BatchGen.UnitTests.Imaging;

/// <summary>Small images for grids; runs against whichever image library is built.</summary>
public class ThumbnailTests
{
    [Theory]
    [InlineData(1024, 512, 320, 160)]
    [InlineData(512, 1024, 160, 320)]
    [InlineData(320, 320, 320, 320)]
    [InlineData(64, 48, 64, 48)]
    public void The_longer_edge_is_bounded_and_small_images_keep_their_size(int width, int height, int expectedWidth, int expectedHeight)
    {
        foreach (var format in Enum.GetValues<ImageFormat>())
        {
            var small = ImageEncoder.Decode(
                ImageEncoder.Thumbnail(ImageEncoder.Encode(SampleRecipe.Flat(width, height, 200, 40, 90), format), 320));
            Assert.Equal((expectedWidth, expectedHeight), (small.WidthPixels, small.HeightPixels));
            // Coded with loss.
            for (var i = 0; i < small.Rgb.Length; i += 3)
                Assert.True(Math.Abs(small.Rgb[i] - 200) < 8 && Math.Abs(small.Rgb[i + 1] - 40) < 8 && Math.Abs(small.Rgb[i + 2] - 90) < 8);
        }
    }

    [Fact]
    public void A_thumbnail_is_much_smaller_than_its_image_and_carries_no_recipe()
    {
        var image = ImageEncoder.Encode(SampleRecipe.Noise(512, 512), ImageFormat.Png, SampleRecipe.Make("a secret prompt"));
        var small = ImageEncoder.Thumbnail(image, 128);
        Assert.True(small.Length < image.Length / 20, $"{small.Length} of {image.Length} bytes");
        Assert.DoesNotContain("secret", System.Text.Encoding.Latin1.GetString(small), StringComparison.Ordinal);
    }

    [Fact]
    public void A_thumbnail_of_bytes_that_are_not_an_image_is_refused() =>
        Assert.Throws<InvalidDataException>(() => ImageEncoder.Thumbnail([1, 2, 3], 320));
}
