using System.IO.Compression;
using BatchGen.Core.Imaging;
using BatchGen.Core.Jobs;
using BatchGen.Imaging;
using BatchGen.Imaging.Metadata;

namespace BatchGen.UnitTests.Imaging;

/// <summary>Image files that are made to cost much; runs against whichever image library is built.</summary>
public sealed class HostileImageTests
{
    [Fact]
    public void An_animated_image_is_not_decoded()
    {
        foreach (var animated in AnimatedImages.All())
        {
            Assert.Contains("animated", Refusal(() => ImageEncoder.Decode(animated)), StringComparison.Ordinal);
            Assert.Contains("animated", Refusal(() => ImageEncoder.Thumbnail(animated, 64)), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Pixels_are_counted_in_the_frames_and_not_only_on_the_canvas()
    {
        // 16,384 x 16,384 pixels inside a canvas of 24 x 16.
        var lossless = AnimatedImages.Chunk("VP8L", [0x2F, 0xFF, 0xFF, 0xFF, 0x0F, .. new byte[20]]);
        var lossy = AnimatedImages.Chunk("VP8 ", [0, 0, 0, 0x9D, 0x01, 0x2A, 0xFF, 0x3F, 0xFF, 0x3F, .. new byte[20]]);
        var png = ImageEncoder.Encode(SampleRecipe.Flat(24, 16, 200, 100, 50), ImageFormat.Png);
        byte[][] files =
        [
            AnimatedImages.WebP(AnimatedImages.Canvas(24, 16, 0), lossless),
            AnimatedImages.WebP(AnimatedImages.Canvas(24, 16, 0), lossy),
            [.. png[..33], .. AnimatedImages.PngChunk("IHDR", [0, 0, 0x40, 0, 0, 0, 0x40, 0, 8, 2, 0, 0, 0]), .. png[33..]],
        ];
        foreach (var file in files)
        {
            Assert.Equal((24, 16), (ImageHeader.Read(file)!.WidthPixels, ImageHeader.Read(file)!.HeightPixels));
            Assert.Contains("Resize it.", Refusal(() => ImageEncoder.Decode(file)), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(8192, 8192, 16, true)]
    [InlineData(8192, 8192, 17, false)]
    [InlineData(1024, 1024, 1024, true)]
    [InlineData(1024, 1024, 1025, false)]
    public void A_JPEG_image_of_many_scans_is_refused_by_its_size(int width, int height, int scans, bool taken)
    {
        byte[] size = [(byte)(height >> 8), (byte)height, (byte)(width >> 8), (byte)width];
        byte[] scan = [0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0, 0x12, 0xFF, 0, 0x34, 0xFF, 0xD0, 0x56];
        byte[] file =
        [
            0xFF, 0xD8, 0xFF, 0xC2, 0, 11, 8, .. size, 1, 1, 0x11, 0,
            .. Enumerable.Repeat(scan, scans).SelectMany(part => part), 0xFF, 0xD9,
        ];
        if (taken) Assert.Null(ImageContent.FindProblem(file));
        else Assert.Contains($"{scans} scans", ImageContent.FindProblem(file), StringComparison.Ordinal);
    }

    [Fact]
    public void The_image_library_itself_refuses_an_image_beyond_its_memory()
    {
        // What stands before it is left out here: 60,000 x 60,000 pixels would take 10 GB.
        byte[] header = [0, 0, 0xEA, 0x60, 0, 0, 0xEA, 0x60, 8, 2, 0, 0, 0];
        byte[] file =
        [
            0x89, .. "PNG\r\n\u001a\n"u8, .. AnimatedImages.PngChunk("IHDR", header),
            .. AnimatedImages.PngChunk("IDAT", Compressed(new byte[1 << 20])), .. AnimatedImages.PngChunk("IEND", []),
        ];
        var before = Environment.WorkingSet;
        Refusal(() => PixelCodec.Decode(file, ImageFormat.Png));
        Assert.InRange(Environment.WorkingSet - before, long.MinValue, 512L << 20);
    }

    [Fact]
    public void Texts_and_profiles_that_unpack_to_gigabytes_are_not_unpacked()
    {
        var png = ImageEncoder.Encode(SampleRecipe.NoisePixels(64, 64), ImageFormat.Png);
        var bomb = Compressed(new byte[256 << 20]);
        byte[] file =
        [
            .. png[..33],
            .. AnimatedImages.PngChunk("zTXt", [.. "k\0\0"u8, .. bomb]),
            .. AnimatedImages.PngChunk("iTXt", [.. "k\0\u0001\0\0\0"u8, .. bomb]),
            .. AnimatedImages.PngChunk("iCCP", [.. "k\0\0"u8, .. bomb]),
            .. png[33..],
        ];
        var before = Environment.WorkingSet;
        Assert.Equal(ImageEncoder.Decode(png).Rgb, ImageEncoder.Decode(file).Rgb);
        Assert.InRange(Environment.WorkingSet - before, long.MinValue, 128L << 20);
        Assert.Equal(png, PngText.Remove(file, profiles: true));
    }

    [Fact]
    public void A_file_that_ends_anywhere_is_read_or_refused_and_nothing_else()
    {
        foreach (var format in Enum.GetValues<ImageFormat>())
        {
            var file = ImageEncoder.Encode(SampleRecipe.Noise(), format, SampleRecipe.Make());
            for (var length = 0; length < file.Length; length += 7)
            {
                try
                {
                    ImageEncoder.Decode(file[..length]);
                }
                catch (InvalidDataException refused)
                {
                    Assert.NotEmpty(refused.Message);
                }
            }
        }
    }

    private static byte[] Compressed(byte[] data)
    {
        using var output = new MemoryStream();
        using (var zlib = new ZLibStream(output, CompressionLevel.Fastest)) zlib.Write(data);
        return output.ToArray();
    }

    private static string Refusal(Action action) => Assert.Throws<InvalidDataException>(action).Message;
}
