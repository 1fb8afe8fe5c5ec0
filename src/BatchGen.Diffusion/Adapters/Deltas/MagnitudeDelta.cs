using static TorchSharp.torch;

namespace BatchGen.Diffusion.Adapters.Deltas;

/// <summary>Which channels a DoRA magnitude belongs to.</summary>
internal enum MagnitudeAxis
{
    Output,
    Input,

    /// <summary>One axis only: output, unless the length fits the input alone.</summary>
    Unclear,
}

/// <summary>
/// DoRA: <c>V = W0 + inner</c>, <c>n = |V|</c> over every axis but the magnitude's, <c>delta = V * g / n - W0</c>
/// [Liu et al. 2024, eq. 5; LyCORIS lycoris/modules/locon.py; peft src/peft/tuners/lora/dora.py].
/// </summary>
/// <remarks>
/// The strength multiplies the finished delta, so that 0 gives the base back (ComfyUI's reading; docs/adapter-formats.md section 7).
/// </remarks>
internal sealed class MagnitudeDelta(ModuleDelta inner, Tensor magnitude, MagnitudeAxis axis) : ModuleDelta
{
    // A row of zeros has no direction; this keeps 0 / 0 out and changes no norm that float32 can tell from zero.
    private const double SmallestNorm = 1e-30;

    public override IReadOnlyList<Tensor> Factors { get; } = [.. inner.Factors, magnitude];

    public override string? Misfit(ReadOnlySpan<long> shape)
    {
        if (inner.Misfit(shape) is { } problem) return problem;
        if (shape.Length < 2) return $"it scales channels, but the layer's shape is {Show(shape)}";
        return magnitude.numel() == shape[IsInput(shape) ? 1 : 0] ? null
            : $"its magnitude has {magnitude.numel()} elements, which does not go with the layer's shape {Show(shape)}";
    }

    public override void AddTo(Tensor sum, Tensor? original, double strength)
    {
        using var scope = NewDisposeScope();
        var w0 = original!.to(ScalarType.Float32);
        var v = w0.clone();
        inner.AddTo(v, w0, 1);
        var kept = IsInput(sum.shape) ? 1 : 0;
        var others = Enumerable.Range(0, (int)sum.dim()).Where(dimension => dimension != kept)
            .Select(dimension => (long)dimension).ToArray();
        // Squares are summed in float64: a norm is shared by a whole channel, so its error would be too.
        var norm = v.to(ScalarType.Float64).square().sum(others, keepdim: true).sqrt().clamp_min(SmallestNorm);
        var axes = new long[sum.dim()];
        Array.Fill(axes, 1);
        axes[kept] = -1;
        var factor = (On(magnitude, sum).to(ScalarType.Float64).reshape(axes) / norm).to(ScalarType.Float32);
        sum.add_(v.mul_(factor).sub_(w0), alpha: strength);
    }

    private bool IsInput(ReadOnlySpan<long> shape) => axis switch
    {
        MagnitudeAxis.Output => false,
        MagnitudeAxis.Input => true,
        MagnitudeAxis.Unclear => magnitude.numel() != shape[0] && magnitude.numel() == shape[1],
        _ => throw new InvalidOperationException($"unknown axis {axis}"),
    };
}
