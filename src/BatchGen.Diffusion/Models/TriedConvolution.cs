using System.Collections.Concurrent;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace BatchGen.Diffusion.Models;

/// <summary>Convolutions on a processor, by kernels that were tried at their shape before they are used.</summary>
/// <remarks>
/// oneDNN 3.7.1, which torch 2.10 brings, lays weights out in blocks that it fills up with zeros, and on some machines the zeros overwrite
/// weights: products come out wrong by half, without an error. Which block it takes depends on shape, threads and processor. So each shape
/// is tried once, with made-up numbers; where products are wrong, weights are filled up here so that no block has to be, and where that
/// does not help, they are multiplied by the other library (docs/decisions/0020-kernels-are-tried.md).
/// </remarks>
internal static class TriedConvolution
{
    /// <summary>Every way of computing a convolution, in the order in which they are tried.</summary>
    internal static readonly IReadOnlyList<Way> Ways = [Way.AsIs, new(1, 64), new(64, 1), new(192, 1), new(192, 64), Way.ByProducts];

    private static readonly ConcurrentDictionary<Shape, Way> Found = new();

    private readonly record struct Shape(
        ScalarType Type, long Images, long Inputs, long Height, long Width, long Outputs, long Kernel, long Stride, long Padding,
        bool IsDilated, bool IsChannelsLast, bool HasBias, long Threads);

    /// <summary>Number of shapes so far whose products came out wrong with the weights as they are.</summary>
    public static int WrongShapes => Found.Values.Count(way => way != Way.AsIs);

    /// <summary>Number of those for which no padding helped, and which take several times as long.</summary>
    public static int SlowShapes => Found.Values.Count(way => way == Way.ByProducts);

    /// <summary>The convolution of x with a square kernel.</summary>
    /// <param name="x">[B, K, H, W].</param>
    /// <param name="weight">[N, K, k, k].</param>
    /// <param name="bias">[N] or null.</param>
    /// <param name="stride">Of both axes.</param>
    /// <param name="padding">Rows and columns of zeros on each side.</param>
    /// <param name="dilation">As torch takes it, for kernels of one pixel only; or null.</param>
    /// <returns>[B, N, H', W'].</returns>
    public static Tensor Forward(Tensor x, Tensor weight, Tensor? bias, long stride = 1, long padding = 0, long[]? dilation = null)
    {
        var call = new ConvolutionCall(stride, padding, dilation);
        if (x.device_type != DeviceType.CPU) return call.Of(x, weight, bias);
        var (input, kernels) = (x.shape, weight.shape);
        var shape = new Shape(
            x.dtype, input[0], input[1], input[2], input[3], kernels[0], kernels[2], stride, padding, dilation is not null,
            x.stride(1) == 1, bias is not null, get_num_threads());
        if (!Found.TryGetValue(shape, out var way)) Found[shape] = way = Find(x, weight, bias is not null, call, Compute);
        return Compute(way, call, x, weight, bias);
    }

    /// <summary>The first way that gives right products; no number of the tensors counts, only shape, type and layout.</summary>
    /// <param name="x">[B, K, H, W].</param>
    /// <param name="weight">[N, K, k, k].</param>
    /// <param name="hasBias">Whether there is a bias.</param>
    /// <param name="call">Stride, padding and dilation.</param>
    /// <param name="compute">The convolution, in a way.</param>
    internal static Way Find(
        Tensor x, Tensor weight, bool hasBias, ConvolutionCall call, Func<Way, ConvolutionCall, Tensor, Tensor, Tensor?, Tensor> compute)
    {
        using var scope = NewDisposeScope();
        var trial = new ProductTrial(x, weight, hasBias, call);
        foreach (var way in Ways.Where(way => way != Way.ByProducts))
        {
            using var products = compute(way, call, trial.Input, trial.Weight, trial.Bias);
            if (trial.IsRight(products)) return way;
        }

        return Way.ByProducts;
    }

    /// <summary>The convolution in one of the <see cref="Ways"/>; parameters as of
    /// <see cref="Forward(Tensor, Tensor, Tensor, long, long, long[])"/>.</summary>
    internal static Tensor Compute(Way way, ConvolutionCall call, Tensor x, Tensor weight, Tensor? bias) =>
        way == Way.AsIs ? call.Of(x, weight, bias)
        : way == Way.ByProducts ? Products(call, x, weight, bias)
        : Filled(way, call, x, weight, bias);

