using BatchGen.Core.Jobs;
using BatchGen.Imaging.Metadata;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.Formats;
using SixLabors.ImageSharp.Formats.Jpeg;
using SixLabors.ImageSharp.Formats.Png;
using SixLabors.ImageSharp.Formats.Webp;
using SixLabors.ImageSharp.PixelFormats;
using SixLabors.ImageSharp.Processing;

namespace BatchGen.Imaging;

/// <summary>Pixels to file bytes and back with SixLabors.ImageSharp (build switch <c>ImageLibrary=imagesharp</c>).</summary>
/// <remarks>Each library's class has this name in this namespace; the build compiles one of them.</remarks>
internal static class PixelCodec
{
    public static byte[] Encode(PixelImage image, ImageFormat format)
    {
        using var canvas = Image.LoadPixelData<Rgb24>(image.Rgb, image.WidthPixels, image.HeightPixels);
        using var output = new MemoryStream();
        canvas.Save(output, EncoderOf(format));
        return output.ToArray();
    }

    // WebP, quality 80: for looking at, not for keeping.
    public static byte[] EncodeLossy(PixelImage image)
    {
        using var canvas = Image.LoadPixelData<Rgb24>(image.Rgb, image.WidthPixels, image.HeightPixels);
        using var output = new MemoryStream();
        canvas.Save(output, new WebpEncoder { FileFormat = WebpFileFormatType.Lossy, Quality = 80 });
        return output.ToArray();
    }

    public static PixelImage Decode(byte[] file, ImageFormat format)
    {
        // A configuration of its own for each image: memory is counted over all that decoding it takes.
        var configuration = new Configuration { MemoryAllocator = new LimitedAllocator(DecodeLimits.MaxBytes) };
        using var time = new CancellationTokenSource(DecodeLimits.Longest);
        try
        {
            // The library unpacks a colour profile to any length, and does nothing with it.
            using var input = new MemoryStream(format == ImageFormat.Png ? PngText.Remove(file, profiles: true) : file, writable: false);
            using var canvas = DecoderOf(format).Decode<Rgb24>(configuration, input, time.Token);
            canvas.Mutate(context => context.AutoOrient());
            var rgb = new byte[(long)canvas.Width * canvas.Height * 3];
            canvas.CopyPixelDataTo(rgb);
            return new PixelImage(canvas.Width, canvas.Height, rgb);
        }
        // The last three come from damaged files that make the library read past its tables.
        catch (Exception failure) when (failure is ImageFormatException or ImageProcessingException or NotSupportedException
            or IndexOutOfRangeException or ArgumentException or NullReferenceException)
        {
            throw new InvalidDataException($"The {format.ToCode()} image cannot be decoded: {failure.Message}", failure);
        }
        catch (OperationCanceledException failure)
        {
            throw new InvalidDataException(
                $"The {format.ToCode()} image cannot be decoded within {DecodeLimits.Longest.TotalSeconds} seconds.", failure);
        }
    }

    // Named, so that the file does not choose among the library's decoders.
    private static IImageDecoder DecoderOf(ImageFormat format) => format switch
    {
        ImageFormat.Png => new PngDecoder(),
        ImageFormat.WebP => new WebpDecoder(),
        ImageFormat.Jpeg => new JpegDecoder(),
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, "unknown image format"),
    };

    private static IImageEncoder EncoderOf(ImageFormat format) => format switch
    {
        ImageFormat.Png => new PngEncoder
        {
            ColorType = PngColorType.Rgb,
            BitDepth = PngBitDepth.Bit8,
            CompressionLevel = PngCompressionLevel.Level6,
            FilterMethod = PngFilterMethod.Adaptive,
        },
        ImageFormat.WebP => new WebpEncoder
        {
            FileFormat = WebpFileFormatType.Lossless,
            TransparentColorMode = WebpTransparentColorMode.Preserve, // What other libraries call "exact".
            Method = WebpEncodingMethod.Level4,
            NearLossless = false,
        },
        ImageFormat.Jpeg => new JpegEncoder
        {
            Quality = 95,
            ColorType = JpegColorType.YCbCrRatio444,
        },
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, "unknown image format"),
    };
}
