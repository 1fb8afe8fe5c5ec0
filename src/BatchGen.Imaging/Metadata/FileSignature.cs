using BatchGen.Core.Jobs;

namespace BatchGen.Imaging.Metadata;

/// <summary>Tells the three picture forms apart by their first bytes.</summary>
internal static class FileSignature
{
    /// <summary>The first eight bytes of every PNG file.</summary>
    public static ReadOnlySpan<byte> Png => [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10];

    public static ImageFormat? Detect(ReadOnlySpan<byte> file) =>
        file.StartsWith(Png) ? ImageFormat.Png
        : file.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]) ? ImageFormat.Jpeg
        : file.Length >= 12 && file.StartsWith("RIFF"u8) && file[8..12].SequenceEqual("WEBP"u8) ? ImageFormat.WebP
        : null;
}
