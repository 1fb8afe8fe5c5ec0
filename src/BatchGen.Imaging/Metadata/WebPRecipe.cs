using System.Buffers.Binary;

namespace BatchGen.Imaging.Metadata;

/// <summary>
/// The recipe inside WebP files: EXIF UserComment in the extended container (WebP Container Specification, RFC 9649 section 2.7).
/// </summary>
internal static class WebPRecipe
{
    private const int HeaderBytes = 12;
    private const byte HasExif = 0x08;

    /// <summary>Adds the recipe as the last chunk, and the extended header that announces it.</summary>
    /// <exception cref="InvalidDataException">The file is not one lossless or lossy image.</exception>
    public static byte[] Insert(byte[] webp, string json)
    {
        using var result = new MemoryStream(webp.Length + json.Length * 2 + 256);
        result.Write(webp, 0, HeaderBytes);
        if (ChunkIs(webp, "VP8X"u8))
        {
            result.Write(webp, HeaderBytes, webp.Length - HeaderBytes);
            result.GetBuffer()[HeaderBytes + 8] |= HasExif;
        }
        else
        {
            WriteChunk(result, "VP8X"u8, ExtendedHeader(webp));
            result.Write(webp, HeaderBytes, webp.Length - HeaderBytes);
        }

        WriteChunk(result, "EXIF"u8, ExifComment.Write(json));
        var file = result.ToArray();
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(4), (uint)file.Length - 8);
        return file;
    }

    /// <summary>The comment, or null.</summary>
    /// <exception cref="InvalidDataException">The file is cut off or its metadata damaged.</exception>
    public static string? Find(ReadOnlySpan<byte> webp)
    {
        if (BinaryPrimitives.ReadUInt32LittleEndian(webp[4..]) > webp.Length - 8)
            throw new InvalidDataException("the file is shorter than it says");
        for (var at = HeaderBytes; at < webp.Length;)
        {
            if (webp.Length - at < 8) throw new InvalidDataException("the file ends inside a chunk");
            var length = BinaryPrimitives.ReadUInt32LittleEndian(webp[(at + 4)..]);
            if (length > webp.Length - at - 8) throw new InvalidDataException("the file ends inside a chunk");
            var data = webp.Slice(at + 8, (int)length);
            if (webp.Slice(at, 4).SequenceEqual("EXIF"u8))
            {
                // Some writers keep the mark that JPEG files have.
                return ExifComment.Read(data.StartsWith("Exif\0\0"u8) ? data[6..] : data);
            }

            at += 8 + (int)length + (int)(length & 1);
        }

        return null;
    }

    // Flags, three reserved bytes, then width and height less one in 24 bits each.
    private static byte[] ExtendedHeader(ReadOnlySpan<byte> webp)
    {
        int width, height;
        if (ChunkIs(webp, "VP8L"u8))
        {
            // RFC 9649 section 3.4: signature byte, 14 bits each.
            var bits = BinaryPrimitives.ReadUInt32LittleEndian(webp[(HeaderBytes + 9)..]);
            width = (int)(bits & 0x3FFF);
            height = (int)((bits >> 14) & 0x3FFF);
        }
        else if (ChunkIs(webp, "VP8 "u8))
        {
            width = (BinaryPrimitives.ReadUInt16LittleEndian(webp[(HeaderBytes + 14)..]) & 0x3FFF) - 1; // RFC 6386 section 9.1.
            height = (BinaryPrimitives.ReadUInt16LittleEndian(webp[(HeaderBytes + 16)..]) & 0x3FFF) - 1;
        }
        else
        {
            throw new InvalidDataException("The WebP encoder wrote a form that is not known.");
        }

        return [HasExif, 0, 0, 0, (byte)width, (byte)(width >> 8), 0, (byte)height, (byte)(height >> 8), 0];
    }

    private static bool ChunkIs(ReadOnlySpan<byte> webp, ReadOnlySpan<byte> name) =>
        webp.Length >= HeaderBytes + 18 && webp.Slice(HeaderBytes, 4).SequenceEqual(name);

    private static void WriteChunk(MemoryStream target, ReadOnlySpan<byte> name, ReadOnlySpan<byte> data)
    {
        if ((target.Length & 1) == 1) target.WriteByte(0);
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(length, (uint)data.Length);
        target.Write(name);
        target.Write(length);
        target.Write(data);
        if ((data.Length & 1) == 1) target.WriteByte(0);
    }
}
