using BatchGen.Core.Jobs;
using BatchGen.Imaging;
using BatchGen.Imaging.Sheets;

namespace BatchGen.UnitTests.Imaging;

public class ImageResamplingTests
{
    [Fact]
    public void An_image_of_the_right_size_is_not_touched()
    {
        var image = SampleRecipe.Flat(24, 16, 1, 2, 3);
        Assert.Same(image, ImageResampling.Cover(image, 24, 16));
    }

    [Theory]
    [InlineData(64, 64)]
    [InlineData(7, 5)]
    [InlineData(16, 64)]
    [InlineData(1, 1)]
    public void An_image_of_one_colour_keeps_its_colour_at_every_size(int width, int height)
    {
        var result = ImageResampling.Cover(SampleRecipe.Flat(24, 16, 255, 0, 77), width, height);
        Assert.Equal((width, height), (result.WidthPixels, result.HeightPixels));
        Assert.All(result.Rgb.Chunk(3), pixel => Assert.Equal([255, 0, 77], pixel));
    }

    [Fact]
    public void Parts_beyond_the_wanted_shape_are_cut_off_equally_at_both_sides()
    {
        // Red, green and blue thirds side by side: a square takes the middle one.
        var image = new PixelImage(96, 32, new byte[96 * 32 * 3]);
        for (var i = 0; i < 96 * 32; i++) image.Rgb[(i * 3) + (i % 96 / 32)] = 255;
        var square = ImageResampling.Cover(image, 32, 32);
        Assert.All(square.Rgb.Chunk(3), pixel => Assert.Equal([0, 255, 0], pixel));
    }

    [Fact]
    public void Fine_patterns_turn_grey_when_they_get_too_small_to_see()
    {
        var image = new PixelImage(64, 64, new byte[64 * 64 * 3]);
        for (var i = 0; i < 64 * 64; i++) image.Rgb.AsSpan(i * 3, 3).Fill((byte)((i + (i / 64)) % 2 == 0 ? 255 : 0));
        // Rounding and the filter's edge leave a little: a nearest neighbour would give 0 or 255.
        Assert.All(ImageResampling.Cover(image, 16, 16).Rgb, value => Assert.InRange(value, 120, 136));
    }

    [Fact]
    public void An_enlarged_slope_of_grey_rises_evenly()
    {
        var image = new PixelImage(16, 16, new byte[16 * 16 * 3]);
        for (var i = 0; i < 256; i++) image.Rgb.AsSpan(i * 3, 3).Fill((byte)(i % 16 * 16));
        var line = ImageResampling.Cover(image, 64, 64).Rgb.Where((_, i) => i % 3 == 0).Skip(32 * 64).Take(64)
            .Select(value => (int)value).ToArray();
        Assert.Equal(line.Order(), line);
        // Target pixel 32 lies at (32 + 0.5) / 4 = 8.125 of the source, whose pixel centres are at n + 0.5: 7.625 * 16.
        Assert.InRange(line[32], 120, 124);
    }

    [Fact]
    public void A_photograph_is_turned_as_its_camera_says()
    {
        // Left half red, right half blue; orientation 6 means: turn a quarter clockwise.
        var image = SampleRecipe.Flat(32, 16, 255, 0, 0);
        for (var i = 0; i < 32 * 16; i++) if (i % 32 >= 16) (image.Rgb[i * 3], image.Rgb[(i * 3) + 2]) = (0, 255);
        var jpeg = ImageEncoder.Encode(image, ImageFormat.Jpeg);
        byte[] exif =
        [
            0xFF, 0xE1, 0, 34, .. "Exif\0\0"u8, .. "MM"u8, 0, 42, 0, 0, 0, 8, 0, 1, // One entry:
            0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, // Orientation, one short, 6; no next directory.
        ];
        var turned = ImageEncoder.Decode([.. jpeg[..2], .. exif, .. jpeg[2..]]);
        Assert.Equal((16, 32), (turned.WidthPixels, turned.HeightPixels));
        Assert.InRange(turned.Rgb[0], 240, 255); // Red above,
        Assert.InRange(turned.Rgb[^1], 240, 255); // blue below.
    }
}
