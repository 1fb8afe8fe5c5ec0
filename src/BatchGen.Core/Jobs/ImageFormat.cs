namespace BatchGen.Core.Jobs;

/// <summary>File formats an image can be saved in.</summary>
public enum ImageFormat
{
    /// <summary>PNG, which is lossless.</summary>
    Png,

    /// <summary>WebP in its lossless form.</summary>
    WebP,

    /// <summary>JPEG of quality 95 without chroma subsampling.</summary>
    Jpeg,
}

/// <summary>Text codes and file name endings of <see cref="ImageFormat"/>.</summary>
public static class ImageFormats
{
    /// <summary>The codes that jobs use, in the order they are listed in.</summary>
    public static IReadOnlyList<string> Codes { get; } = [.. Enum.GetValues<ImageFormat>().Select(ToCode)];

    /// <summary>The code that jobs use: <c>png</c>, <c>webp</c> or <c>jpeg</c>.</summary>
    public static string ToCode(this ImageFormat format) => format switch
    {
        ImageFormat.Png => "png",
        ImageFormat.WebP => "webp",
        ImageFormat.Jpeg => "jpeg",
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, "unknown image format"),
    };

    /// <summary>The file name ending, with the dot.</summary>
    public static string Extension(this ImageFormat format) => format == ImageFormat.Jpeg ? ".jpg" : "." + format.ToCode();

    /// <summary>Reads the code that jobs use.</summary>
    /// <exception cref="FormatException">The text is none of <see cref="Codes"/>.</exception>
    public static ImageFormat Parse(string code)
    {
        foreach (var format in Enum.GetValues<ImageFormat>())
            if (format.ToCode() == code) return format;
        throw new FormatException($"Image format '{code}' is not known; use one of: {string.Join(", ", Codes)}.");
    }
}
