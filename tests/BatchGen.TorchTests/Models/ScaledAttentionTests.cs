using BatchGen.Diffusion.Models;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace BatchGen.TorchTests.Models;

/// <summary>Attention and its softmax against float64, at sizes that end inside their steps and tiles.</summary>
public sealed class ScaledAttentionTests
{
    // Half a unit in the last place of one.
    private static readonly double Float32 = Math.Pow(2, -24), BFloat16 = Math.Pow(2, -8);

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 31)]
    [InlineData(5, 32)]
    [InlineData(7, 77)]
    [InlineData(64, 4096)]
    [InlineData(9, 16_385)]
    public void Shares_of_the_softmax_are_those_of_float64_rounded_once(int rows, int width)
    {
        using var scope = NewDisposeScope();
        var scores = randn([rows, width], generator: new Generator(3)) * 12;
        scores[0].fill_(-1e30f);
        var exact = F.softmax(scores.to(ScalarType.Float64), -1);
        var rounded = RowSoftmax.Apply(scores.clone(), ScalarType.BFloat16);
        Assert.Equal(ScalarType.BFloat16, rounded.dtype);
        AssertWithin(rounded, exact, exact * (1.01 * BFloat16));

        // A score's distance from the highest is rounded by half a unit of itself, and carries that into the exponential.
        var shares = RowSoftmax.Apply(scores.clone(), ScalarType.Float32);
        var distance = scores.amax([-1], keepdim: true) - scores;
        AssertWithin(shares, exact, exact * (distance.to(ScalarType.Float64) + 8 + (width / 32)) * Float32);

        // Shares below float32's least normal number may be that number.
        static void AssertWithin(Tensor actual, Tensor exact, Tensor limit) =>
            Assert.True(((actual.to(ScalarType.Float64) - exact).abs() <= limit + 2e-38).all().item<bool>());
    }

    [Fact]
    public void Each_row_is_the_same_bytes_alone_and_among_others()
    {
        using var scope = NewDisposeScope();
        var scores = randn([501, 1003], generator: new Generator(4));
        var together = RowSoftmax.Apply(scores.clone(), ScalarType.Float32);
        for (var row = 0; row < 501; row += 50)
            Assert.True(
                RowSoftmax.Apply(scores.narrow(0, row, 1).clone(), ScalarType.Float32).eq(together.narrow(0, row, 1)).all().item<bool>());
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void A_score_that_is_no_number_spoils_its_row_and_no_other(float fault)
    {
        using var scope = NewDisposeScope();
        foreach (var (type, place) in ((ScalarType, int)[])[(ScalarType.Float32, 0), (ScalarType.Float32, 70), (ScalarType.BFloat16, 17),
            (ScalarType.BFloat16, 66)])
        {
            var scores = ones(3, 71);
            scores[1, place] = fault;
            var broken = RowSoftmax.Apply(scores, type).isnan();
            Assert.True(broken[1].all().item<bool>());
            Assert.False(broken[0].any().item<bool>() || broken[2].any().item<bool>());
        }
    }

    [Theory]
    [InlineData(1024, 1024, 40)]
    [InlineData(1100, 1000, 64)]
    [InlineData(2100, 4097, 24)]
    public void Tiles_give_what_the_whole_matrix_gives(int length, int tokens, int depth)
    {
        using var scope = NewDisposeScope();
        var generator = new Generator(5);
        // As layers hand them over: heads are not the outer axis in memory.
        var (q, k, v) = (Heads(length), Heads(tokens), Heads(tokens));
        // Float32: scores reach 20, and a score's rounding is a part of the share (torch's fused form: up to 33 units, this: 43). BFloat16:
        // shares and result are rounded.
        foreach (var (type, unit) in ((ScalarType, double)[])[(ScalarType.Float32, 64 * Float32), (ScalarType.BFloat16, 2 * BFloat16)])
        {
            var (queries, keys, values) = (q.to(type), k.to(type), v.to(type));
            var (wide, high) = (queries.to(ScalarType.Float64), values.to(ScalarType.Float64));
            var shares = F.softmax(wide.matmul(keys.to(ScalarType.Float64).transpose(-2, -1)) / Math.Sqrt(depth), -1);
            var (exact, size) = (shares.matmul(high), shares.matmul(high.abs()));
            var actual = ScaledAttention.Forward(queries, keys, values);
            Assert.Equal(type, actual.dtype);
            Assert.True(((actual.to(ScalarType.Float64) - exact).abs() <= size * unit).all().item<bool>());
        }

        Tensor Heads(int places) => (randn([2, places, 2, depth], generator: generator) * 1.5).transpose(1, 2);
    }
}