    private static Tensor Filled(Way way, ConvolutionCall call, Tensor x, Tensor weight, Tensor? bias)
    {
        using var scope = NewDisposeScope();
        var count = weight.shape[0];
        var (outputs, inputs) = (Missing(count, way.Outputs), Missing(weight.shape[1], way.Inputs));
        var isLast = x.stride(1) == 1;
        if (inputs > 0) x = isLast ? Last(F.pad(First(x), [0, inputs])) : F.pad(x, [0, 0, 0, 0, 0, inputs]);
        weight = F.pad(weight, [0, 0, 0, 0, 0, inputs, 0, outputs]);
        var products = call.Of(x, weight, bias is null ? null : F.pad(bias, [0, outputs])).narrow(1, 0, count);
        return (isLast ? Last(First(products).contiguous()) : products.contiguous()).MoveToOuterDisposeScope();
    }

    // A matrix product by MKL for each place of the kernel, in float32, image by image: slow, and never by the kernels that were wrong.
    private static Tensor Products(ConvolutionCall call, Tensor x, Tensor weight, Tensor? bias)
    {
        using var scope = NewDisposeScope();
        var (kernel, stride, isLast) = (weight.shape[2], call.Stride, x.stride(1) == 1);
        var wide = F.pad(x.to(ScalarType.Float32), [call.Padding, call.Padding, call.Padding, call.Padding]);
        var matrices = weight.to(ScalarType.Float32);
        var (height, width) = (call.Count(x.shape[2], kernel), call.Count(x.shape[3], kernel));
        var images = new List<Tensor>();
        for (var image = 0; image < x.shape[0]; image++)
        {
            var sum = zeros(weight.shape[0], height * width);
            for (var row = 0; row < kernel; row++)
            {
                for (var column = 0; column < kernel; column++)
                {
                    using var place = NewDisposeScope();
                    var seen = wide[image, TensorIndex.Colon, Steps(row, height), Steps(column, width)].reshape(x.shape[1], -1);
                    sum.add_(matrices[TensorIndex.Colon, TensorIndex.Colon, row, column].mm(seen));
                }
            }

            images.Add(sum.view(1, weight.shape[0], height, width));
        }

        var products = cat(images, 0);
        if (bias is not null) products.add_(bias.to(ScalarType.Float32).view(1, -1, 1, 1));
        products = products.to(x.dtype);
        return (isLast ? Last(First(products).contiguous()) : products).MoveToOuterDisposeScope();

        TensorIndex Steps(long first, long count) => TensorIndex.Slice(first, first + ((count - 1) * stride) + 1, stride);
    }

    private static long Missing(long count, long multiple) => (multiple - (count % multiple)) % multiple;

    // Channels to the end, and back: the same memory.
    private static Tensor First(Tensor x) => x.permute(0, 2, 3, 1);

    private static Tensor Last(Tensor x) => x.permute(0, 3, 1, 2);

    /// <summary>A way of computing a convolution: outputs and inputs filled up with zeros to a multiple.</summary>
    /// <param name="Outputs">Multiple of the outputs; 1 leaves them as they are. oneDNN's blocks are 8 to 64 wide; each of them divides
    /// 192.</param>
    /// <param name="Inputs">Multiple of the inputs; 1 leaves them as they are.</param>
    internal readonly record struct Way(long Outputs, long Inputs)
    {
        /// <summary>Weights as they are.</summary>
        public static Way AsIs => new(1, 1);

        /// <summary>Matrix products by the other library.</summary>
        public static Way ByProducts => new(0, 0);
    }
}

/// <summary>How a convolution is called.</summary>
/// <param name="Stride">Of both axes.</param>
/// <param name="Padding">Rows and columns of zeros on each side.</param>
/// <param name="Dilation">As torch takes it, for kernels of one pixel only; or null.</param>
internal readonly record struct ConvolutionCall(long Stride, long Padding, long[]? Dilation = null)
{
    /// <summary>The convolution as torch computes it.</summary>
    public Tensor Of(Tensor x, Tensor weight, Tensor? bias) => F.conv2d(x, weight, bias, [Stride, Stride], [Padding, Padding], Dilation);

    /// <summary>Number of results along an axis.</summary>
    /// <param name="pixels">Pixels along the axis.</param>
    /// <param name="kernel">Edge of the kernel.</param>
    public long Count(long pixels, long kernel) => ((pixels + (2 * Padding) - kernel) / Stride) + 1;
}
