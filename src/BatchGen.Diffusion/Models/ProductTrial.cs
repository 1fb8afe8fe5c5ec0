using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace BatchGen.Diffusion.Models;

/// <summary>
/// Whether the products of a convolution are right: some of its places, with all outputs, against matrix products by another library.
/// </summary>
internal sealed class ProductTrial
{
    // Made-up weights repeat after a prime number of them, so no block of the library's is like the next.
    private const int Period = 251;

    private readonly (long Row, long Column)[] _places;
    private readonly Tensor _expected;
    private readonly Tensor _limit;

    /// <summary>Makes up weights and computes what is to come out.</summary>
    /// <param name="x">[B, K, H, W]; used as input unless there are no numbers in it to tell by.</param>
    /// <param name="weight">[N, K, k, k], of which only shape and type count.</param>
    /// <param name="bias">[N] or null.</param>
    /// <param name="padding">Rows and columns of zeros on each side.</param>
    /// <param name="stride">Of both axes.</param>
    public ProductTrial(Tensor x, Tensor weight, Tensor? bias, long padding, long stride)
    {
        var kernel = weight.shape[2];
        var (height, width) = (Count(x.shape[2]), Count(x.shape[3]));
        _places = [.. new[] { (0L, 0L), (height / 2, width / 3), (height - 1, width - 1), (height / 3, width / 2) }.Distinct()];
        // Whole numbers below 128: right in every type.
        Weight = (arange(weight.numel(), ScalarType.Float32).remainder(Period) - (Period / 2)).view(weight.shape).to(weight.dtype);
        Input = Patches(x) is var given && IsTelling(given) ? x : Made(x);
        var patches = Input.Handle == x.Handle ? given : Patches(Input);
        var weights = Weight.to(ScalarType.Float32).view(weight.shape[0], -1);
        _expected = F.linear(patches, weights, bias?.to(ScalarType.Float32));
        // Sums in any order are off by about the square root of their number in half units of float32; the result is rounded to its type.
        var size = patches.norm(1, keepdim: true) * weights.norm(1).unsqueeze(0);
        var ofSums = 16 * Math.Sqrt(patches.shape[1] + 1) * Math.Pow(2, -24);
        _limit = (size * ofSums) + (_expected.abs() * (x.dtype == ScalarType.Float32 ? Math.Pow(2, -20) : Math.Pow(2, -7)));

        long Count(long places) => ((places + (2 * padding) - kernel) / stride) + 1;

        // What the kernel sees at each of the places, of the first and the last image: [places, K k k] float32.
        Tensor Patches(Tensor input) => cat([.. new[] { 0, input.shape[0] - 1 }.Distinct().SelectMany(
            image => _places, (image, place) => Patch(input, image, place))], 0);

        Tensor Patch(Tensor input, long image, (long Row, long Column) place)
        {
            var (top, left) = ((place.Row * stride) - padding, (place.Column * stride) - padding);
            var (firstRow, firstColumn) = (Math.Max(top, 0), Math.Max(left, 0));
            var (endRow, endColumn) = (Math.Min(top + kernel, input.shape[2]), Math.Min(left + kernel, input.shape[3]));
            var seen = input.narrow(0, image, 1).narrow(2, firstRow, endRow - firstRow).narrow(3, firstColumn, endColumn - firstColumn);
            return F.pad(
                seen.to(ScalarType.Float32), [firstColumn - left, left + kernel - endColumn, firstRow - top, top + kernel - endRow]).reshape(1, -1);
        }
    }

    /// <summary>[B, K, H, W], laid out as what was given.</summary>
    public Tensor Input { get; }

    /// <summary>Made-up weights, [N, K, k, k].</summary>
    public Tensor Weight { get; }

    /// <summary>True if products of <see cref="Input"/> and <see cref="Weight"/> are right up to the rounding of sums.</summary>
    /// <param name="products">[B, N, H', W'].</param>
    public bool IsRight(Tensor products)
    {
        using var scope = NewDisposeScope();
        var actual = cat([.. new[] { 0, products.shape[0] - 1 }.Distinct().SelectMany(
            image => _places, (image, place) => products[image, TensorIndex.Colon, place.Row, place.Column].unsqueeze(0))], 0);
        return ((actual.to(ScalarType.Float32) - _expected).abs() <= _limit).all().item<bool>();
    }

    // A place of zeros tells nothing, nor does one that is not a number.
    private static bool IsTelling(Tensor patches) => ((patches != 0).to(ScalarType.Float32).mean() > 0.5f).item<bool>()
        && patches.isfinite().all().item<bool>();

    private static Tensor Made(Tensor like)
    {
        using var generator = new Generator(20);
        return empty_like(like).copy_(randn(like.shape, generator: generator));
    }
}
