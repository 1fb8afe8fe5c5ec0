using static TorchSharp.torch;

namespace BatchGen.Diffusion.Adapters.Deltas;

/// <summary>LoRA and LoCon: <c>scale * up @ down</c> [kohya-ss/sd-scripts networks/lora.py].</summary>
internal sealed class LowRankDelta(Tensor up, Tensor down, double scale) : ModuleDelta
{
    // up [out, r] f32, down [r, in * kh * kw] f32
    public override IReadOnlyList<Tensor> Factors { get; } = [up, down];

    // |sum over r of u d| <= r max|u| max|d|
    public override double Bound { get; } = Math.Abs(scale) * down.shape[0] * Largest(up) * Largest(down);

    public override string? Misfit(ReadOnlySpan<long> shape)
    {
        var (rows, columns) = Matrix(shape);
        return up.shape[1] != down.shape[0] ? $"its two factors have ranks {up.shape[1]} and {down.shape[0]}"
            : up.shape[0] != rows || down.shape[1] != columns
                ? $"its factors make a {up.shape[0]} by {down.shape[1]} matrix, but the layer's shape is {Show(shape)}"
            : null;
    }

    public override void AddTo(Tensor sum, Tensor? original, double strength)
    {
        using var scope = NewDisposeScope();
        var (rows, columns) = Matrix(sum.shape);
        if (!LowRankProduct.TryWrite(sum, sum, up, down, (float)(strength * scale)))
            sum.view(rows, columns).addmm_(On(up, sum), On(down, sum), beta: 1, alpha: (float)(strength * scale));
    }

    public override bool TryStart(Tensor sum, Tensor original, double strength) =>
        LowRankProduct.TryWrite(sum, original, up, down, (float)(strength * scale));

    private static double Largest(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        return tensor.abs().max().item<float>();
    }
}
