using System.Diagnostics;
using BatchGen.Core.Jobs;
using ImageMagick;

namespace BatchGen.Imaging;

/// <summary>Pixels to file bytes and back with Magick.NET (build switch <c>ImageLibrary=magick</c>).</summary>
/// <remarks>Each library's class has this name in this namespace; the build compiles one of them.</remarks>
internal static class PixelCodec
{
    // Wide and high enough for contact sheets, which this program makes; images that are read are smaller (ImageContent).
    private const ulong MaxEdgePixels = 65_535;

    // Twice what one image may take: large ones are decoded one after the other, small ones beside them.
    private const ulong MaxMemoryBytes = 2 * (ulong)DecodeLimits.MaxBytes;

    // Limits of the whole process, whatever a file asks for. Nothing goes to disk; an image that does not fit is refused. The library's own
    // limit of time is that of the process since its start, so decoding looks at a clock instead.
    static PixelCodec()
    {
        ResourceLimits.Width = ResourceLimits.Height = MaxEdgePixels;
        ResourceLimits.Area = MaxMemoryBytes / 4; // In pixels.
        ResourceLimits.Memory = MaxMemoryBytes;
        ResourceLimits.MaxMemoryRequest = MaxMemoryBytes / 2;
        ResourceLimits.Disk = 0;
        ResourceLimits.ListLength = 2;
        ResourceLimits.MaxProfileSize = 8UL << 20;
    }

    public static byte[] Encode(PixelImage image, ImageFormat format)
    {
        using var canvas = new MagickImage();
        canvas.ReadPixels(
            image.Rgb, new PixelReadSettings((uint)image.WidthPixels, (uint)image.HeightPixels, StorageType.Char, PixelMapping.RGB));
        switch (format)
        {
            case ImageFormat.Png:
                // Without this Magick writes the time of day, and colour chunks that differ between versions.
                canvas.Settings.SetDefine(MagickFormat.Png, "exclude-chunks", "date,tIME,gAMA,cHRM,bKGD,zTXt,tEXt,iTXt,eXIf,iCCP,pHYs");
                canvas.Quality = 75; // For PNG: zlib level 7, filter chosen per row.
                // 24 bit even where fewer colours would do, so that readers see one kind of file.
                return canvas.ToByteArray(MagickFormat.Png24);
            case ImageFormat.WebP:
                canvas.Settings.SetDefine(MagickFormat.WebP, "lossless", "true");
                canvas.Settings.SetDefine(MagickFormat.WebP, "exact", "true");
                canvas.Settings.SetDefine(MagickFormat.WebP, "method", "4");
                canvas.Quality = 100; // Below 100 Magick turns on libwebp's near-lossless filter, which changes colours.
                return canvas.ToByteArray(MagickFormat.WebP);
            case ImageFormat.Jpeg:
                canvas.Settings.SetDefine(MagickFormat.Jpeg, "sampling-factor", "4:4:4");
                canvas.Quality = 95;
                return canvas.ToByteArray(MagickFormat.Jpeg);
            default:
                throw new ArgumentOutOfRangeException(nameof(format), format, "unknown image format");
        }
    }

    // WebP, quality 80: for looking at, not for keeping.
    public static byte[] EncodeLossy(PixelImage image)
    {
        using var canvas = new MagickImage();
        canvas.ReadPixels(
            image.Rgb, new PixelReadSettings((uint)image.WidthPixels, (uint)image.HeightPixels, StorageType.Char, PixelMapping.RGB));
        canvas.Quality = 80;
        return canvas.ToByteArray(MagickFormat.WebP);
    }

    public static PixelImage Decode(byte[] file, ImageFormat format)
    {
        try
        {
            using var canvas = new MagickImage();
            var started = Stopwatch.GetTimestamp();
            canvas.Progress += (_, progress) => progress.Cancel = Stopwatch.GetElapsedTime(started) > DecodeLimits.Longest;
            canvas.Read(file, format switch
            {
                ImageFormat.Png => MagickFormat.Png,
                ImageFormat.WebP => MagickFormat.WebP,
                ImageFormat.Jpeg => MagickFormat.Jpeg,
                _ => throw new ArgumentOutOfRangeException(nameof(format), format, "unknown image format"),
            });
            if (Stopwatch.GetElapsedTime(started) > DecodeLimits.Longest)
                throw new InvalidDataException($"The image cannot be decoded within {DecodeLimits.Longest.TotalSeconds} seconds.");
            canvas.AutoOrient();
            // Photographs for print come in CMYK, whose four channels are no RGB.
            if (canvas.ColorSpace == ColorSpace.CMYK) canvas.ColorSpace = ColorSpace.sRGB;
            using var pixels = canvas.GetPixels();
            var rgb = pixels.ToByteArray(PixelMapping.RGB) ?? throw new InvalidDataException("The image holds no pixels.");
            return new PixelImage((int)canvas.Width, (int)canvas.Height, rgb);
        }
        catch (MagickException failure)
        {
            throw new InvalidDataException($"The image cannot be decoded: {failure.Message}", failure);
        }
    }
}
