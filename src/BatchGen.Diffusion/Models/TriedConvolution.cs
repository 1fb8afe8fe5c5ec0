using System.Collections.Concurrent;
using BatchGen.Core.Failures;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace BatchGen.Diffusion.Models;

/// <summary>Convolutions on a processor, by kernels that were tried at their shape before they are used.</summary>
/// <remarks>
/// oneDNN 3.7.1, which torch 2.10 brings, lays weights out in blocks that it fills up with zeros, and on some machines the zeros overwrite
/// weights: products come out wrong by half, without an error. Which block it takes depends on shape, threads and processor. So each shape
/// is tried once, with made-up weights; where the products are wrong, weights are filled up here to a number that every block divides
/// (docs/decisions/0020-kernels-are-tried.md).
/// </remarks>
internal static class TriedConvolution
{
    // Tried in this order: the fewest numbers more come first. Blocks of outputs are 8, 16, 24, 32, 48 or 64 wide, of inputs up to 64.
    private static readonly Filling[] Fillings = [new(1, 1), new(1, 64), new(64, 1), new(192, 1), new(192, 64)];

    private static readonly ConcurrentDictionary<Shape, Filling> Found = new();

    /// <summary>How weights are handed over: outputs and inputs filled up with zeros to a multiple.</summary>
    /// <param name="Outputs">Multiple of the outputs; 1 leaves them as they are.</param>
    /// <param name="Inputs">Multiple of the inputs; 1 leaves them as they are.</param>
    internal readonly record struct Filling(long Outputs, long Inputs)
    {
        /// <summary>True where weights are handed over as they are.</summary>
        public bool IsNone => this is (1, 1);
    }

    private readonly record struct Shape(
        ScalarType Type, long Images, long Inputs, long Height, long Width, long Outputs, long Kernel, long Stride, long Padding, bool IsDilated,
        bool IsChannelsLast, bool HasBias, long Threads);

    /// <summary>Number of shapes so far whose products came out wrong with the weights as they are.</summary>
    public static int WrongShapes => Found.Values.Count(filling => !filling.IsNone);

    /// <summary>The convolution of x with a square kernel.</summary>
    /// <param name="x">[B, K, H, W].</param>
    /// <param name="weight">[N, K, k, k].</param>
    /// <param name="bias">[N] or null.</param>
    /// <param name="stride">Of both axes.</param>
    /// <param name="padding">Rows and columns of zeros on each side.</param>
    /// <param name="dilation">As torch takes it, for kernels of one pixel only; or null.</param>
    /// <returns>[B, N, H', W'].</returns>
    /// <exception cref="DeviceException">No way of handing over the weights gives right products on this machine.</exception>
    public static Tensor Forward(Tensor x, Tensor weight, Tensor? bias, long stride = 1, long padding = 0, long[]? dilation = null)
    {
        var call = new Call(stride, padding, dilation);
        if (x.device_type != DeviceType.CPU) return call.Of(x, weight, bias);
        var (input, kernels) = (x.shape, weight.shape);
        var shape = new Shape(
            x.dtype, input[0], input[1], input[2], input[3], kernels[0], kernels[2], stride, padding, dilation is not null,
            x.stride(1) == 1, bias is not null, get_num_threads());
        if (!Found.TryGetValue(shape, out var filling))
            Found[shape] = filling = Find(x, weight, bias, padding, stride, (filled, tried, made) => Filled(filled, call, tried, made, bias));
        return Filled(filling, call, x, weight, bias);
    }

    /// <summary>The first way of handing over weights that gives right products.</summary>
    /// <param name="x">[B, K, H, W].</param>
    /// <param name="weight">[N, K, k, k], of which only shape and type count.</param>
    /// <param name="bias">[N] or null.</param>
    /// <param name="padding">Rows and columns of zeros on each side.</param>
    /// <param name="stride">Of both axes.</param>
    /// <param name="forward">The convolution of an input with weights, handed over in that way.</param>
    internal static Filling Find(Tensor x, Tensor weight, Tensor? bias, long padding, long stride, Func<Filling, Tensor, Tensor, Tensor> forward)
    {
        using var scope = NewDisposeScope();
        var trial = new ProductTrial(x, weight, bias, padding, stride);
        foreach (var filling in Fillings)
        {
            using var products = forward(filling, trial.Input, trial.Weight);
            if (trial.IsRight(products)) return filling;
        }

        throw new DeviceException(
            $"Products come out wrong on this processor: a convolution of {string.Join(" x ", weight.shape)} weights over "
            + $"{string.Join(" x ", x.shape)} numbers of {x.dtype}. Draw on another device or machine, or with another ComputeType.");
    }

    private static Tensor Filled(Filling filling, Call call, Tensor x, Tensor weight, Tensor? bias)
    {
        if (filling.IsNone) return call.Of(x, weight, bias);
        using var scope = NewDisposeScope();
        var count = weight.shape[0];
        var (outputs, inputs) = (Missing(count, filling.Outputs), Missing(weight.shape[1], filling.Inputs));
        var isLast = x.stride(1) == 1;
        if (inputs > 0) x = isLast ? Last(F.pad(First(x), [0, inputs])) : F.pad(x, [0, 0, 0, 0, 0, inputs]);
        weight = F.pad(weight, [0, 0, 0, 0, 0, inputs, 0, outputs]);
        var products = call.Of(x, weight, bias is null ? null : F.pad(bias, [0, outputs])).narrow(1, 0, count);
        return (isLast ? Last(First(products).contiguous()) : products.contiguous()).MoveToOuterDisposeScope();
    }

    private static long Missing(long count, long multiple) => (multiple - (count % multiple)) % multiple;

    // Channels to the end, and back: the same memory.
    private static Tensor First(Tensor x) => x.permute(0, 2, 3, 1);

    private static Tensor Last(Tensor x) => x.permute(0, 3, 1, 2);

    private readonly record struct Call(long Stride, long Padding, long[]? Dilation)
    {
        public Tensor Of(Tensor x, Tensor weight, Tensor? bias) =>
            F.conv2d(x, weight, bias, [Stride, Stride], [Padding, Padding], Dilation);
    }
}
