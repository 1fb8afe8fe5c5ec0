using BatchGen.Diffusion.Weights;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace BatchGen.Diffusion.Models;

// The four kinds of layer that hold parameters. Each reads its Weight at every call, so that a fused overlay takes effect and an unloaded
// one ends at once; none has state of its own. Outputs are new tensors in the caller's dispose scope.

/// <summary>y = x Wᵀ + b.</summary>
/// <param name="weights">Where the parameters come from.</param>
/// <param name="key">Name of the layer.</param>
/// <param name="inputs">Width of x.</param>
/// <param name="outputs">Width of y.</param>
/// <param name="bias">Whether the layer has one; an adapter may create it otherwise.</param>
/// <param name="isKernel">True where the checkpoint keeps the matrix as a convolution of one pixel, [outputs, inputs, 1, 1].</param>
internal sealed class Linear(ComponentWeights weights, string key, long inputs, long outputs, bool bias = true, bool isKernel = false)
{
    private readonly Weight _weight =
        isKernel ? weights.Take(key + ".weight", outputs, inputs, 1, 1) : weights.Take(key + ".weight", outputs, inputs);
    private readonly Weight _bias = bias ? weights.Take(key + ".bias", outputs) : weights.TakeAbsent(key + ".bias");

    public Tensor Forward(Tensor x) => Product(x, _weight.Value, _bias.ValueOrNull);

    /// <summary>Some of the outputs only.</summary>
    /// <param name="x">[..., inputs].</param>
    /// <param name="first">First output.</param>
    /// <param name="count">Number of outputs.</param>
    public Tensor Forward(Tensor x, long first, long count)
    {
        using var scope = NewDisposeScope();
        return Product(x, _weight.Value.narrow(0, first, count), _bias.ValueOrNull?.narrow(0, first, count)).MoveToOuterDisposeScope();
    }

    private Tensor Product(Tensor x, Tensor weight, Tensor? bias)
    {
        OperationTrace.Note(OperationKind.MatrixProduct, x, weight);
        using var scope = NewDisposeScope();
        if (MatrixProduct.PrefersKernels(x)) return MatrixProduct.ByKernels(x, weight, bias).MoveToOuterDisposeScope();
        return F.linear(x, isKernel ? weight.view(weight.shape[0], weight.shape[1]) : weight, bias).MoveToOuterDisposeScope();
    }
}

/// <summary>A two-dimensional convolution with a square kernel.</summary>
internal sealed class Convolution(
    ComponentWeights weights, string key, long inputs, long outputs, long kernel, long stride = 1, long padding = 0)
{
    private readonly Weight _weight = weights.Take(key + ".weight", outputs, inputs, kernel, kernel);
    private readonly Weight _bias = weights.Take(key + ".bias", outputs);
    private readonly long[] _stride = [stride, stride];
    private readonly long[] _padding = [padding, padding];

    public Tensor Forward(Tensor x)
    {
        OperationTrace.Note(OperationKind.Convolution, x, _weight.Value, stride, padding);
        return F.conv2d(x, _weight.Value, _bias.ValueOrNull, _stride, _padding);
    }
}

/// <summary>Normalization over groups of channels.</summary>
internal sealed class GroupNorm(ComponentWeights weights, string key, long groups, long channels, double eps)
{
    private readonly Weight _weight = weights.Take(key + ".weight", channels);
    private readonly Weight _bias = weights.Take(key + ".bias", channels);

    public Tensor Forward(Tensor x) => F.group_norm(x, groups, _weight.Value, _bias.Value, eps);
}

/// <summary>Normalization over the last axis.</summary>
internal sealed class LayerNorm(ComponentWeights weights, string key, long width, double eps)
{
    private readonly Weight _weight = weights.Take(key + ".weight", width);
    private readonly Weight _bias = weights.Take(key + ".bias", width);
    private readonly long[] _shape = [width];

    public Tensor Forward(Tensor x) => F.layer_norm(x, _shape, _weight.Value, _bias.Value, eps);
}

/// <summary>Matrix products by the fastest library at hand.</summary>
/// <remarks>
/// For float32 on a CPU torch sends products to MKL, which on processors of other makers than its own runs at about 40 % of the rate that
/// oneDNN's convolution of one pixel reaches with the same numbers (measured on an AMD EPYC with AVX-512: 205 and 500 billion operations a
/// second on two cores).
/// </remarks>
internal static class MatrixProduct
{
    // Few rows are bound by reading the matrix; there is nothing to gain.
    private const long FewRows = 16;

    /// <summary>True when a product of these rows is faster as a convolution.</summary>
    public static bool PrefersKernels(Tensor x) =>
        x.dtype == ScalarType.Float32 && x.device_type == TorchSharp.DeviceType.CPU && x.numel() / x.shape[^1] >= FewRows;

    /// <summary>x Wᵀ + b as a convolution of one pixel over rows laid out channels last: the same memory, seen otherwise.</summary>
    /// <param name="x">[..., K].</param>
    /// <param name="weight">[N, K] or [N, K, 1, 1].</param>
    /// <param name="bias">[N] or null.</param>
    /// <returns>[..., N].</returns>
    public static Tensor ByKernels(Tensor x, Tensor weight, Tensor? bias)
    {
        using var scope = NewDisposeScope();
        var shape = x.shape;
        var (depth, count) = (shape[^1], weight.shape[0]);
        var rows = x.numel() / depth;
        // Work is shared out along the height as well, where the rows divide.
        var height = rows % 64 == 0 ? 64 : 1;
        var pixels = x.reshape(1, height, rows / height, depth).permute(0, 3, 1, 2);
        var product = F.conv2d(pixels, weight.view(count, depth, 1, 1), bias);
        shape[^1] = count;
        return product.permute(0, 2, 3, 1).reshape(shape).MoveToOuterDisposeScope();
    }
}

/// <summary>How images lie in memory between layers.</summary>
/// <remarks>
/// Channels last suits the convolution kernels of CPUs (15 to 35 % faster where there are many pixels) and makes an image's pixels the rows
/// of the transformer's matrices without a copy. At few pixels the kernels' weights, which lie channels first, would have to be turned at
/// every call, and that takes longer than it saves.
/// </remarks>
internal static class MemoryLayout
{
    private const long FewPixels = 2048;

    /// <summary>The image in the layout that suits its size; what was given is disposed if it is not it.</summary>
    public static Tensor Suit(Tensor x)
    {
        if (x.device_type != TorchSharp.DeviceType.CPU) return x;
        using var scope = NewDisposeScope();
        var turned = x.permute(0, 2, 3, 1);
        var (isLast, wantsLast) = (turned.is_contiguous(), x.shape[0] * x.shape[2] * x.shape[3] >= FewPixels);
        if (wantsLast ? isLast : x.is_contiguous()) return x;
        var suited = (wantsLast ? turned.contiguous().permute(0, 3, 1, 2) : x.contiguous()).MoveToOuterDisposeScope();
        x.Dispose();
        return suited;
    }
}
