using static TorchSharp.torch;

namespace BatchGen.Diffusion.Adapters.Deltas;

/// <summary>
/// A delta stored whole: full differences and changed norms [LyCORIS lycoris/modules/full.py, norms.py]; biases beside a LoRA.
/// </summary>
internal sealed class DenseDelta(Tensor difference, double scale) : ModuleDelta
{
    public override IReadOnlyList<Tensor> Factors { get; } = [difference];

    public override string? Misfit(ReadOnlySpan<long> shape)
    {
        // 1x1 convolutions and linear layers hold the same numbers in four axes or two.
        var (rows, columns) = Matrix(shape);
        return Matrix(difference.shape) == (rows, columns) ? null
            : $"its difference has shape {Show(difference.shape)}, but the layer's shape is {Show(shape)}";
    }

    public override void AddTo(Tensor sum, Tensor? original, double strength)
    {
        using var scope = NewDisposeScope();
        sum.add_(On(difference, sum).view(sum.shape), alpha: strength * scale);
    }
}
