using BatchGen.Diffusion.Adapters.Deltas;
using BatchGen.Diffusion.Weights;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace BatchGen.TorchTests.Adapters;

/// <summary>The one-pass product against float64, at sizes that end inside its blocks.</summary>
public sealed class LowRankProductTests
{
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(8, 32, 4)]
    [InlineData(13, 77, 5)]
    [InlineData(320, 320, 16)]
    [InlineData(1283, 1000, 8)]
    [InlineData(24, 11_520, 16)]
    [InlineData(40, 640, 300)]
    public void Every_number_of_the_product_is_that_of_float64_rounded_once(int height, int width, int rank)
    {
        using var scope = NewDisposeScope();
        var generator = new Generator(7);
        var (original, up, down) = (randn([height, width], generator: generator), randn([height, rank], generator: generator),
            randn([rank, width], generator: generator));
        var result = empty_like(original);
        Assert.True(LowRankProduct.TryWrite(result, original, up, down, 0.37f));
        var exact = original.to(ScalarType.Float64) + ((double)0.37f * up.to(ScalarType.Float64).mm(down.to(ScalarType.Float64)));
        // A chain of r roundings, each at most half a unit of the largest partial sum.
        var limit =
            (up.abs().to(ScalarType.Float64).mm(down.abs().to(ScalarType.Float64)) + original.abs()) * ((rank + 2) * Math.Pow(2, -24));
        Assert.True(((result - exact).abs() <= limit).all().item<bool>());

        // In place, and with any number of threads, to the bit.
        var digest = BaseChecksum.Hash(result);
        foreach (var threads in (int[])[1, 2, 3])
        {
            var inPlace = original.clone();
            Assert.True(LowRankProduct.TryWrite(inPlace, inPlace, up, down, 0.37f, threads));
            Assert.Equal(digest, BaseChecksum.Hash(inPlace));
        }
    }

    [Fact]
    public void Tensors_that_the_fast_product_cannot_read_are_left_to_torch()
    {
        using var scope = NewDisposeScope();
        var (original, up, down) = (randn(32, 32), randn(32, 4), randn(4, 32));
        var result = zeros(32, 32);
        Assert.False(LowRankProduct.TryWrite(result, original.to(ScalarType.BFloat16), up, down, 1));
        Assert.False(LowRankProduct.TryWrite(result, original, up, randn(32, 4).t(), 1));
        Assert.False(LowRankProduct.TryWrite(result.t(), original, up, down, 1));
        Assert.False(result.any().item<bool>());
    }
}
