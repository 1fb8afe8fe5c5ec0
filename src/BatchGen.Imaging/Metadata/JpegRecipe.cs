using System.Buffers.Binary;
using System.Text;

namespace BatchGen.Imaging.Metadata;

/// <summary>The recipe inside JPEG files: EXIF UserComment, or comment segments when it is too long for one segment.</summary>
internal static class JpegRecipe
{
    private const byte StartOfScan = 0xDA;
    private const byte EndOfImage = 0xD9;
    private const byte ExifSegment = 0xE1;
    private const byte JfifSegment = 0xE0;
    private const byte CommentSegment = 0xFE;
    private const int MaxSegmentBytes = 65_533; // A segment's length field has 16 bits and counts itself.

    private static ReadOnlySpan<byte> ExifMark => "Exif\0\0"u8;

    private static ReadOnlySpan<byte> CommentMark => "batchgen:"u8;

    /// <summary>Adds the recipe after the start of the file (after the JFIF segment, which must come first).</summary>
    public static byte[] Insert(byte[] jpeg, string json)
    {
        var at = 2;
        if (jpeg[2] == 0xFF && jpeg[3] == JfifSegment) at += 2 + BinaryPrimitives.ReadUInt16BigEndian(jpeg.AsSpan(4));
        using var result = new MemoryStream(jpeg.Length + json.Length * 2 + 256);
        result.Write(jpeg, 0, at);
        var exif = ExifComment.Write(json);
        if (ExifMark.Length + exif.Length <= MaxSegmentBytes)
        {
            WriteSegment(result, ExifSegment, ExifMark, exif);
        }
        else
        {
            foreach (var part in Encoding.UTF8.GetBytes(json).Chunk(MaxSegmentBytes - CommentMark.Length))
                WriteSegment(result, CommentSegment, CommentMark, part);
        }

        result.Write(jpeg, at, jpeg.Length - at);
        return result.ToArray();
    }

    /// <summary>The recipe's JSON or another comment found in its place, or null.</summary>
    /// <exception cref="InvalidDataException">The file is cut off or its metadata damaged.</exception>
    public static string? Find(ReadOnlySpan<byte> jpeg)
    {
        using var parts = new MemoryStream();
        string? comment = null;
        for (var at = 2; ;)
        {
            if (jpeg.Length - at < 4 || jpeg[at] != 0xFF) throw new InvalidDataException("the file ends before its pixels, or is damaged");
            var type = jpeg[at + 1];
            if (type == 0xFF)
            {
                at++; // Fill bytes are legal before a segment.
                continue;
            }

            if (type is StartOfScan or EndOfImage) break;
            var length = BinaryPrimitives.ReadUInt16BigEndian(jpeg[(at + 2)..]);
            if (length < 2 || at + 2 + length > jpeg.Length) throw new InvalidDataException("the file ends inside a segment");
            var data = jpeg.Slice(at + 4, length - 2);
            if (type == ExifSegment && data.StartsWith(ExifMark)) comment ??= ExifComment.Read(data[ExifMark.Length..]);
            else if (type == CommentSegment && data.StartsWith(CommentMark)) parts.Write(data[CommentMark.Length..]);
            at += 2 + length;
        }

        return parts.Length > 0 ? Encoding.UTF8.GetString(parts.ToArray()) : comment;
    }

    private static void WriteSegment(MemoryStream target, byte type, ReadOnlySpan<byte> mark, ReadOnlySpan<byte> data)
    {
        Span<byte> head = [0xFF, type, 0, 0];
        BinaryPrimitives.WriteUInt16BigEndian(head[2..], (ushort)(2 + mark.Length + data.Length));
        target.Write(head);
        target.Write(mark);
        target.Write(data);
    }
}
