using System.Buffers.Binary;
using BatchGen.Core.Jobs;

namespace BatchGen.Core.Imaging;

/// <summary>
/// Format and size of an image file, read from its first bytes, so that an image that is too large is refused without being decoded.
/// </summary>
/// <param name="Format">File format.</param>
/// <param name="WidthPixels">Width of the stored image.</param>
/// <param name="HeightPixels">Height of the stored image.</param>
public sealed record ImageHeader(ImageFormat Format, int WidthPixels, int HeightPixels)
{
    /// <summary>The format that the first bytes name, or null for any other file.</summary>
    public static ImageFormat? FormatOf(ReadOnlySpan<byte> file) =>
        file.StartsWith((ReadOnlySpan<byte>)[0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10]) ? ImageFormat.Png
        : file.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]) ? ImageFormat.Jpeg
        : file.Length >= 12 && file.StartsWith("RIFF"u8) && file[8..12].SequenceEqual("WEBP"u8) ? ImageFormat.WebP
        : null;

    /// <summary>Reads the header of a PNG, JPEG or WebP file; null when it is none of them or ends before its size is given.</summary>
    public static ImageHeader? Read(ReadOnlySpan<byte> file) => FormatOf(file) switch
    {
        ImageFormat.Png => ReadPng(file),
        ImageFormat.Jpeg => ReadJpeg(file),
        ImageFormat.WebP => ReadWebP(file),
        null => null,
        var format => throw new ArgumentOutOfRangeException(nameof(file), format, "unknown image format"),
    };

    // PNG specification, 11.2.2: IHDR comes first and starts with width and height.
    private static ImageHeader? ReadPng(ReadOnlySpan<byte> file) =>
        file.Length >= 24 && file[12..16].SequenceEqual("IHDR"u8)
            ? Of(ImageFormat.Png, BinaryPrimitives.ReadUInt32BigEndian(file[16..]), BinaryPrimitives.ReadUInt32BigEndian(file[20..]))
            : null;

    // ITU T.81, B.2.2: the frame header follows one of the markers SOF0 to SOF15 and holds precision, height and width.
    private static ImageHeader? ReadJpeg(ReadOnlySpan<byte> file)
    {
        var at = 2;
        while (at + 9 <= file.Length && file[at] == 0xFF)
        {
            var marker = file[at + 1];
            if (marker == 0xFF)
            {
                at++; // A fill byte, which has no length.
                continue;
            }

            if (marker is 0x01 or (>= 0xD0 and <= 0xD8))
            {
                at += 2; // A marker without a length.
                continue;
            }

            // C4, C8 and CC have numbers between those of the frame markers, and are no frame headers.
            if (marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC))
                return Of(ImageFormat.Jpeg, BinaryPrimitives.ReadUInt16BigEndian(file[(at + 7)..]),
                    BinaryPrimitives.ReadUInt16BigEndian(file[(at + 5)..]));
            at += 2 + BinaryPrimitives.ReadUInt16BigEndian(file[(at + 2)..]);
        }

        return null;
    }

    // RFC 9649: lossy (9.1 of RFC 6386), lossless (3.4) and extended (2.7) files keep the size in different places.
    private static ImageHeader? ReadWebP(ReadOnlySpan<byte> file)
    {
        if (file.Length < 30) return null;
        if (file[12..16].SequenceEqual("VP8 "u8))
            return Of(ImageFormat.WebP, BinaryPrimitives.ReadUInt16LittleEndian(file[26..]) & 0x3FFFu,
                BinaryPrimitives.ReadUInt16LittleEndian(file[28..]) & 0x3FFFu);
        if (file[12..16].SequenceEqual("VP8L"u8))
        {
            var bits = BinaryPrimitives.ReadUInt32LittleEndian(file[21..]);
            return Of(ImageFormat.WebP, (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1);
        }

        if (!file[12..16].SequenceEqual("VP8X"u8)) return null;
        return Of(ImageFormat.WebP, (BinaryPrimitives.ReadUInt32LittleEndian(file[24..]) & 0xFFFFFF) + 1,
            (BinaryPrimitives.ReadUInt32LittleEndian(file[26..]) >> 8) + 1);
    }

    private static ImageHeader? Of(ImageFormat format, uint width, uint height) =>
        width is > 0 and <= int.MaxValue && height is > 0 and <= int.MaxValue ? new ImageHeader(format, (int)width, (int)height) : null;
}
