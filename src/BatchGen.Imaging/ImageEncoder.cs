using BatchGen.Core.Imaging;
using BatchGen.Core.Jobs;
using BatchGen.Core.Rendering;
using BatchGen.Imaging.Metadata;
using BatchGen.Imaging.Recipes;
using BatchGen.Imaging.Sheets;

namespace BatchGen.Imaging;

/// <summary>Turns finished pixels into the bytes of an image file that carries its full recipe.</summary>
/// <remarks>
/// The image library only sees pixels (<c>PixelCodec</c>, one class per library). The recipe is placed into the file by this project, so
/// that both libraries write the same metadata. Equal input gives equal bytes. Thread safe.
/// </remarks>
public static class ImageEncoder
{
    // Images of this size are decoded one after the other: together they could take more memory than the library is allowed, and a sound
    // file would be refused.
    private const int LargePixels = 1 << 22;
    private const int LargeFileBytes = 8 << 20;
    private static readonly Lock OneLarge = new();

    /// <summary>Encodes one image.</summary>
    /// <param name="image">The pixels.</param>
    /// <param name="format">File form: PNG and WebP keep every pixel, JPEG has quality 95 without chroma subsampling.</param>
    /// <param name="recipe">What the image was made from.</param>
    /// <exception cref="ArgumentException">The pixels do not match the size given.</exception>
    public static byte[] Encode(RenderedImage image, ImageFormat format, ImageRecipe recipe)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(recipe);
        var file = Encode(new PixelImage(image.WidthPixels, image.HeightPixels, image.Rgb), format);
        var json = ImageRecipeJson.Write(recipe);
        return format switch
        {
            ImageFormat.Png =>
                PngText.Insert(file, [(PngText.RecipeKeyword, json), (PngText.ParametersKeyword, ParametersText.Of(recipe))]),
            ImageFormat.WebP => WebPRecipe.Insert(file, json),
            ImageFormat.Jpeg => JpegRecipe.Insert(file, json),
            _ => throw new ArgumentOutOfRangeException(nameof(format), format, "unknown image format"),
        };
    }

    /// <summary>Encodes pixels without a recipe.</summary>
    /// <exception cref="ArgumentException">The pixels do not match the size given.</exception>
    public static byte[] Encode(PixelImage image, ImageFormat format)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentOutOfRangeException.ThrowIfLessThan(image.WidthPixels, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(image.HeightPixels, 1);
        var expected = (long)image.WidthPixels * image.HeightPixels * 3;
        if (image.Rgb.LongLength != expected)
            throw new ArgumentException(
                $"An image of {image.WidthPixels}x{image.HeightPixels} has {expected} bytes of RGB, not {image.Rgb.LongLength}.",
                nameof(image));
        return PixelCodec.Encode(image, format);
    }

    /// <summary>Makes a small lossy WebP image of an image file, proportions kept, without its recipe.</summary>
    /// <param name="file">A PNG, WebP or JPEG file.</param>
    /// <param name="edgePixels">Length of the longer edge; a smaller image keeps its size.</param>
    /// <exception cref="InvalidDataException">The bytes are not such an image, or damaged.</exception>
    public static byte[] Thumbnail(byte[] file, int edgePixels)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(edgePixels, 1);
        var image = Decode(file);
        return PixelCodec.EncodeLossy(
            Math.Max(image.WidthPixels, image.HeightPixels) <= edgePixels ? image : PixelScaling.Fit(image, edgePixels));
    }

    /// <summary>Decodes a PNG, WebP or JPEG file, turned as its EXIF orientation says; transparency is dropped.</summary>
    /// <exception cref="InvalidDataException">The bytes are not such an image, are damaged, have several frames, or would cost more memory
    /// or time to decode than an image may.</exception>
    public static PixelImage Decode(byte[] file)
    {
        ArgumentNullException.ThrowIfNull(file);
        // The form is decided here, so that a hostile file cannot choose one of the library's many other decoders.
        var format = ImageHeader.FormatOf(file) ?? throw new InvalidDataException("The file is not a PNG, WebP or JPEG image.");
        if (ImageContent.FindProblem(file) is { } problem) throw new InvalidDataException($"The image {problem}");
        if (format == ImageFormat.Png) file = PngText.Remove(file);
        if (file.Length < LargeFileBytes && ImageHeader.Read(file) is { } header && header.WidthPixels * header.HeightPixels < LargePixels)
            return PixelCodec.Decode(file, format);
        lock (OneLarge) return PixelCodec.Decode(file, format);
    }
}
