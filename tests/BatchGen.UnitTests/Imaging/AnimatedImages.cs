using System.Buffers.Binary;
using System.IO.Hashing;
using BatchGen.Core.Jobs;
using BatchGen.Imaging;

namespace BatchGen.UnitTests.Imaging;

/// <summary>Image files put together chunk by chunk, as no encoder here writes them.</summary>
internal static class AnimatedImages
{
    /// <summary>Every way in which a file can be animated, or say that it is.</summary>
    public static IEnumerable<byte[]> All()
    {
        var image = ImageEncoder.Encode(SampleRecipe.Flat(24, 16, 200, 100, 50), ImageFormat.WebP)[12..];
        var frame = Chunk("ANMF", [.. new byte[6], 23, 0, 0, 15, 0, 0, 100, 0, 0, 0, .. image]);
        yield return WebP(Canvas(24, 16, 2), Chunk("ANIM", new byte[6]), frame, frame);
        yield return WebP(Canvas(24, 16, 2), image); // The flag alone.
        yield return WebP(Canvas(24, 16, 0), Chunk("ANIM", new byte[6]), frame, frame); // Frames without the flag.
        yield return WebP(Canvas(24, 16, 0), image, frame);
        var png = ImageEncoder.Encode(SampleRecipe.Flat(24, 16, 200, 100, 50), ImageFormat.Png);
        yield return [.. png[..33], .. PngChunk("acTL", [0, 0, 0, 2, 0, 0, 0, 0]), .. png[33..]];
        yield return [.. png[..^12], .. PngChunk("fdAT", [0, 0, 0, 1, 0]), .. png[^12..]];
    }

    /// <summary>A WebP file of chunks.</summary>
    public static byte[] WebP(params byte[][] chunks)
    {
        var content = chunks.SelectMany(chunk => chunk).ToArray();
        var file = new byte[12 + content.Length];
        "RIFF"u8.CopyTo(file);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(4), 4 + content.Length);
        "WEBP"u8.CopyTo(file.AsSpan(8));
        content.CopyTo(file, 12);
        return file;
    }

    /// <summary>The chunk of an extended WebP file that says its size.</summary>
    public static byte[] Canvas(int width, int height, byte flags) => Chunk(
        "VP8X", [flags, 0, 0, 0, (byte)(width - 1), (byte)((width - 1) >> 8), 0, (byte)(height - 1), (byte)((height - 1) >> 8), 0]);

    /// <summary>A chunk of a WebP file.</summary>
    public static byte[] Chunk(string type, byte[] data)
    {
        var chunk = new byte[8 + data.Length + (data.Length & 1)];
        System.Text.Encoding.ASCII.GetBytes(type, chunk);
        BinaryPrimitives.WriteInt32LittleEndian(chunk.AsSpan(4), data.Length);
        data.CopyTo(chunk, 8);
        return chunk;
    }

    /// <summary>A chunk of a PNG file, with its checksum.</summary>
    public static byte[] PngChunk(string type, byte[] data)
    {
        var chunk = new byte[12 + data.Length];
        BinaryPrimitives.WriteInt32BigEndian(chunk, data.Length);
        System.Text.Encoding.ASCII.GetBytes(type, chunk.AsSpan(4));
        data.CopyTo(chunk, 8);
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(8 + data.Length), Crc32.HashToUInt32(chunk.AsSpan(4, 4 + data.Length)));
        return chunk;
    }
}
