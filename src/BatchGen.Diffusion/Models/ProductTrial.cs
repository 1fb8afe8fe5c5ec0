using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace BatchGen.Diffusion.Models;

/// <summary>
/// Whether the products of a convolution are right: some of its places, with all outputs, against matrix products by another library.
/// </summary>
/// <remarks>All numbers are made up, and none but shape, type and layout of what was given counts: what is found holds for any
/// job.</remarks>
internal sealed class ProductTrial
{
    // Made-up numbers are whole, from -2 to 2, so that every sum of up to four million products is exact in float32 in whatever order: a
    // sum that is off is off by one or more. They repeat after a prime number of them, so no block of the library's is like the next.
    private const int InputPeriod = 509, WeightPeriod = 251;

    // Large enough to be seen beside thousands of products in bfloat16.
    private const int BiasFactor = 64;

    private readonly (long Row, long Column)[] _places;
    private readonly Tensor _expected;
    private readonly Tensor _limit;

    /// <summary>Makes numbers up and computes what is to come out.</summary>
    /// <param name="x">[B, K, H, W].</param>
    /// <param name="weight">[N, K, k, k].</param>
    /// <param name="hasBias">Whether there is a bias.</param>
    /// <param name="call">Stride and padding.</param>
    public ProductTrial(Tensor x, Tensor weight, bool hasBias, ConvolutionCall call)
    {
        var (sizes, kernel) = (x.shape, weight.shape[2]);
        var (height, width) = (call.Count(sizes[2], kernel), call.Count(sizes[3], kernel));
        _places = [.. new[] { (0L, 0L), (height / 2, width / 3), (height - 1, width - 1), (height / 3, width / 2) }.Distinct()];
        Weight = Made(weight.numel(), WeightPeriod, weight.dtype).view(weight.shape);
        Bias = hasBias ? Made(weight.shape[0], WeightPeriod, weight.dtype) * BiasFactor : null;
        Input = x.stride(1) == 1
            ? Made(x.numel(), InputPeriod, x.dtype).view(sizes[0], sizes[2], sizes[3], sizes[1]).permute(0, 3, 1, 2)
            : Made(x.numel(), InputPeriod, x.dtype).view(sizes);
        var patches = AtPlaces(Input, (image, place) => Patch(Input, image, place)); // [places, K k k] float32
        var weights = Weight.to(ScalarType.Float32).view(weight.shape[0], -1);
        _expected = F.linear(patches, weights, Bias?.to(ScalarType.Float32));
        // Only a result in a narrower type is rounded: by half a unit of its last place, 2^-9 of it in bfloat16.
        _limit = (_expected.abs() * (x.dtype == ScalarType.Float32 ? 0 : Math.Pow(2, -8))) + 0.25;

        // What the kernel sees at a place of an image.
        Tensor Patch(Tensor input, long image, (long Row, long Column) place)
        {
            var (top, left) = ((place.Row * call.Stride) - call.Padding, (place.Column * call.Stride) - call.Padding);
            var (firstRow, firstColumn) = (Math.Max(top, 0), Math.Max(left, 0));
            var (endRow, endColumn) = (Math.Min(top + kernel, sizes[2]), Math.Min(left + kernel, sizes[3]));
            var seen = input.narrow(0, image, 1).narrow(2, firstRow, endRow - firstRow).narrow(3, firstColumn, endColumn - firstColumn);
            long[] outside = [firstColumn - left, left + kernel - endColumn, firstRow - top, top + kernel - endRow];
            return F.pad(seen.to(ScalarType.Float32), outside).reshape(1, -1);
        }
    }

    /// <summary>Made-up numbers, [B, K, H, W], laid out as what was given.</summary>
    public Tensor Input { get; }

    /// <summary>Made-up weights, [N, K, k, k].</summary>
    public Tensor Weight { get; }

    /// <summary>Made-up numbers, [N], or null.</summary>
    public Tensor? Bias { get; }

    /// <summary>True if products of <see cref="Input"/>, <see cref="Weight"/> and <see cref="Bias"/> are right up to the rounding of
    /// the result.</summary>
    /// <param name="products">[B, N, H', W'].</param>
    public bool IsRight(Tensor products)
    {
        using var scope = NewDisposeScope();
        var actual = AtPlaces(products, (image, place) => products[image, TensorIndex.Colon, place.Row, place.Column].unsqueeze(0));
        return ((actual.to(ScalarType.Float32) - _expected).abs() <= _limit).all().item<bool>();
    }

    // Rows for each of the places of the first and the last image.
    private Tensor AtPlaces(Tensor images, Func<long, (long Row, long Column), Tensor> read) => cat(
        [.. new[] { 0, images.shape[0] - 1 }.Distinct().SelectMany(_ => _places, read)], 0);

    private static Tensor Made(long count, int period, ScalarType type) =>
        ((arange(period, ScalarType.Float32) * 97).remainder(period).remainder(5) - 2).to(type).repeat((count / period) + 1)
            .narrow(0, 0, count);
}
