using BatchGen.Core.Imaging;
using Xunit;

namespace BatchGen.UnitTests.Core;

public sealed class ImageComparisonTests
{
    private const int Size = 16;

    [Fact]
    public void Equal_images_have_infinite_psnr_and_ssim_one()
    {
        var image = Noise(1);
        var comparison = ImageComparison.Of(image, image, Size, Size);
        Assert.Equal(double.PositiveInfinity, comparison.Psnr);
        Assert.Equal(1, comparison.Ssim, 12);
        Assert.Equal(0, comparison.DifferingPixels);
    }

    [Fact]
    public void Images_that_differ_by_one_level_everywhere_have_a_psnr_of_48_dB()
    {
        var image = Noise(2).Select(value => (byte)Math.Min(value, (byte)254)).ToArray();
        var other = image.Select(value => (byte)(value + 1)).ToArray();
        // 20 log10(255) = 48.1308 dB by definition.
        Assert.Equal(48.1308, ImageComparison.Of(image, other, Size, Size).Psnr, 3);
    }

    [Fact]
    public void Independent_noise_is_hardly_similar() =>
        Assert.InRange(ImageComparison.Of(Noise(3), Noise(4), Size, Size).Ssim, -0.2, 0.2);

    [Fact]
    public void Images_that_differ_in_one_pixel_count_one_differing_pixel()
    {
        var image = Noise(5);
        var other = (byte[])image.Clone();
        other[100] ^= 1;
        Assert.Equal(1, ImageComparison.Of(image, other, Size, Size).DifferingPixels);
    }

    [Fact]
    public void Images_of_another_length_than_their_size_are_refused() =>
        Assert.Throws<ArgumentException>(() => ImageComparison.Of(new byte[3], new byte[3], Size, Size));

    private static byte[] Noise(int seed)
    {
        var bytes = new byte[Size * Size * 3];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}
