using static TorchSharp.torch;

namespace BatchGen.Diffusion.Adapters.Deltas;

/// <summary>A weight that replaces the base (ComfyUI's <c>set_weight</c>): delta = stored - base.</summary>
internal sealed class ReplacementDelta(Tensor stored) : ModuleDelta
{
    public override IReadOnlyList<Tensor> Factors { get; } = [stored];

    public override string? Misfit(ReadOnlySpan<long> shape) => Matrix(stored.shape) == Matrix(shape) ? null
        : $"its weight has shape {Show(stored.shape)}, but the layer's shape is {Show(shape)}";

    public override void AddTo(Tensor sum, Tensor? original, double strength)
    {
        using var scope = NewDisposeScope();
        var difference = On(stored, sum).view(sum.shape);
        if (original is not null) difference = difference - original.to(ScalarType.Float32);
        sum.add_(difference, alpha: strength);
    }
}
