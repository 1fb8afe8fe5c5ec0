using static TorchSharp.torch;

namespace BatchGen.Diffusion.Adapters.Deltas;

/// <summary>
/// GLoRA: <c>scale * (b1 @ b2 + (W0 @ a1) @ a2)</c>; for a convolution with a middle factor <c>sum_pq b1[o,p] bm[p,q,y,x] b2[q,i]</c>
/// stands for <c>b1 @ b2</c> [LyCORIS lycoris/modules/glora.py].
/// </summary>
internal sealed class GloraDelta(Tensor a1, Tensor a2, Tensor b1, Tensor b2, Tensor? bm, double scale) : ModuleDelta
{
    // a1 [in, r], a2 [r, in], b1 [out, r], b2 [r, in * kh * kw], all f32; with bm [r, r, kh, kw] b2 is [r, in]
    public override IReadOnlyList<Tensor> Factors { get; } = bm is null ? [a1, a2, b1, b2] : [a1, a2, b1, b2, bm];

    public override string? Misfit(ReadOnlySpan<long> shape)
    {
        if (shape.Length < 2) return $"it is made for a matrix, but the layer's shape is {Show(shape)}";
        var (rows, columns) = Matrix(shape);
        var fits = a1.shape[0] == shape[1] && a1.shape[1] == a2.shape[0] && a2.shape[1] == shape[1]
            && b1.shape[0] == rows && (bm is null ? b1.shape[1] == b2.shape[0] && b2.shape[1] == columns
                : shape.Length == 4 && b2.shape[1] == shape[1]
                    && bm.shape.AsSpan().SequenceEqual([b1.shape[1], b2.shape[0], shape[2], shape[3]]));
        return fits ? null : $"its factors {string.Join(", ", Factors.Select(factor => Show(factor.shape)))} do "
            + $"not go with the layer's shape {Show(shape)}";
    }

    public override void AddTo(Tensor sum, Tensor? original, double strength)
    {
        using var scope = NewDisposeScope();
        var w0 = original!.to(ScalarType.Float32);
        // The part of the base contracts over the input channels only, kernel by kernel.
        var channelsLast = w0.dim() == 4 ? w0.permute(0, 2, 3, 1) : w0;
        var fromBase = channelsLast.matmul(On(a1, sum)).matmul(On(a2, sum));
        if (w0.dim() == 4) fromBase = fromBase.permute(0, 3, 1, 2);
        var own = bm is null ? On(b1, sum).matmul(On(b2, sum)).reshape(sum.shape)
            : einsum("op,pqyx,qi->oiyx", On(b1, sum), On(bm, sum), On(b2, sum)); // [out, in, kh, kw] f32
        sum.add_(own.add_(fromBase), alpha: strength * scale);
    }
}
