using System.Text.Json;
using System.Text.Unicode;

namespace BatchGen.Diffusion.Safetensors;

/// <summary>The checked header of a safetensors file.</summary>
/// <remarks>
/// Rules: docs/adapter-formats.md section 1, after huggingface/safetensors safetensors/src/tensor.rs. A header that passes
/// describes ranges that lie inside the file, do not overlap, leave no hole and end at the file's end, so that reading
/// a tensor needs no further check.
/// </remarks>
internal sealed class SafetensorsHeader
{
    /// <summary>Longest header the format allows.</summary>
    public const long MaxHeaderBytes = 100_000_000;

    // Real shapes have up to 5 axes; the limit only keeps a hostile header from filling memory with axes of size 1.
    private const int MaxAxes = 64;

    // Root, tensor entry, shape list: three levels are all the format has. A few more lets unknown fields be skipped.
    private const int MaxDepth = 8;

    private SafetensorsHeader(IReadOnlyList<SafetensorsEntry> entries, IReadOnlyDictionary<string, string> metadata, long dataOffset)
    {
        Entries = entries;
        Metadata = metadata;
        DataOffset = dataOffset;
    }

    /// <summary>The tensors in the order of their bytes in the file.</summary>
    public IReadOnlyList<SafetensorsEntry> Entries { get; }

    /// <summary>The <c>__metadata__</c> map; empty when there is none.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Where the tensors' bytes begin.</summary>
    public long DataOffset { get; }

    /// <summary>Checks the eight length bytes at the start of a file and gives the header's length.</summary>
    /// <exception cref="SafetensorsException">They cannot begin a safetensors file.</exception>
    public static int CheckLength(ReadOnlySpan<byte> start, long fileBytes, string path)
    {
        RefuseOtherFormats(start, path);
        if (fileBytes < 8 || start.Length < 8)
            throw new SafetensorsException(
                path, $"has {fileBytes} bytes, too few for a safetensors file. It may be cut off: copy or download it again.");
        var length = BitConverter.ToUInt64(start);
        if (length > MaxHeaderBytes)
        {
            throw new SafetensorsException(
                path, $"says its header has {length} bytes, but the safetensors format allows {MaxHeaderBytes}. "
                    + "It is damaged or not a safetensors file.");
        }

        if ((long)length > fileBytes - 8)
        {
            throw new SafetensorsException(
                path,
                $"says its header has {length} bytes, but only {fileBytes - 8} follow. It may be cut off: copy or download it again.");
        }

        return (int)length;
    }

