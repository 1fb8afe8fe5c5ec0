using BatchGen.Core.Adapters;
using BatchGen.Core.Failures;
using BatchGen.Diffusion.Adapters;
using BatchGen.Diffusion.Models;
using BatchGen.Diffusion.Safetensors;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchGen.TorchTests.Adapters;

/// <summary>GLoRA on a convolution of 3 x 3, as LyCORIS writes it with and without its middle factor (use_tucker).</summary>
public sealed class GloraTests : IDisposable
{
    private const int Rank = 2;
    private readonly string _folder = Directory.CreateTempSubdirectory("batchgen-glora-").FullName;
    private readonly DiffusionModel _model = DiffusionModel.Load(DemoModel.Record, ScalarType.Float32, CPU, CancellationToken.None);

    public void Dispose()
    {
        _model.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_middle_factor_with_ones_at_the_centre_adds_there_what_one_by_one_factors_make(bool oldOrder)
    {
        using var scope = NewDisposeScope();
        var layer = _model.Weights.Find("unet")!.All["conv_in.weight"];
        var (outputs, inputs) = (layer.Base!.shape[0], layer.Base.shape[1]);
        var generator = new Generator(7);
        var b1 = randn([outputs, Rank, 1, 1], generator: generator);
        var b2 = randn([Rank, inputs, 1, 1], generator: generator);
        var middle = zeros(Rank, Rank, 3, 3);
        for (var p = 0; p < Rank; p++) middle[p, p, 1, 1] = 1;
        // Zeros, so that nothing comes from the base.
        var (a1, a2) = (zeros(inputs, Rank, 1, 1), zeros(Rank, inputs, 1, 1));
        var expected = layer.Base.clone();
        expected[TensorIndex.Colon, TensorIndex.Colon, 1, 1].add_(b1.view(outputs, Rank).matmul(b2.view(Rank, inputs)));

        using var cache = new AdapterCache(1L << 30);
        using var fuser = new AdapterFuser(_model.Weights, cache);
        var path = oldOrder ? Write(("a1", a2), ("a2", a1), ("b1", b2), ("b2", b1), ("bm", middle))
            : Write(("a1", a1), ("a2", a2), ("b1", b1), ("b2", b2), ("bm", middle));
        fuser.Fuse(DemoModel.Signature(("glora", 1m)), [AdapterInspector.Inspect(path).ToRecord("glora")], CancellationToken.None);

        // The same products, summed in another order.
        Assert.True(layer.Value.allclose(expected, rtol: 1e-5, atol: 1e-6));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Factors_that_do_not_make_the_layer_are_refused_before_torch_is_asked(bool wrongMiddle)
    {
        using var scope = NewDisposeScope();
        var shape = _model.Weights.Find("unet")!.All["conv_in.weight"].Base!.shape;
        (string, Tensor)[] factors = [("a1", zeros(shape[1], Rank, 1, 1)), ("a2", zeros(Rank, shape[1], 1, 1)),
            ("b1", ones(shape[0], Rank, 1, 1)), ("b2", ones(Rank, shape[1], 1, 1))];
        var path = wrongMiddle ? Write([.. factors, ("bm", ones(Rank, Rank, 5, 5))]) : Write(factors);
        using var cache = new AdapterCache(1L << 30);
        using var fuser = new AdapterFuser(_model.Weights, cache);

        var error = Assert.Throws<AdapterException>(() =>
            fuser.Fuse(DemoModel.Signature(("glora", 1m)), [AdapterInspector.Inspect(path).ToRecord("glora")], CancellationToken.None));

        Assert.Contains("does not fit this model", error.Message, StringComparison.Ordinal);
        Assert.Contains("conv_in", error.Message, StringComparison.Ordinal);
    }

    private string Write(params (string Leaf, Tensor Factor)[] factors)
    {
        var path = Path.Combine(_folder, "glora.safetensors");
        SafetensorsWriter.Write(
            path, [.. factors.Select(factor => SafetensorsTensors.ToItem($"lora_unet_conv_in.{factor.Leaf}.weight", factor.Factor))]);
        return path;
    }
}
