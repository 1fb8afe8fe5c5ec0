using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Safetensors;

/// <summary>Makes torch tensors from the bytes of a file, and the other way round.</summary>
internal static class SafetensorsTensors
{
    // Elements converted at a time: a staging piece of this size stays in the cache, so a conversion passes memory once.
    private const int StagingElements = 1 << 18;

    /// <summary>Reads one tensor straight into the tensor's memory where the type is the file's own.</summary>
    /// <param name="file">The file.</param>
    /// <param name="name">Key of the tensor.</param>
    /// <param name="type">Element type wanted; null keeps the file's own.</param>
    /// <param name="device">Device wanted; null is the CPU.</param>
    /// <exception cref="SafetensorsException">No such tensor, or an element type torch does not have.</exception>
    public static Tensor ReadTensor(this SafetensorsFile file, string name, ScalarType? type = null, Device? device = null)
    {
        var entry = file.Find(name) ?? throw new SafetensorsException(file.Path, $"has no tensor '{name}'.");
        return file.ReadTensor(entry, type, device);
    }

    /// <inheritdoc cref="ReadTensor(SafetensorsFile, string, ScalarType?, Device?)" path="/summary"/>
    /// <exception cref="SafetensorsException">An element type torch does not have.</exception>
    public static Tensor ReadTensor(this SafetensorsFile file, SafetensorsEntry entry, ScalarType? type = null, Device? device = null)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var isF8 = entry.Type is SafetensorsType.F8E4M3 or SafetensorsType.F8E5M2;
        var fileType = isF8 ? ScalarType.Float32 : TorchType(entry.Type, file.Path, entry.Name);
        var wanted = type ?? fileType;
        var result = empty(entry.Shape, wanted);
        if (entry.Count > 0)
        {
            if (isF8 || wanted != fileType) Convert(file, entry, fileType, result, isF8);
            else Copy(file, entry, result);
        }

        return (device is null || device.type == DeviceType.CPU ? result : result.to(device)).MoveToOuterDisposeScope();
    }

    /// <summary>Bytes of a contiguous CPU tensor as an item to write.</summary>
    public static SafetensorsItem ToItem(string name, Tensor tensor)
    {
        using var scope = NewDisposeScope();
        var host = tensor.cpu().contiguous();
        return new SafetensorsItem(name, FileType(host.dtype), host.shape, host.bytes.ToArray());
    }

    /// <summary>The element type files use for a torch type.</summary>
    public static SafetensorsType FileType(ScalarType type) => type switch
    {
        ScalarType.Float16 => SafetensorsType.F16,
        ScalarType.BFloat16 => SafetensorsType.BF16,
        ScalarType.Float32 => SafetensorsType.F32,
        ScalarType.Float64 => SafetensorsType.F64,
        ScalarType.Byte => SafetensorsType.U8,
        ScalarType.Int8 => SafetensorsType.I8,
        ScalarType.Int16 => SafetensorsType.I16,
        ScalarType.Int32 => SafetensorsType.I32,
        ScalarType.Int64 => SafetensorsType.I64,
        ScalarType.Bool => SafetensorsType.Bool,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "no safetensors element type"),
    };

    private static ScalarType TorchType(SafetensorsType type, string path, string name) => type switch
    {
        SafetensorsType.F16 => ScalarType.Float16,
        SafetensorsType.BF16 => ScalarType.BFloat16,
        SafetensorsType.F32 => ScalarType.Float32,
        SafetensorsType.F64 => ScalarType.Float64,
        SafetensorsType.U8 => ScalarType.Byte,
        SafetensorsType.I8 => ScalarType.Int8,
        SafetensorsType.I16 => ScalarType.Int16,
        SafetensorsType.I32 => ScalarType.Int32,
        SafetensorsType.I64 => ScalarType.Int64,
        SafetensorsType.Bool => ScalarType.Bool,
        _ => throw new SafetensorsException(path, $"Tensor '{name}' has the element type {type.ToName()}, which cannot be computed with."),
    };

    private static void Copy(SafetensorsFile file, SafetensorsEntry entry, Tensor result)
    {
        // Pieces, because a span ends at 2 GB.
        var flat = result.view(-1);
        var size = entry.Type.SizeBytes();
        const int Piece = 1 << 27;
        for (long at = 0; at < entry.Count; at += Piece)
        {
            using var part = flat.narrow(0, at, Math.Min(Piece, entry.Count - at));
            file.Read(entry, at * size, part.bytes);
        }
    }

    private static void Convert(SafetensorsFile file, SafetensorsEntry entry, ScalarType fileType, Tensor result, bool isF8)
    {
        var flat = result.view(-1);
        var size = entry.Type.SizeBytes();
        using var staging = empty(Math.Min(StagingElements, entry.Count), fileType);
        byte[] codes = isF8 ? new byte[Math.Min(StagingElements, entry.Count)] : [];
        for (long at = 0; at < entry.Count; at += StagingElements)
        {
            var count = (int)Math.Min(StagingElements, entry.Count - at);
            using var from = staging.narrow(0, 0, count);
            using var to = flat.narrow(0, at, count);
            if (isF8)
            {
                file.Read(entry, at, codes.AsSpan(0, count));
                Float8.Decode(codes.AsSpan(0, count), MemoryMarshal.Cast<byte, float>(from.bytes), entry.Type);
            }
            else
            {
                file.Read(entry, at * size, from.bytes);
            }

            to.copy_(from);
        }
    }
}
