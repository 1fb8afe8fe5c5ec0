using static TorchSharp.torch;

namespace BatchGen.Diffusion.Adapters.Deltas;

/// <summary>IA3: <c>base * w</c>, along the input or the output channels [LyCORIS lycoris/modules/ia3.py].</summary>
internal sealed class InputScaleDelta(Tensor factors, bool onInput) : ModuleDelta
{
    public override IReadOnlyList<Tensor> Factors { get; } = [factors];

    public override string? Misfit(ReadOnlySpan<long> shape)
    {
        if (shape.Length < 2) return $"it scales channels, but the layer's shape is {Show(shape)}";
        var channels = shape[onInput ? 1 : 0];
        return factors.numel() == channels ? null
            : $"it scales {factors.numel()} {(onInput ? "input" : "output")} channels, but the layer's shape is {Show(shape)}";
    }

    public override void AddTo(Tensor sum, Tensor? original, double strength)
    {
        using var scope = NewDisposeScope();
        var axes = new long[sum.dim()];
        Array.Fill(axes, 1);
        axes[onInput ? 1 : 0] = -1;
        sum.add_(original!.to(ScalarType.Float32) * On(factors, sum).reshape(axes), alpha: strength);
    }
}
