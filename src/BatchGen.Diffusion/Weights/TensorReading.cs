using System.Buffers.Binary;
using System.IO.Hashing;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Weights;

/// <summary>How to digest one tensor: what torch was asked about it once, so that hashing it again costs the hash alone.</summary>
/// <remarks>A model has hundreds of small tensors; asking each for type, shape and address took longer than hashing it.</remarks>
internal sealed unsafe class TensorReading
{
    // Longer tensors are read in pieces, because a span ends at 2 GB.
    private const long MaxDirectBytes = int.MaxValue;
    private readonly byte[] _header;
    private readonly byte* _address;
    private readonly int _length;

    public TensorReading(Tensor tensor)
    {
        Tensor = tensor;
        var shape = tensor.shape;
        _header = new byte[8 * (shape.Length + 1)];
        BinaryPrimitives.WriteInt64LittleEndian(_header, (long)tensor.dtype);
        for (var axis = 0; axis < shape.Length; axis++)
            BinaryPrimitives.WriteInt64LittleEndian(_header.AsSpan(8 * (axis + 1)), shape[axis]);
        if (tensor.device_type != DeviceType.CPU || !tensor.is_contiguous() || tensor.numel() * tensor.element_size() > MaxDirectBytes)
            return;
        // Torch's memory does not move; the tensor held here keeps it alive, and a disposed one is asked for its handle first.
        var bytes = tensor.bytes;
        fixed (byte* address = bytes) _address = address;
        _length = bytes.Length;
    }

    /// <summary>The tensor this was read from.</summary>
    public Tensor Tensor { get; }

    /// <summary>Digest over element type, shape and bytes as they are now.</summary>
    /// <param name="hash">A hash without content; it is left without content.</param>
    public UInt128 Hash(XxHash128 hash)
    {
        ObjectDisposedException.ThrowIf(Tensor.IsInvalid, Tensor);
        hash.Append(_header);
        if (_length > 0) hash.Append(new ReadOnlySpan<byte>(_address, _length));
        else BaseChecksum.AppendPieces(Tensor, hash);
        var digest = hash.GetCurrentHashAsUInt128();
        hash.Reset();
        return digest;
    }
}
