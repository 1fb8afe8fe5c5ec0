using System.Buffers.Binary;
using System.Text.Json;

namespace BatchGen.Diffusion.Safetensors;

/// <summary>One tensor to write.</summary>
/// <param name="Name">The key.</param>
/// <param name="Type">Element type.</param>
/// <param name="Shape">Sizes; empty for a scalar.</param>
/// <param name="Bytes">Little-endian elements in row order.</param>
internal sealed record SafetensorsItem(string Name, SafetensorsType Type, long[] Shape, ReadOnlyMemory<byte> Bytes);

/// <summary>Writes safetensors files.</summary>
internal static class SafetensorsWriter
{
    /// <summary>Writes tensors in the given order; the header is padded to a multiple of 8, as upstream does.</summary>
    /// <exception cref="ArgumentException">A tensor's bytes do not match its shape, or a name comes twice.</exception>
    public static void Write(string path, IReadOnlyList<SafetensorsItem> items, IReadOnlyDictionary<string, string>? metadata = null)
    {
        foreach (var item in items)
        {
            var expected = LengthOf(item.Type, item.Shape);
            if (expected != item.Bytes.Length)
                throw new ArgumentException(
                    $"Tensor '{item.Name}' has {item.Bytes.Length} bytes; its shape calls for {expected}.", nameof(items));
        }

        Write(path, items.Select(item => (item.Name, item.Type, item.Shape)).ToArray(),
            (index, stream) => stream.Write(items[index].Bytes.Span), metadata);
    }

    /// <summary>Writes tensors whose bytes are made as they are written, so that a file may be larger than memory.</summary>
    /// <param name="path">The file.</param>
    /// <param name="tensors">Names, types and shapes, in the order of the bytes.</param>
    /// <param name="fill">Writes exactly the bytes of the tensor with this number.</param>
    /// <param name="metadata">The file's own metadata.</param>
    public static void Write(
        string path, IReadOnlyList<(string Name, SafetensorsType Type, long[] Shape)> tensors, Action<int, Stream> fill,
        IReadOnlyDictionary<string, string>? metadata = null)
    {
        var header = Header(tensors, metadata);
        using var stream = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 1 << 16);
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)header.Length);
        stream.Write(length);
        stream.Write(header);
        for (var i = 0; i < tensors.Count; i++)
        {
            var start = stream.Position;
            fill(i, stream);
            if (stream.Position - start != LengthOf(tensors[i].Type, tensors[i].Shape))
                throw new ArgumentException($"Tensor '{tensors[i].Name}' was not filled to its length.", nameof(fill));
        }
    }

    private static long LengthOf(SafetensorsType type, long[] shape) =>
        shape.Aggregate((long)type.SizeBytes(), (product, size) => checked(product * size));

    private static byte[] Header(
        IReadOnlyList<(string Name, SafetensorsType Type, long[] Shape)> items, IReadOnlyDictionary<string, string>? metadata)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                json.WriteStartObject("__metadata__");
                foreach (var (key, value) in metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal)) json.WriteString(key, value);
                json.WriteEndObject();
            }

            var names = new HashSet<string>(StringComparer.Ordinal);
            long offset = 0;
            foreach (var item in items)
            {
                if (!names.Add(item.Name)) throw new ArgumentException($"Tensor '{item.Name}' comes twice.", nameof(items));
                json.WriteStartObject(item.Name);
                json.WriteString("dtype", item.Type.ToName());
                json.WriteStartArray("shape");
                foreach (var size in item.Shape) json.WriteNumberValue(size);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                json.WriteNumberValue(offset += LengthOf(item.Type, item.Shape));
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        while (buffer.Length % 8 != 0) buffer.WriteByte((byte)' ');
        return buffer.ToArray();
    }
}
