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
        var matrix = isKernel ? weight.view(weight.shape[0], weight.shape[1]) : weight;
        return MatrixProduct.Rows(x, matrix, bias).MoveToOuterDisposeScope();
    }
}

/// <summary>A two-dimensional convolution with a square kernel.</summary>
internal sealed class Convolution(
    ComponentWeights weights, string key, long inputs, long outputs, long kernel, long stride = 1, long padding = 0)
{
    private readonly Weight _weight = weights.Take(key + ".weight", outputs, inputs, kernel, kernel);
    private readonly Weight _bias = weights.Take(key + ".bias", outputs);

    public Tensor Forward(Tensor x)
    {
        OperationTrace.Note(OperationKind.Convolution, x, _weight.Value, stride, padding);
        var isProduct = kernel == 1 && stride == 1 && MatrixProduct.IsSmall(x, _weight.Value);
        if (isProduct) return MatrixProduct.Pixels(x, _weight.Value, _bias.ValueOrNull);
        // Alone, a small image would go to other kernels (ConvolutionKernels): it is given a twin, which costs little at that size.
        if (!ConvolutionKernels.LeavesOut(x)) return Convolve(x);
        using var scope = NewDisposeScope();
        return Convolve(cat([x, x], 0)).narrow(0, 0, 1).MoveToOuterDisposeScope();
    }

    private Tensor Convolve(Tensor x) =>
        TriedConvolution.Forward(
            x, _weight.Value, _bias.ValueOrNull, stride, padding, kernel == 1 ? ConvolutionKernels.OnePixelDilation(x) : null);
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

/// <summary>Which kernels torch takes for a float32 convolution on a processor.</summary>
/// <remarks>
/// Torch 2.10 sends a convolution to oneDNN, whose sums do not depend on the number of images, but leaves out some small ones, for which
/// it multiplies by MKL, whose sums do (aten/src/ATen/native/Convolution.cpp, use_mkldnn): a single image of up to
/// <see cref="LeftOutNumbers"/> numbers, and on one thread fewer than 16 images through a kernel of one pixel. An image must not depend on
/// how many are drawn with it, so all are sent to oneDNN.
/// </remarks>
internal static class ConvolutionKernels
{
    /// <summary>A single image of this many numbers or fewer is left out.</summary>
    public const long LeftOutNumbers = 20_480;

    private static readonly long[] Spread = [2, 2];

    /// <summary>Dilation for kernels of one pixel, to which it means nothing: dilated ones are not left out on one thread.</summary>
    public static long[]? OnePixelDilation(Tensor x) => IsFloat32OnProcessor(x) && get_num_threads() == 1 ? Spread : null;

    /// <summary>True when a batch would be left out for its size and must be made one of two images.</summary>
    public static bool LeavesOut(Tensor x) => IsFloat32OnProcessor(x) && x.shape[0] == 1 && x.numel() <= LeftOutNumbers;

    /// <summary>True where kernels are chosen here; elsewhere torch's own choice stands.</summary>
    public static bool IsFloat32OnProcessor(Tensor x) => x.dtype == ScalarType.Float32 && x.device_type == TorchSharp.DeviceType.CPU;
}

/// <summary>Matrix products of which an image's rows come out the same whatever else is in the batch.</summary>
/// <remarks>
/// For float32 on a CPU torch sends products to MKL, which sums in an order that depends on the number of rows, and which on processors of
/// other makers than its own runs at about 40 % of the rate that oneDNN's convolution of one pixel reaches with the same numbers (measured
/// on an AMD EPYC with AVX-512: 205 and 500 billion operations a second on two cores). The convolution's rows do not depend on their
/// number.
/// Where image and weight are small, calling the convolution costs more than it saves: MKL then multiplies each image of the batch by
/// itself, in one call (docs/decisions/0018-same-bytes-in-any-batch.md).
/// </remarks>
internal static class MatrixProduct
{
    // With larger weights MKL shares the sums of a single image out to threads (seen from 80,000 numbers on), and the batch would matter.
    private const long SmallWeight = 65_536;

    /// <summary>x Wᵀ + b.</summary>
    /// <param name="x">[B, L, K]; or [B, K], of which each row is multiplied by itself.</param>
    /// <param name="weight">[N, K].</param>
    /// <param name="bias">[N] or null.</param>
    /// <returns>[B, L, N] or [B, N].</returns>
    public static Tensor Rows(Tensor x, Tensor weight, Tensor? bias)
    {
        if (x.device_type != TorchSharp.DeviceType.CPU) return F.linear(x, weight, bias);
        if (x.dim() > 2)
        {
            if (x.dtype != ScalarType.Float32) return F.linear(x, weight, bias);
            return IsSmall(x, weight) ? ByImages(x, weight, bias) : ByKernels(x, weight, bias);
        }

        if (x.shape[0] == 1) return F.linear(x, weight, bias);
        using var scope = NewDisposeScope();
        return cat([.. x.split(1, 0).Select(row => F.linear(row, weight, bias))], 0).MoveToOuterDisposeScope();
    }

    /// <summary>True on a CPU in float32 where images and weight are so small that MKL takes less time than to call a
    /// convolution.</summary>
    /// <param name="x">[B, ...].</param>
    /// <param name="weight">[N, ...].</param>
    public static bool IsSmall(Tensor x, Tensor weight) => ConvolutionKernels.IsFloat32OnProcessor(x)
        && weight.numel() <= SmallWeight && x.numel() / x.shape[0] <= ConvolutionKernels.LeftOutNumbers;

    /// <summary>W x + b for each pixel, each image by itself: a convolution of one pixel where <see cref="IsSmall"/>.</summary>
    /// <param name="x">[B, K, H, W].</param>
    /// <param name="weight">[N, K, 1, 1].</param>
    /// <param name="bias">[N] or null.</param>
    /// <returns>[B, N, H, W].</returns>
    public static Tensor Pixels(Tensor x, Tensor weight, Tensor? bias)
    {
        using var scope = NewDisposeScope();
        var (images, height, width) = (x.shape[0], x.shape[2], x.shape[3]);
        var (count, depth) = (weight.shape[0], weight.shape[1]);
        var product = weight.view(1, count, depth).expand(images, count, depth).bmm(x.reshape(images, depth, height * width));
        if (bias is not null) product.add_(bias.view(1, count, 1));
        return product.view(images, count, height, width).MoveToOuterDisposeScope();
    }

    /// <summary>x Wᵀ + b as a convolution of one pixel over rows laid out channels last: the same memory, seen otherwise.</summary>
    /// <param name="x">[..., K].</param>
    /// <param name="weight">[N, K].</param>
    /// <param name="bias">[N] or null.</param>
    /// <returns>[..., N].</returns>
    public static Tensor ByKernels(Tensor x, Tensor weight, Tensor? bias)
    {
        using var scope = NewDisposeScope();
        var shape = x.shape;
        var (depth, count) = (shape[^1], weight.shape[0]);
        var rows = x.numel() / depth;
        // Few numbers are laid out as two images (ConvolutionKernels), with an empty row where they are odd.
        var images = rows * depth <= ConvolutionKernels.LeftOutNumbers ? 2 : 1;
        // A single image's rows can be seen without a copy where they lie channels first, and would go to kernels for that layout.
        var flat = x.reshape(rows, depth).contiguous();
        if (rows % images != 0) flat = F.pad(flat, [0, 0, 0, 1]);
        var inImage = flat.shape[0] / images;
        // Work is shared out along the height as well, where the rows divide.
        var height = inImage % 64 == 0 ? 64 : 1;
        var pixels = flat.view(images, height, inImage / height, depth).permute(0, 3, 1, 2);
        var kernels = weight.view(count, depth, 1, 1);
        var product = TriedConvolution.Forward(pixels, kernels, bias, dilation: ConvolutionKernels.OnePixelDilation(flat))
            .permute(0, 2, 3, 1).reshape(inImage * images, count);
        shape[^1] = count;
        return product.narrow(0, 0, rows).view(shape).MoveToOuterDisposeScope();
    }

    // [B, L, K] and [N, K] to [B, L, N].
    private static Tensor ByImages(Tensor x, Tensor weight, Tensor? bias)
    {
        using var scope = NewDisposeScope();
        var product = x.bmm(weight.t().unsqueeze(0).expand(x.shape[0], weight.shape[1], weight.shape[0]));
        if (bias is not null) product.add_(bias);
        return product.MoveToOuterDisposeScope();
    }
}

/// <summary>Functions of single numbers.</summary>
/// <remarks>
/// On a processor torch rounds the numbers at the end of a thread's share otherwise than those before (vectors and their remainder). Where
/// shares end depends on how many numbers there are, so each image of a batch is worked on by itself, unless no share has a remainder.
/// </remarks>
internal static class Activation
{
    // Numbers that torch takes at a time at most: two vectors of 16-bit types on AVX-512.
    private const long Vectors = 64;

    // Fewest numbers of a thread's share (ATen/TensorIterator.h, GRAIN_SIZE).
    private const long Grain = 32_768;

    /// <summary>x · sigmoid(x), over the numbers of x.</summary>
    public static Tensor SiluInPlace(Tensor x) => EachImage(x, image => image.silu_());

    /// <summary>x · Φ(x), over the numbers of x.</summary>
    public static Tensor GeluInPlace(Tensor x) => EachImage(x, image => image.gelu_());

    private static Tensor EachImage(Tensor x, Action<Tensor> apply)
    {
        var images = x.shape[0];
        if (x.device_type != TorchSharp.DeviceType.CPU || images == 1 || (HasNoRemainder(x.numel() / images) && HasNoRemainder(x.numel())))
        {
            apply(x);
            return x;
        }

        using var scope = NewDisposeScope();
        for (long i = 0; i < images; i++) apply(x.narrow(0, i, 1));
        return x;
    }

    // True for all ways in which torch 2.10 shares numbers out: SiLU by the grain, GELU to one thread or all.
    private static bool HasNoRemainder(long numbers)
    {
        long threads = get_num_threads();
        bool IsEven(long shares) => numbers % shares == 0 && numbers / shares % Vectors == 0;
        return IsEven(1) && IsEven(threads) && IsEven(Math.Min(threads, (numbers + Grain - 1) / Grain));
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
    // Pixels of one image: what suits it must not depend on how many are drawn with it.
    private const long FewPixels = 1024;

    /// <summary>The image in the layout that suits its size; what was given is disposed if it is not it.</summary>
    public static Tensor Suit(Tensor x)
    {
        if (x.device_type != TorchSharp.DeviceType.CPU) return x;
        using var scope = NewDisposeScope();
        var turned = x.permute(0, 2, 3, 1);
        var (isLast, wantsLast) = (turned.is_contiguous(), x.shape[2] * x.shape[3] >= FewPixels);
        if (wantsLast ? isLast : x.is_contiguous()) return x;
        var suited = (wantsLast ? turned.contiguous().permute(0, 3, 1, 2) : x.contiguous()).MoveToOuterDisposeScope();
        x.Dispose();
        return suited;
    }
}
