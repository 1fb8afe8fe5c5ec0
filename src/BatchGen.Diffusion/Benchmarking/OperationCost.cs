using System.Globalization;
using BatchGen.Diffusion.Models;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace BatchGen.Diffusion.Benchmarking;

/// <summary>The cost of an operation of a forward pass: counted, and timed alone.</summary>
internal static class OperationCost
{
    /// <summary>Floating-point operations, a multiplication and an addition counted apart.</summary>
    public static double Count(Operation operation)
    {
        var (input, weight) = (Sizes(operation.Input), Sizes(operation.Weight));
        return operation.Kind switch
        {
            // Input [B, C, H, W], weight [O, C, k, k].
            OperationKind.Convolution => 2.0 * input[0] * Out(input[2], weight[2]) * Out(input[3], weight[3]) * Product(weight),
            // Input [.., C], weight [O, C].
            OperationKind.MatrixProduct => 2.0 * Product(input) * weight[0],
            // Queries [B, h, L, d], keys [B, h, S, d]: products with keys and with values.
            OperationKind.Attention => 4.0 * Product(input) * weight[^2],
            _ => throw new InvalidOperationException($"unknown kind {operation.Kind}"),
        };

        double Out(long size, long kernel) => ((size + (2 * operation.Padding) - kernel) / operation.Stride) + 1;
    }

    /// <summary>Seconds of the operation on random data of its shapes, in torch's default form.</summary>
    public static double Alone(Operation operation, ScalarType type)
    {
        using var scope = NewDisposeScope();
        var input = randn(Sizes(operation.Input), generator: new Generator(1)).to(type);
        var weight = randn(Sizes(operation.Weight), generator: new Generator(2)).to(type);
        // As two images, like in a layer: alone it would go to other kernels, and on some processors torch warns at each call about NNPACK.
        if (operation.Kind == OperationKind.Convolution && ConvolutionKernels.LeavesOut(input)) input = input.repeat(2, 1, 1, 1);
        return Measure.Best(3, () =>
        {
            using var inner = NewDisposeScope();
            _ = operation.Kind switch
            {
                OperationKind.Convolution =>
                    F.conv2d(input, weight, null, [operation.Stride, operation.Stride], [operation.Padding, operation.Padding]),
                OperationKind.MatrixProduct => F.linear(input, weight.flatten(1)),
                OperationKind.Attention => F.scaled_dot_product_attention(input, weight, weight),
                _ => throw new InvalidOperationException($"unknown kind {operation.Kind}"),
            };
        });
    }

    private static long[] Sizes(string shape) => shape.Split('x').Select(size => long.Parse(size, CultureInfo.InvariantCulture)).ToArray();

    private static double Product(long[] sizes) => sizes.Aggregate(1.0, (product, size) => product * size);
}
