using System.Buffers.Binary;
using System.Text;

namespace BatchGen.Imaging.Metadata;

/// <summary>The UserComment field of an EXIF block (EXIF 2.32, sections 4.6.2 and 4.6.5; TIFF 6.0, section 2).</summary>
/// <remarks>Written big-endian with text in UTF-16, which is what other image tools write and read.</remarks>
internal static class ExifComment
{
    private const ushort ExifPointerTag = 0x8769;
    private const ushort ExifVersionTag = 0x9000;
    private const ushort UserCommentTag = 0x9286;
    private const ushort TypeLong = 4;
    private const ushort TypeUndefined = 7;
    private const int CharacterCodeBytes = 8;
    private const int TextAt = 8 + 2 + 12 + 4 + 2 + 24 + 4 + CharacterCodeBytes;

    /// <summary>A TIFF block that holds one comment.</summary>
    public static byte[] Write(string text)
    {
        var block = new byte[TextAt + Encoding.BigEndianUnicode.GetByteCount(text)];
        var at = 0;
        void Short(int value)
        {
            BinaryPrimitives.WriteUInt16BigEndian(block.AsSpan(at), (ushort)value);
            at += 2;
        }

        void Long(int value)
        {
            BinaryPrimitives.WriteInt32BigEndian(block.AsSpan(at), value);
            at += 4;
        }

        void Bytes(ReadOnlySpan<byte> bytes)
        {
            bytes.CopyTo(block.AsSpan(at));
            at += bytes.Length;
        }

        // 1. Header, and a first directory whose only entry points to the EXIF directory.
        Bytes("MM"u8); Short(42); Long(8);
        Short(1);
        Short(ExifPointerTag); Short(TypeLong); Long(1); Long(26);
        Long(0);

        // 2. The EXIF directory: version and comment.
        Short(2);
        Short(ExifVersionTag); Short(TypeUndefined); Long(4); Bytes("0232"u8);
        Short(UserCommentTag); Short(TypeUndefined); Long(block.Length - TextAt + CharacterCodeBytes); Long(TextAt - CharacterCodeBytes);
        Long(0);

        // 3. The comment: eight bytes that name the character code, then the text.
        Bytes("UNICODE\0"u8);
        Encoding.BigEndianUnicode.GetBytes(text, block.AsSpan(at));
        return block;
    }

    /// <summary>The comment of a TIFF block, or null.</summary>
    /// <exception cref="InvalidDataException">The block is damaged.</exception>
    public static string? Read(ReadOnlySpan<byte> block)
    {
        if (block.Length < 8) throw new InvalidDataException("the EXIF block is cut off");
        var bigEndian = block[0] == (byte)'M';
        if (!bigEndian && block[0] != (byte)'I') throw new InvalidDataException("the EXIF block has no byte order mark");
        if (FindEntry(block, Number(block, 4, 4, bigEndian), ExifPointerTag, bigEndian) is not { } pointer) return null;
        if (FindEntry(block, Number(block, pointer + 8, 4, bigEndian), UserCommentTag, bigEndian) is not { } entry) return null;

        var length = Number(block, entry + 4, 4, bigEndian);
        var offset = Number(block, entry + 8, 4, bigEndian);
        if (length < CharacterCodeBytes || offset > block.Length || length > block.Length - offset)
            throw new InvalidDataException("the EXIF comment lies outside its block");
        var comment = block.Slice((int)offset, (int)length);
        return ReadText(comment[..CharacterCodeBytes], comment[CharacterCodeBytes..], bigEndian);
    }

    private static string ReadText(ReadOnlySpan<byte> code, ReadOnlySpan<byte> text, bool bigEndian)
    {
        if (!code.StartsWith("UNICODE"u8)) return Encoding.UTF8.GetString(text).TrimEnd('\0');
        // Some writers keep UTF-16 in another order than the block's numbers: JSON starts with '{', whose high byte is 0.
        if (text.Length >= 2 && text[0] == 0 != (text[1] == 0)) bigEndian = text[0] == 0;
        return (bigEndian ? Encoding.BigEndianUnicode : Encoding.Unicode).GetString(text);
    }

    private static long? FindEntry(ReadOnlySpan<byte> block, long directory, ushort tag, bool bigEndian)
    {
        var count = Number(block, directory, 2, bigEndian);
        for (var i = 0L; i < count; i++)
        {
            var entry = directory + 2 + (i * 12);
            if (Number(block, entry, 2, bigEndian) == tag) return entry;
        }

        return null;
    }

    private static long Number(ReadOnlySpan<byte> block, long at, int bytes, bool bigEndian)
    {
        if (at < 0 || at + bytes > block.Length) throw new InvalidDataException("the EXIF block points outside itself");
        var span = block.Slice((int)at, bytes);
        return (bytes, bigEndian) switch
        {
            (2, true) => BinaryPrimitives.ReadUInt16BigEndian(span),
            (2, false) => BinaryPrimitives.ReadUInt16LittleEndian(span),
            (_, true) => BinaryPrimitives.ReadUInt32BigEndian(span),
            (_, false) => BinaryPrimitives.ReadUInt32LittleEndian(span),
        };
    }
}
