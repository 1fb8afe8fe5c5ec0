using static TorchSharp.torch;

namespace BatchGen.Diffusion.Adapters.Deltas;

/// <summary>
/// LoCon with a middle factor: <c>scale * sum_pq up[o,p] mid[p,q,y,x] down[q,i]</c> [LyCORIS lycoris/functional/general.py].
/// </summary>
internal sealed class TuckerDelta(Tensor up, Tensor mid, Tensor down, double scale) : ModuleDelta
{
    // up [out, r] f32, mid [r, r, kh, kw] f32, down [r, in] f32
    public override IReadOnlyList<Tensor> Factors { get; } = [up, mid, down];

    public override string? Misfit(ReadOnlySpan<long> shape) =>
        mid.shape is not [var p, var q, var y, var x] ? $"its middle factor has shape {Show(mid.shape)}, not four axes"
        : shape is not [var o, var i, var h, var w] ? $"it is made for a convolution, but the layer's shape is {Show(shape)}"
        : up.shape[0] != o || up.shape[1] != p || down.shape[0] != q || down.shape[1] != i || y != h || x != w
            ? $"its factors {Show(up.shape)}, {Show(mid.shape)}, {Show(down.shape)} do not make the layer's shape {Show(shape)}"
        : null;

    public override void AddTo(Tensor sum, Tensor? original, double strength)
    {
        using var scope = NewDisposeScope();
        var delta = einsum("op,pqyx,qi->oiyx", On(up, sum), On(mid, sum), On(down, sum)); // [out, in, kh, kw] f32
        sum.add_(delta, alpha: strength * scale);
    }
}
