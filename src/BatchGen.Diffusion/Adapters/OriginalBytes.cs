using BatchGen.Diffusion.Weights;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Adapters;

/// <summary>Keeps what base tensors held while fused weights stand in their memory, and puts it back byte for byte.</summary>
/// <remarks>Putting back is a copy of equal types, never arithmetic. A bias that the layer does not have has no memory to stand in and gets an overlay.</remarks>
internal sealed class OriginalBytes(FuseMode mode) : IDisposable
{
    private readonly Dictionary<Weight, Tensor?> _written = [];

    /// <summary>Writes fused numbers over a weight, its original kept.</summary>
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
            _written[weight] = mode == FuseMode.InPlaceSaved ? original.to(CPU, copy: true).DetachFromDisposeScope() : null;
        }

        weight.WriteInPlace(fused);
    }

    /// <summary>Puts every original back.</summary>
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
