using BatchGen.Diffusion.Weights;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Adapters;

/// <summary>
/// Keeps the bytes of base tensors, or where to read them again, while fused weights stand in their memory, and puts exactly those bytes
/// back.
/// </summary>
/// <remarks>
/// Putting bytes back is a copy of equal types, never arithmetic; the checksum after every batch checks it. A bias that the layer does not
/// have has no memory to stand in and gets an overlay.
/// </remarks>
internal sealed class OriginalBytes(FuseMode mode) : IDisposable
{
    private readonly Dictionary<Weight, Tensor?> _written = [];

    /// <summary>Writes fused numbers over a weight, after its bytes were saved where the mode says so.</summary>
    public void Write(Weight weight, Tensor fused)
    {
        if (weight.Base is not { } original)
        {
            weight.SetOverlay(fused.clone());
            _written.TryAdd(weight, null);
            return;
        }

        if (!_written.ContainsKey(weight))
        {
            using var scope = NewDisposeScope();
            // A copy even on the CPU, where cpu() would give the tensor itself.
            _written[weight] = mode == FuseMode.InPlace ? original.to(CPU, copy: true).DetachFromDisposeScope() : null;
        }

        weight.WriteInPlace(fused);
    }

    /// <summary>Puts the old bytes of every weight back.</summary>
    public void Restore()
    {
        foreach (var (weight, saved) in _written)
        {
            if (weight.Base is null)
            {
                weight.DropOverlay();
            }
            else if (saved is not null)
            {
                weight.WriteInPlace(saved);
                saved.Dispose();
            }
            else
            {
                using var fresh = weight.Origin!.Read();
                weight.WriteInPlace(fresh);
            }
        }

        _written.Clear();
    }

    public void Dispose() => Restore();
}
