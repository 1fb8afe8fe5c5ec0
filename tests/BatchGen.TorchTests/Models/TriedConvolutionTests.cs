using BatchGen.Diffusion.Models;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace BatchGen.TorchTests.Models;

/// <summary>Convolutions against float64, at shapes whose weights some machines damage while laying them out.</summary>
public sealed class TriedConvolutionTests
{
    /// <summary>Kernel, stride, side of the image, type.</summary>
    public static readonly TheoryData<long, long, long, ScalarType> Kinds = new()
    {
        { 1, 1, 8, ScalarType.Float32 }, { 1, 1, 32, ScalarType.Float32 }, { 3, 1, 8, ScalarType.Float32 },
        { 3, 1, 32, ScalarType.Float32 }, { 3, 2, 16, ScalarType.Float32 }, { 1, 1, 32, ScalarType.BFloat16 },
        { 3, 1, 16, ScalarType.BFloat16 }, { 3, 2, 16, ScalarType.BFloat16 },
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Products_are_those_of_float64(long kernel, long stride, long side, ScalarType type)
    {
        var (generator, call) = (new Generator(5), new ConvolutionCall(stride, kernel / 2));
        foreach (var inputs in new long[] { 4, 24, 40, 64, 324 })
        {
            foreach (var outputs in new long[] { 3, 40, 64, 1024 })
            {
                if (kernel == 3 && inputs * outputs > 15_000) continue;
                foreach (var (images, isLast) in new[] { (1, false), (1, true), (2, true) })
                {
                    using var scope = NewDisposeScope();
                    var x = randn([images, inputs, side, side], generator: generator).to(type);
                    if (isLast) x = x.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);
                    var weight = randn([outputs, inputs, kernel, kernel], generator: generator).to(type);
                    var bias = randn([outputs], generator: generator).to(type);
                    var (exact, size) = (Exact(x, weight, bias, call), Exact(x.abs(), weight.abs(), bias.abs(), call));
                    var actual = TriedConvolution.Forward(x, weight, bias, stride, kernel / 2);
                    Assert.Equal(exact.shape, actual.shape);
                    var unit = type == ScalarType.Float32 ? 64 * Math.Pow(2, -24) : 2 * Math.Pow(2, -8);
                    var isRight = ((actual.to(ScalarType.Float64) - exact).abs() <= size * unit).all().item<bool>();
                    Assert.True(isRight, $"{inputs} to {outputs} channels, {images} images, channels last {isLast}");
                }
            }
        }
    }

    [Theory]
    [InlineData(1, 1, ScalarType.Float32)]
    [InlineData(3, 1, ScalarType.Float32)]
    [InlineData(3, 2, ScalarType.Float32)]
    [InlineData(3, 1, ScalarType.BFloat16)]
    public void Every_way_gives_what_float64_gives(long kernel, long stride, ScalarType type)
    {
        var generator = new Generator(6);
        // Shapes that no machine was seen to multiply wrongly as they are, and that every way but the first changes.
        foreach (var isLast in new[] { false, true })
        {
            using var scope = NewDisposeScope();
            var x = randn([2, 16, 9, 7], generator: generator).to(type);
            if (isLast) x = x.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);
            var weight = randn([16, 16, kernel, kernel], generator: generator).to(type);
            var bias = randn([16], generator: generator).to(type);
            var call = new ConvolutionCall(stride, kernel / 2);
            var (exact, size) = (Exact(x, weight, bias, call), Exact(x.abs(), weight.abs(), bias.abs(), call));
            foreach (var way in TriedConvolution.Ways)
            {
                var actual = TriedConvolution.Compute(way, call, x, weight, bias);
                Assert.Equal(exact.shape, actual.shape);
                Assert.Equal(type, actual.dtype);
                Assert.Equal(isLast, actual.stride(1) == 1);
                var unit = type == ScalarType.Float32 ? 64 * Math.Pow(2, -24) : 2 * Math.Pow(2, -8);
                Assert.True(((actual.to(ScalarType.Float64) - exact).abs() <= size * unit).all().item<bool>(), $"{way}, {isLast}");
            }
        }
    }

    [Theory]
    [InlineData(1, 1f)]
    [InlineData(3, 1f)]
    [InlineData(3, 0f)]
    [InlineData(3, float.NaN)]
    [InlineData(3, 1e30f)]
    public void Weights_are_filled_up_where_they_come_out_damaged_whatever_the_job_s_numbers(long kernel, float number)
    {
        using var scope = NewDisposeScope();
        var x = full([2, 40, 16, 16], number);
        var found = TriedConvolution.Find(
            x, full([40, 40, kernel, kernel], number), hasBias: true, new ConvolutionCall(1, kernel / 2),
            (way, call, input, weight, bias) =>
                Exact(input, way.Outputs > 1 ? weight : Damaged(weight), bias, call).to(ScalarType.Float32));
        Assert.Equal(new TriedConvolution.Way(64, 1), found);
    }

    [Fact]
    public void Products_that_stay_wrong_are_left_to_the_other_library()
    {
        using var scope = NewDisposeScope();
        var found = TriedConvolution.Find(
            zeros(1, 40, 16, 16), zeros([40, 40, 1, 1]), hasBias: false, new ConvolutionCall(1, 0), (_, call, input, weight, bias) =>
                Exact(input, Damaged(weight), bias, call).to(ScalarType.Float32));
        Assert.Equal(TriedConvolution.Way.ByProducts, found);
    }

    // Not by the kernels that this is about.
    private static Tensor Exact(Tensor x, Tensor weight, Tensor? bias, ConvolutionCall call) =>
        call.Of(x.to(ScalarType.Float64), weight.to(ScalarType.Float64), bias?.to(ScalarType.Float64));

    // Weights of the last eight outputs, overwritten as oneDNN's filling up does.
    private static Tensor Damaged(Tensor weight)
    {
        var damaged = weight.clone();
        damaged.narrow(0, 32, 8).narrow(1, 1, 12).zero_();
        return damaged;
    }
}
