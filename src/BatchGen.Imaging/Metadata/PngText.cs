using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;
using System.Text;

namespace BatchGen.Imaging.Metadata;

/// <summary>Text chunks of PNG files (PNG specification, third edition, sections 11.3.3.2 to 11.3.3.4).</summary>
internal static class PngText
{
    /// <summary>Keyword of the chunk that holds the recipe as JSON.</summary>
    public const string RecipeKeyword = "batchgen";

    /// <summary>Keyword of the chunk that holds the recipe as other image tools read it.</summary>
    public const string ParametersKeyword = "parameters";

    // A compressed text chunk may unpack to anything; no recipe comes near this.
    private const int MaxTextBytes = 16 << 20;

    private const int SignatureEnd = 8;
    private const int HeaderEnd = SignatureEnd + 12 + 13; // Signature, then the IHDR chunk.

    /// <summary>Adds text chunks right after the header, where readers find them without reading the pixels.</summary>
    public static byte[] Insert(byte[] png, IReadOnlyList<(string Keyword, string Text)> texts)
    {
        var chunks = texts.Select(text => MakeChunk(text.Keyword, text.Text)).ToArray();
        var result = new byte[png.Length + chunks.Sum(chunk => chunk.Length)];
        png.AsSpan(0, HeaderEnd).CopyTo(result);
        var at = HeaderEnd;
        foreach (var chunk in chunks)
        {
            chunk.CopyTo(result, at);
            at += chunk.Length;
        }

        png.AsSpan(HeaderEnd).CopyTo(result.AsSpan(at));
        return result;
    }

    /// <summary>The text under a keyword, or null.</summary>
    /// <exception cref="InvalidDataException">The file is cut off or a text chunk is damaged.</exception>
    public static string? Find(ReadOnlySpan<byte> png, string keyword)
    {
        var at = SignatureEnd;
        while (at < png.Length)
        {
            if (png.Length - at < 12) throw new InvalidDataException("the file ends inside a chunk");
            var length = BinaryPrimitives.ReadUInt32BigEndian(png[at..]);
            if (length > png.Length - at - 12) throw new InvalidDataException("the file ends inside a chunk");
            var type = png.Slice(at + 4, 4);
            var data = png.Slice(at + 8, (int)length);
            if (type.SequenceEqual("IEND"u8)) return null;
            if (IsText(type))
            {
                if (Crc32.HashToUInt32(png.Slice(at + 4, 4 + (int)length))
                    != BinaryPrimitives.ReadUInt32BigEndian(png[(at + 8 + (int)length)..]))
                    throw new InvalidDataException("a text chunk has a wrong checksum");
                if (ReadText(type, data, keyword) is { } text) return text;
            }

            at += 12 + (int)length;
        }

        throw new InvalidDataException("the file has no end chunk");
    }

    /// <summary>The file without its texts, which a decoder would unpack to any length for nothing; whatever is behind a chunk that is cut
    /// off stays.</summary>
    /// <param name="png">The file.</param>
    /// <param name="profiles">Remove colour profiles too.</param>
    public static byte[] Remove(byte[] png, bool profiles = false)
    {
        var at = SignatureEnd;
        using var kept = new MemoryStream(png.Length);
        kept.Write(png, 0, at);
        while (png.Length - at >= 12)
        {
            var length = BinaryPrimitives.ReadUInt32BigEndian(png.AsSpan(at));
            if (length > png.Length - at - 12) break;
            var size = 12 + (int)length;
            var type = png.AsSpan(at + 4, 4);
            if (!IsText(type) && !(profiles && type.SequenceEqual("iCCP"u8))) kept.Write(png, at, size);
            at += size;
        }

        kept.Write(png, at, png.Length - at);
        return kept.ToArray();
    }

    private static bool IsText(ReadOnlySpan<byte> type) =>
        type.SequenceEqual("tEXt"u8) || type.SequenceEqual("iTXt"u8) || type.SequenceEqual("zTXt"u8);

    private static string? ReadText(ReadOnlySpan<byte> type, ReadOnlySpan<byte> data, string keyword)
    {
        var end = data.IndexOf((byte)0);
        if (end < 0 || !data[..end].SequenceEqual(Encoding.Latin1.GetBytes(keyword))) return null;
        var rest = data[(end + 1)..];
        if (type.SequenceEqual("tEXt"u8)) return Encoding.Latin1.GetString(rest);
        if (type.SequenceEqual("zTXt"u8)) return Encoding.Latin1.GetString(Unpack(rest[Math.Min(1, rest.Length)..]));

        // iTXt: compression flag, method, language, NUL, translated keyword, NUL, text.
        if (rest.Length < 2) throw new InvalidDataException("a text chunk is cut off");
        var compressed = rest[0] == 1;
        rest = rest[2..];
        for (var skipped = 0; skipped < 2; skipped++)
        {
            var separator = rest.IndexOf((byte)0);
            if (separator < 0) throw new InvalidDataException("a text chunk is cut off");
            rest = rest[(separator + 1)..];
        }

        return Encoding.UTF8.GetString(compressed ? Unpack(rest) : rest);
    }

    private static byte[] Unpack(ReadOnlySpan<byte> packed)
    {
        using var source = new ZLibStream(new MemoryStream(packed.ToArray()), CompressionMode.Decompress);
        using var target = new MemoryStream();
        var buffer = new byte[8192];
        for (int read; (read = source.Read(buffer)) > 0;)
        {
            target.Write(buffer, 0, read);
            if (target.Length > MaxTextBytes) throw new InvalidDataException($"a text chunk unpacks to more than {MaxTextBytes} bytes");
        }

        return target.ToArray();
    }

    // Latin-1 texts go into tEXt, which every reader knows; all others into an uncompressed iTXt (UTF-8).
    private static byte[] MakeChunk(string keyword, string text)
    {
        var latin = text.All(c => c is >= ' ' and <= '~' or '\n' or (>= '\u00A1' and <= '\u00FF'));
        var name = Encoding.Latin1.GetBytes(keyword);
        var body = latin ? Encoding.Latin1.GetBytes(text) : Encoding.UTF8.GetBytes(text);
        var data = new byte[name.Length + (latin ? 1 : 5) + body.Length];
        name.CopyTo(data, 0);
        body.CopyTo(data, data.Length - body.Length);

        var chunk = new byte[12 + data.Length];
        BinaryPrimitives.WriteUInt32BigEndian(chunk, (uint)data.Length);
        (latin ? "tEXt"u8 : "iTXt"u8).CopyTo(chunk.AsSpan(4));
        data.CopyTo(chunk, 8);
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(8 + data.Length), Crc32.HashToUInt32(chunk.AsSpan(4, 4 + data.Length)));
        return chunk;
    }
}
