using BatchGen.Core.Jobs;
using ImageMagick;

namespace BatchGen.Imaging;

/// <summary>Pixels to file bytes and back with Magick.NET (build switch <c>ImageLibrary=magick</c>).</summary>
/// <remarks>Each library's class has this name in this namespace; the build compiles one of them.</remarks>
internal static class PixelCodec
{
    public static byte[] Encode(PixelImage image, ImageFormat format)
    {
        using var picture = new MagickImage();
        picture.ReadPixels(image.Rgb, new PixelReadSettings((uint)image.WidthPixels, (uint)image.HeightPixels, StorageType.Char, PixelMapping.RGB));
        switch (format)
        {
            case ImageFormat.Png:
                // Without this Magick writes the time of day, and colour chunks that differ between versions.
                picture.Settings.SetDefine(MagickFormat.Png, "exclude-chunks", "date,tIME,gAMA,cHRM,bKGD,zTXt,tEXt,iTXt,eXIf,iCCP,pHYs");
                picture.Quality = 75; // For PNG: zlib level 7, filter chosen per row.
                return picture.ToByteArray(MagickFormat.Png24); // 24 bit even where fewer colours would do, so that readers see one kind of file.
            case ImageFormat.WebP:
                picture.Settings.SetDefine(MagickFormat.WebP, "lossless", "true");
                picture.Settings.SetDefine(MagickFormat.WebP, "exact", "true");
                picture.Settings.SetDefine(MagickFormat.WebP, "method", "4");
                picture.Quality = 100; // Below 100 Magick turns on libwebp's near-lossless filter, which changes colours.
                return picture.ToByteArray(MagickFormat.WebP);
            case ImageFormat.Jpeg:
                picture.Settings.SetDefine(MagickFormat.Jpeg, "sampling-factor", "4:4:4");
                picture.Quality = 95;
                return picture.ToByteArray(MagickFormat.Jpeg);
            default:
                throw new ArgumentOutOfRangeException(nameof(format), format, "unknown image format");
        }
    }

    // WebP, quality 80: for looking at, not for keeping.
    public static byte[] EncodeLossy(PixelImage image)
    {
        using var picture = new MagickImage();
        picture.ReadPixels(image.Rgb, new PixelReadSettings((uint)image.WidthPixels, (uint)image.HeightPixels, StorageType.Char, PixelMapping.RGB));
        picture.Quality = 80;
        return picture.ToByteArray(MagickFormat.WebP);
    }

    public static PixelImage Decode(byte[] file, ImageFormat format)
    {
        try
        {
            using var picture = new MagickImage(file, format switch
            {
                ImageFormat.Png => MagickFormat.Png,
                ImageFormat.WebP => MagickFormat.WebP,
                ImageFormat.Jpeg => MagickFormat.Jpeg,
                _ => throw new ArgumentOutOfRangeException(nameof(format), format, "unknown image format"),
            });
            picture.AutoOrient();
            // Photographs for print come in CMYK, whose four channels are no RGB.
            if (picture.ColorSpace == ColorSpace.CMYK) picture.ColorSpace = ColorSpace.sRGB;
            using var pixels = picture.GetPixels();
            var rgb = pixels.ToByteArray(PixelMapping.RGB) ?? throw new InvalidDataException("The picture holds no pixels.");
            return new PixelImage((int)picture.Width, (int)picture.Height, rgb);
        }
        catch (MagickException failure)
        {
            throw new InvalidDataException($"The picture cannot be decoded: {failure.Message}", failure);
        }
    }
}
