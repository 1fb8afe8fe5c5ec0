using TorchSharp;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Weights;

/// <summary>Where a tensor's numbers lie, for kernels of our own.</summary>
internal static unsafe class TensorMemory
{
    /// <summary>
    /// True when the numbers are of the type and lie in one piece in the processor's memory, which <see cref="Address"/> can name.
    /// </summary>
    public static bool IsPlain(Tensor tensor, ScalarType type) =>
        tensor.dtype == type && tensor.device_type == DeviceType.CPU && tensor.is_contiguous()
        && tensor.numel() <= int.MaxValue / tensor.element_size();

    /// <summary>Address of the first number. Torch's memory does not move; the caller's tensor keeps it alive.</summary>
    /// <param name="tensor">A plain tensor.</param>
    public static void* Address(Tensor tensor)
    {
        fixed (byte* address = tensor.bytes) return address;
    }
}
