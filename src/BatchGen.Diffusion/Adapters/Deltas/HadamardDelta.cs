using static TorchSharp.torch;

namespace BatchGen.Diffusion.Adapters.Deltas;

/// <summary>LoHa: the element-wise product of two low-rank matrices [LyCORIS lycoris/functional/loha.py].</summary>
internal sealed class HadamardDelta(
    Tensor firstA, Tensor firstB, Tensor secondA, Tensor secondB, Tensor? firstT, Tensor? secondT, double scale)
    : ModuleDelta
{
    // Plain: a [out, r], b [r, in * kh * kw]. With t [r, r, kh, kw]: a [r, out], b [r, in]. All f32.
    public override IReadOnlyList<Tensor> Factors { get; } =
        new[] { firstA, firstB, secondA, secondB, firstT, secondT }.OfType<Tensor>().ToArray();

    public override string? Misfit(ReadOnlySpan<long> shape)
    {
        if ((firstT is null) != (secondT is null)) return "it has only one of hada_t1 and hada_t2";
        if (Factors.Take(4).Any(factor => factor.dim() != 2)) return "its factors are not matrices";
        return HalfMisfit(firstA, firstB, firstT, shape) ?? HalfMisfit(secondA, secondB, secondT, shape);
    }

    public override void AddTo(Tensor sum, Tensor? original, double strength)
    {
        using var scope = NewDisposeScope();
        var product = Half(firstA, firstB, firstT, sum).mul_(Half(secondA, secondB, secondT, sum));
        sum.add_(product.view(sum.shape), alpha: strength * scale);
    }

    private static string? HalfMisfit(Tensor a, Tensor b, Tensor? t, ReadOnlySpan<long> shape)
    {
        var (rows, columns) = Matrix(shape);
        var fits = t is null
            ? a.shape[0] == rows && a.shape[1] == b.shape[0] && b.shape[1] == columns
            : shape is [var o, var i, var h, var w] && t.shape is [var p, var q, var y, var x]
                && a.shape[0] == p && a.shape[1] == o && b.shape[0] == q && b.shape[1] == i && y == h && x == w;
        return fits ? null : $"its factors {Show(a.shape)}, {Show(b.shape)}{(t is null ? "" : ", " + Show(t.shape))} do not make the "
            + $"layer's shape {Show(shape)}";
    }

    private static Tensor Half(Tensor a, Tensor b, Tensor? t, Tensor sum) => t is null
        ? On(a, sum).matmul(On(b, sum))
        : einsum("pqyx,po,qi->oiyx", On(t, sum), On(a, sum), On(b, sum)).contiguous();
}
