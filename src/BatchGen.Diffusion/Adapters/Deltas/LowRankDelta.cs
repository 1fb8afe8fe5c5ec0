using static TorchSharp.torch;

namespace BatchGen.Diffusion.Adapters.Deltas;

/// <summary>LoRA and LoCon: <c>scale * up @ down</c> [kohya-ss/sd-scripts networks/lora.py].</summary>
internal sealed class LowRankDelta(Tensor up, Tensor down, double scale) : ModuleDelta
{
    // up [out, r] f32, down [r, in * kh * kw] f32
    public override IReadOnlyList<Tensor> Factors { get; } = [up, down];

    public override string? Misfit(ReadOnlySpan<long> shape)
    {
        var (rows, columns) = Matrix(shape);
        return up.shape[1] != down.shape[0] ? $"its two factors have ranks {up.shape[1]} and {down.shape[0]}"
            : up.shape[0] != rows || down.shape[1] != columns ? $"its factors make a {up.shape[0]} by {down.shape[1]} matrix, but the layer's shape is {Show(shape)}"
            : null;
    }

    public override void AddTo(Tensor sum, Tensor? original, double strength)
    {
        using var scope = NewDisposeScope();
        var (rows, columns) = Matrix(sum.shape);
        sum.view(rows, columns).addmm_(On(up, sum), On(down, sum), beta: 1, alpha: (float)(strength * scale));
    }

    public override Tensor Start(Tensor original, double strength)
    {
        // Straight from base to sum in one operation when the base is float32 already: no copy in between.
        if (original.dtype != ScalarType.Float32) return base.Start(original, strength);
        using var scope = NewDisposeScope();
        var (rows, columns) = Matrix(original.shape);
        var sum = addmm(original.reshape(rows, columns), On(up, original), On(down, original), beta: 1, alpha: (float)(strength * scale));
        return sum.view(original.shape).MoveToOuterDisposeScope();
    }
}
