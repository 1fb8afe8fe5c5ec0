using System.Text.Json;
using BatchGen.Core.Imaging;
using BatchGen.Core.Jobs;
using BatchGen.Core.Texts;
using BatchGen.Imaging.Metadata;

namespace BatchGen.Imaging.Recipes;

/// <summary>Reads the recipe out of image files without decoding pixels.</summary>
public static class RecipeReader
{
    private const long MaxFileBytes = 1L << 30;

    /// <summary>The recipe of a PNG, WebP or JPEG file that BatchGen wrote.</summary>
    /// <exception cref="RecipeException">No such file, not an image, damaged, or an image of other software; the message says
    /// which.</exception>
    public static ImageRecipe Read(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return Parse(ReadFile(path), path);
    }

    /// <summary>The recipe inside an image's bytes.</summary>
    /// <param name="file">The whole file.</param>
    /// <param name="name">What messages call it.</param>
    /// <exception cref="RecipeException">Not an image, damaged, or an image of other software; the message says which.</exception>
    public static ImageRecipe Parse(ReadOnlySpan<byte> file, string name)
    {
        try
        {
            var json = ImageHeader.FormatOf(file) switch
            {
                ImageFormat.Png => PngText.Find(file, PngText.RecipeKeyword),
                ImageFormat.WebP => WebPRecipe.Find(file),
                ImageFormat.Jpeg => JpegRecipe.Find(file),
                _ => throw new RecipeException($"'{name}' is not a PNG, WebP or JPEG image."),
            };
            if (json is null || !json.StartsWith('{'))
                throw new RecipeException($"'{name}' holds no BatchGen recipe: other software made it, or its metadata was removed.");
            return ImageRecipeJson.Read(json);
        }
        catch (InvalidDataException damage)
        {
            throw new RecipeException($"'{name}' is damaged: {damage.Message}.", damage);
        }
        catch (JsonException damage)
        {
            throw new RecipeException($"'{name}' holds a recipe that cannot be read: {damage.Message}", damage);
        }
    }

    private static byte[] ReadFile(string path)
    {
        try
        {
            if (Directory.Exists(path)) throw new RecipeException($"'{path}' is a folder; name one image file.");
            if (new FileInfo(path) is { Exists: true, Length: > MaxFileBytes })
                throw new RecipeException($"'{path}' is larger than any image BatchGen writes.");
            return File.ReadAllBytes(path);
        }
        catch (Exception failure) when (failure is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new RecipeException($"There is no file '{path}'.", failure);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new RecipeException($"'{path}' cannot be read: {failure.Message}", failure);
        }
    }
}

/// <summary>A file holds no recipe that can be read; the message says why.</summary>
public sealed class RecipeException(string message, Exception? inner = null) : Exception(ShortText.Of(message), inner);
