using BatchGen.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Adapters;

/// <summary>Memory of dropped overlays, kept for the next ones.</summary>
/// <remarks>
/// On the CPU, memory fresh from the system costs more than the arithmetic of a fuse: every page is zeroed at first touch. CUDA has its own
/// caching allocator, so nothing is kept there. A kept buffer is never read before it is written over.
/// </remarks>
internal sealed class OverlayBuffers(long maxBytes) : IDisposable
{
    private readonly Dictionary<Weight, Tensor> _kept = [];
    private long _bytes;
    private Tensor? _scratch;

    /// <summary>The buffer kept for a weight, owned by the caller from now on; null when there is none.</summary>
    public Tensor? Take(Weight weight)
    {
        if (!_kept.Remove(weight, out var buffer)) return null;
        _bytes -= SizeOf(buffer);
        return buffer;
    }

    /// <summary>Keeps a dropped overlay if there is room, else frees it.</summary>
    public void Keep(Weight weight, Tensor overlay)
    {
        if (overlay.device_type != DeviceType.CPU || _bytes + SizeOf(overlay) > maxBytes || !_kept.TryAdd(weight, overlay))
            overlay.Dispose();
        else _bytes += SizeOf(overlay);
    }

    /// <summary>A float32 tensor to sum in, shared by every weight: its content is whatever was there.</summary>
    public Tensor Scratch(long[] shape, Device device)
    {
        var count = shape.Aggregate(1L, (product, size) => product * size);
        if (_scratch is null || _scratch.numel() < count || _scratch.device_type != device.type)
        {
            _scratch?.Dispose();
            _scratch = empty(count, ScalarType.Float32, device).DetachFromDisposeScope();
        }

        return _scratch.narrow(0, 0, count).view(shape);
    }

    public void Dispose()
    {
        foreach (var buffer in _kept.Values) buffer.Dispose();
        _kept.Clear();
        _bytes = 0;
        _scratch?.Dispose();
        _scratch = null;
    }

    private static long SizeOf(Tensor tensor) => tensor.numel() * tensor.element_size();
}
