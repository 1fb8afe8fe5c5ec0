using TorchSharp;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Weights;

/// <summary>Damages a tensor on purpose, so that tests can show the damage is found. Nothing a user can reach calls it.</summary>
internal static class WeightFault
{
    /// <summary>Flips one bit of a tensor in memory, behind every check's back.</summary>
    /// <param name="tensor">A CPU tensor.</param>
    /// <param name="bit">Which bit, counted through its bytes.</param>
    public static void FlipBit(Tensor tensor, long bit)
    {
        using var scope = NewDisposeScope();
        if (tensor.device_type != DeviceType.CPU || !tensor.is_contiguous())
            throw new ArgumentException("Only a contiguous CPU tensor can be damaged.", nameof(tensor));
        var element = bit / 8 / tensor.element_size();
        var bytes = tensor.view(-1).narrow(0, element, 1).bytes;
        bytes[(int)(bit / 8 % tensor.element_size())] ^= (byte)(1 << (int)(bit % 8));
    }
}