    /// <summary>Reads and checks a header.</summary>
    /// <param name="json">The header's bytes, without the length in front.</param>
    /// <param name="fileBytes">Length of the whole file.</param>
    /// <param name="path">The file, for messages.</param>
    /// <exception cref="SafetensorsException">The header breaks a rule of the format.</exception>
    public static SafetensorsHeader Parse(ReadOnlySpan<byte> json, long fileBytes, string path)
    {
        if (json.IsEmpty || json[0] != (byte)'{') throw Bad(path, "does not begin with '{'");
        if (!Utf8.IsValid(json)) throw Bad(path, "is not valid UTF-8");
        // The format pads with spaces and nothing else.
        var trimmed = json.TrimEnd((byte)' ');
        var dataOffset = 8L + json.Length;
        var reader = new Utf8JsonReader(trimmed, new JsonReaderOptions { MaxDepth = MaxDepth });
        try
        {
            var names = new HashSet<string>(StringComparer.Ordinal);
            var entries = new List<SafetensorsEntry>();
            IReadOnlyDictionary<string, string>? metadata = null;
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var name = Text(ref reader, path);
                if (!names.Add(name)) throw Bad(path, $"names '{name}' twice");
                reader.Read();
                if (name == "__metadata__") metadata = ReadMetadata(ref reader, path);
                else entries.Add(ReadEntry(ref reader, name, dataOffset, fileBytes, path));
            }

            if (trimmed[^1] != (byte)'}' || reader.Read()) throw Bad(path, "goes on after its closing '}'");
            return new SafetensorsHeader(
                InFileOrder(entries, dataOffset, fileBytes, path), metadata ?? new Dictionary<string, string>(), dataOffset);
        }
        catch (JsonException error)
        {
            throw Bad(path, $"is not valid JSON at byte {error.BytePositionInLine}", error);
        }
    }

    private static void RefuseOtherFormats(ReadOnlySpan<byte> start, string path)
    {
        // A legal header length can begin with any of these bytes; then zeros and the header's '{' follow.
        if (start is [_, _, _, _, 0, 0, 0, 0, (byte)'{', ..]) return;
        var kind = start switch
        {
            [(byte)'P', (byte)'K', 3, 4, ..] => "a zip archive, as torch.save writes it (.pt, .ckpt, .bin, .pth)",
            [0x80, >= 2 and <= 5, ..] => "a Python pickle (.pt, .ckpt, .bin, .pth)",
            [(byte)'G', (byte)'G', (byte)'U', (byte)'F', ..] => "a GGUF file",
            [(byte)'<', (byte)'!' or (byte)'h' or (byte)'H', ..] => "a web page: the download may have needed a login",
            [(byte)'v', (byte)'e', (byte)'r', (byte)'s', (byte)'i', (byte)'o', (byte)'n', (byte)' ', ..] =>
                "a Git LFS pointer, not the file itself: run 'git lfs pull' where it came from",
            _ => null,
        };
        if (kind is not null)
        {
            throw new SafetensorsException(
                path, $"is {kind}. BatchGen reads safetensors files only, because pickles can run code; "
                    + "get the .safetensors form or convert it with its own tools.");
        }
    }

    private static Dictionary<string, string> ReadMetadata(ref Utf8JsonReader reader, string path)
    {
        if (reader.TokenType != JsonTokenType.StartObject) throw Bad(path, "has a '__metadata__' that is not an object");
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = Text(ref reader, path);
            reader.Read();
            if (reader.TokenType != JsonTokenType.String) throw Bad(path, $"has a '__metadata__' value for '{key}' that is not text");
            if (!metadata.TryAdd(key, Text(ref reader, path))) throw Bad(path, $"names '{key}' twice in '__metadata__'");
        }

        return metadata;
    }

    private static SafetensorsEntry ReadEntry(ref Utf8JsonReader reader, string name, long dataOffset, long fileBytes, string path)
    {
        if (reader.TokenType != JsonTokenType.StartObject) throw Bad(path, $"does not describe tensor '{name}' by an object");
        string? typeName = null;
        long[]? shape = null;
        long[]? offsets = null;
        var fields = new HashSet<string>(StringComparer.Ordinal);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var field = Text(ref reader, path);
            if (!fields.Add(field)) throw Bad(path, $"gives '{field}' of tensor '{name}' twice");
            reader.Read();
            switch (field)
            {
                case "dtype" when reader.TokenType == JsonTokenType.String:
                    typeName = Text(ref reader, path);
                    break;
                case "shape":
                    shape = ReadNumbers(ref reader, name, field, MaxAxes, path);
                    break;
                case "data_offsets":
                    offsets = ReadNumbers(ref reader, name, field, 2, path);
                    break;
                default:
                    throw Bad(path, $"has an unknown or ill-typed field '{field}' for tensor '{name}'");
            }
        }

        if (typeName is null || shape is null || offsets is not { Length: 2 })
            throw Bad(path, $"lacks dtype, shape or two data_offsets for tensor '{name}'");
        if (!SafetensorsTypes.TryParse(typeName, out var type))
            throw Bad(path, $"gives tensor '{name}' the element type '{typeName}'; known are {SafetensorsTypes.AllNames}");
        var (begin, end) = (offsets[0], offsets[1]);
        if (begin > end || end > fileBytes - dataOffset)
        {
            throw Bad(
                path, $"puts tensor '{name}' at bytes {begin} to {end}, but {fileBytes - dataOffset} bytes of data follow the header. "
                    + "The file may be cut off: copy or download it again");
        }

        if (ByteCount(shape, type) != end - begin)
            throw Bad(path,
                $"gives tensor '{name}' ({typeName} [{string.Join(", ", shape)}]) {end - begin} bytes, which does not match its shape");
        return new SafetensorsEntry(name, type, shape, dataOffset + begin, end - begin);
    }

    /// <summary>Bytes of a tensor, or -1 when the product leaves the range of 64 bits.</summary>
    private static long ByteCount(long[] shape, SafetensorsType type)
    {
        // A size of zero makes the product zero whatever the other axes say, as upstream's checked product does only when no
        // factor overflowed before; both readings agree on every file that fits a disk.
        try
        {
            long count = type.SizeBytes();
            foreach (var size in shape) count = checked(count * size);
            return count;
        }
        catch (OverflowException)
        {
            return -1;
        }
    }

    private static long[] ReadNumbers(ref Utf8JsonReader reader, string name, string field, int limit, string path)
    {
        if (reader.TokenType != JsonTokenType.StartArray) throw Bad(path, $"has a '{field}' of tensor '{name}' that is not a list");
        var numbers = new List<long>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out var number) || number < 0)
                throw Bad(path, $"has a '{field}' of tensor '{name}' that holds something else than whole numbers from 0 to 2^63-1");
            if (numbers.Count == limit) throw Bad(path, $"has a '{field}' of tensor '{name}' with more than {limit} numbers");
            numbers.Add(number);
        }

        return [.. numbers];
    }

    private static List<SafetensorsEntry> InFileOrder(List<SafetensorsEntry> entries, long dataOffset, long fileBytes, string path)
    {
        // Empty tensors sort before the one that begins at the same byte, so every range must begin where the last ended.
        entries.Sort((left, right) => (left.Offset, left.LengthBytes, left.Name).CompareTo((right.Offset, right.LengthBytes, right.Name)));
        var position = dataOffset;
        foreach (var entry in entries)
        {
            if (entry.Offset != position)
            {
                throw Bad(path, entry.Offset < position
                    ? $"puts tensor '{entry.Name}' over another one"
                    : $"leaves {entry.Offset - position} unused bytes before tensor '{entry.Name}'");
            }

            position += entry.LengthBytes;
        }

        if (position != fileBytes)
            throw Bad(path, $"describes {position - dataOffset} bytes of data, but {fileBytes - dataOffset} follow it");
        return entries;
    }

    private static string Text(ref Utf8JsonReader reader, string path)
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException error)
        {
            // Half of a surrogate pair written as an escape: valid bytes, but no text.
            throw Bad(path, "holds an escape that is no character", error);
        }
    }

    private static SafetensorsException Bad(string path, string what, Exception? inner = null) =>
        new(path, $"The safetensors header {what}. The file is damaged or made by a faulty program.", inner);
}
