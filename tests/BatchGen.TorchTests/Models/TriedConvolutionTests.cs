using BatchGen.Core.Failures;
using BatchGen.Diffusion.Models;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace BatchGen.TorchTests.Models;

/// <summary>Convolutions against float64, at shapes whose weights some machines damage while laying them out.</summary>
public sealed class TriedConvolutionTests
{
    /// <summary>Kernel, stride, side of the image, type.</summary>
    public static readonly TheoryData<long, long, long, ScalarType> Kinds = new()
    {
        { 1, 1, 8, ScalarType.Float32 }, { 1, 1, 32, ScalarType.Float32 }, { 3, 1, 8, ScalarType.Float32 }, { 3, 1, 32, ScalarType.Float32 },
        { 3, 2, 16, ScalarType.Float32 }, { 1, 1, 32, ScalarType.BFloat16 }, { 3, 1, 16, ScalarType.BFloat16 }, { 3, 2, 16, ScalarType.BFloat16 },
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Products_are_those_of_float64(long kernel, long stride, long side, ScalarType type)
    {
        var generator = new Generator(5);
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
                    var (exact, size) = (Products(x, weight, bias), Products(x.abs(), weight.abs(), bias.abs()));
                    var actual = TriedConvolution.Forward(x, weight, bias, stride, kernel / 2);
                    Assert.Equal(exact.shape, actual.shape);
                    var unit = type == ScalarType.Float32 ? 64 * Math.Pow(2, -24) : 2 * Math.Pow(2, -8);
                    var isRight = ((actual.to(ScalarType.Float64) - exact).abs() <= size * unit).all().item<bool>();
                    Assert.True(isRight, $"{inputs} to {outputs} channels, {images} images, channels last {isLast}");
                }
            }
        }

        Tensor Products(Tensor x, Tensor weight, Tensor bias) => F.conv2d(
            x.to(ScalarType.Float64), weight.to(ScalarType.Float64), bias.to(ScalarType.Float64), [stride, stride], [kernel / 2, kernel / 2]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Weights_are_filled_up_where_they_come_out_damaged_as_they_are(bool isZero)
    {
        using var scope = NewDisposeScope();
        var x = isZero ? zeros([2, 40, 16, 16]) : randn([2, 40, 16, 16], generator: new Generator(1));
        var found = TriedConvolution.Find(x, zeros([40, 40, 3, 3]), null, 1, 1, (filling, input, weight) =>
            Exact(input, filling.Outputs > 1 ? weight : Damaged(weight)));
        Assert.Equal(new TriedConvolution.Filling(64, 1), found);
    }

    [Fact]
    public void Products_that_stay_wrong_are_the_machine_s_fault()
    {
        using var scope = NewDisposeScope();
        var error = Assert.Throws<DeviceException>(() => TriedConvolution.Find(
            randn(1, 40, 16, 16), zeros([40, 40, 1, 1]), null, 0, 1, (_, input, weight) => Exact(input, Damaged(weight))));
        Assert.Contains("come out wrong on this processor", error.Message, StringComparison.Ordinal);
    }

    // Not by the kernels that this is about.
    private static Tensor Exact(Tensor x, Tensor weight) => F.conv2d(
        x.to(ScalarType.Float64), weight.to(ScalarType.Float64), null, [1, 1], [weight.shape[2] / 2, weight.shape[2] / 2]);

    // Weights of the last eight outputs, overwritten as oneDNN's filling up does.
    private static Tensor Damaged(Tensor weight)
    {
        var damaged = weight.clone();
        damaged.narrow(0, 32, 8).narrow(1, 1, 12).zero_();
        return damaged;
    }
}
