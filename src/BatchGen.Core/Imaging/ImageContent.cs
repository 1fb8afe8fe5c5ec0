using System.Buffers.Binary;
using BatchGen.Core.Jobs;

namespace BatchGen.Core.Imaging;

/// <summary>What decoding an image file would cost, counted from its structure without decoding anything.</summary>
/// <param name="IsAnimated">The file has several frames, or says that it may.</param>
/// <param name="Pixels">Pixels of all frames together, the canvas counted too where it is larger.</param>
/// <param name="Passes">How often the pixels are gone over: the scans of a progressive JPEG image, else 1.</param>
public readonly record struct ImageContent(bool IsAnimated, long Pixels, int Passes)
{
    /// <summary>Longest side of an image that is decoded: that of lossless WebP.</summary>
    public const int MaxEdgePixels = 16_384;

    /// <summary>Most pixels of an image that is decoded: about 200 MB as RGB.</summary>
    public const long MaxPixels = 1L << 26;

    // Programs write about ten scans; files made to keep a decoder busy have thousands. An image of few pixels may have more.
    private const int MaxPassesOfLargest = 16;

    /// <summary>Why an image must not be decoded, and what to do; null when it may.</summary>
    /// <param name="file">The whole file, a PNG, WebP or JPEG image by its first bytes.</param>
    public static string? FindProblem(ReadOnlySpan<byte> file)
    {
        if (ImageHeader.Read(file) is not { } header) return "is damaged: it ends before its size is given. Save it again.";
        var content = Read(file, header);
        if (content.IsAnimated) return "is animated. Save one frame of it as a still image.";
        var (width, height) = (header.WidthPixels, header.HeightPixels);
        if (Math.Max(width, height) > MaxEdgePixels || content.Pixels > MaxPixels)
            return $"has {width} x {height} pixels, {content.Pixels} in all; expected at most {MaxEdgePixels} a side "
                + $"and {MaxPixels} in all. Resize it.";
        return content.Passes * content.Pixels > MaxPassesOfLargest * MaxPixels
            ? $"is stored in {content.Passes} scans, more than an image of its size may have. Save it again as a plain JPEG image." : null;
    }

    /// <summary>Counts the frames and passes of a file.</summary>
    /// <param name="file">The whole file.</param>
    /// <param name="header">Its header.</param>
    public static ImageContent Read(ReadOnlySpan<byte> file, ImageHeader header)
    {
        ArgumentNullException.ThrowIfNull(header);
        var canvas = (long)header.WidthPixels * header.HeightPixels;
        return header.Format switch
        {
            ImageFormat.Png => ReadPng(file, canvas),
            ImageFormat.WebP => ReadWebP(file, canvas),
            ImageFormat.Jpeg => ReadJpeg(file, canvas),
            var format => throw new ArgumentOutOfRangeException(nameof(header), format, "unknown image format"),
        };
    }

    // PNG specification, third edition, 11.3.6: acTL announces an animation, fcTL and fdAT are its frames.
    private static ImageContent ReadPng(ReadOnlySpan<byte> file, long canvas)
    {
        var (at, frames) = (8, 0L);
        while (file.Length - at >= 12 && frames <= MaxPixels)
        {
            var length = BinaryPrimitives.ReadUInt32BigEndian(file[at..]);
            var type = file.Slice(at + 4, 4);
            if (type.SequenceEqual("acTL"u8) || type.SequenceEqual("fcTL"u8) || type.SequenceEqual("fdAT"u8)) return new(true, canvas, 1);
            if (length > file.Length - at - 12) break;
            // A second header: decoders disagree about which one counts.
            if (type.SequenceEqual("IHDR"u8) && length >= 8)
                frames += Area(
                    BinaryPrimitives.ReadUInt32BigEndian(file[(at + 8)..]), BinaryPrimitives.ReadUInt32BigEndian(file[(at + 12)..]));
            at += 12 + (int)length;
        }

        return new(false, Math.Max(canvas, frames), 1);
    }

    // RFC 9649, 2.7: flag 2 of VP8X and the chunks ANIM and ANMF belong to animations; the bitstreams say their own size.
    private static ImageContent ReadWebP(ReadOnlySpan<byte> file, long canvas)
    {
        var (at, frames) = (12, 0L);
        while (file.Length - at >= 8 && frames <= MaxPixels)
        {
            var type = file.Slice(at, 4);
            var length = BinaryPrimitives.ReadUInt32LittleEndian(file[(at + 4)..]);
            var data = file[(at + 8)..];
            if (type.SequenceEqual("ANIM"u8) || type.SequenceEqual("ANMF"u8)) return new(true, canvas, 1);
            if (type.SequenceEqual("VP8X"u8) && data.Length > 0 && (data[0] & 2) != 0) return new(true, canvas, 1);
            frames += PixelsOfBitstream(type, data);
            // Chunks are padded to an even length.
            if (length > data.Length) break;
            at += 8 + (int)Math.Min(length + (length & 1), int.MaxValue - at - 8);
        }

        return new(false, Math.Max(canvas, frames), 1);
    }

    private static long PixelsOfBitstream(ReadOnlySpan<byte> type, ReadOnlySpan<byte> data)
    {
        if (type.SequenceEqual("VP8 "u8) && data.Length >= 10)
            return Area(
                BinaryPrimitives.ReadUInt16LittleEndian(data[6..]) & 0x3FFFu, BinaryPrimitives.ReadUInt16LittleEndian(data[8..]) & 0x3FFFu);
        if (!type.SequenceEqual("VP8L"u8) || data.Length < 5) return 0;
        var bits = BinaryPrimitives.ReadUInt32LittleEndian(data[1..]);
        return Area((bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1);
    }

    // ITU T.81, B.1.1.3: SOF (frame) and SOS (scan) markers; in the data of a scan 0xFF is followed by 0 or a restart marker.
    private static ImageContent ReadJpeg(ReadOnlySpan<byte> file, long canvas)
    {
        var (at, frames, scans) = (2, 0L, 0);
        while (at + 4 <= file.Length && frames <= MaxPixels)
        {
            var next = file[at..].IndexOf((byte)0xFF);
            if (next < 0) break;
            at += next;
            if (at + 4 > file.Length) break;
            var marker = file[at + 1];
            if (marker == 0xFF) at++;
            else if (marker is 0 or 0x01 or (>= 0xD0 and <= 0xD8)) at += 2;
            else if (marker == 0xD9) break; // The end; what follows, such as the other images of a camera's file, is not decoded.
            else
            {
                if (marker == 0xDA) scans++;
                if (marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC) && at + 9 <= file.Length)
                    frames += Area(
                        BinaryPrimitives.ReadUInt16BigEndian(file[(at + 5)..]), BinaryPrimitives.ReadUInt16BigEndian(file[(at + 7)..]));
                at += 2 + Math.Max(2, (int)BinaryPrimitives.ReadUInt16BigEndian(file[(at + 2)..]));
            }
        }

        return new(false, Math.Max(canvas, frames), Math.Max(1, scans));
    }

    // Sides beyond any limit are cut, so that products and sums of what a file claims cannot overflow.
    private static long Area(uint width, uint height) => (long)Math.Min(width, 1u << 24) * Math.Min(height, 1u << 24);
}
