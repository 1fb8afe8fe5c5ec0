using static TorchSharp.torch;

namespace BatchGen.Diffusion.Adapters.Deltas;

/// <summary>LoKr: <c>scale * kron(w1, w2)</c>, either side perhaps low-rank [LyCORIS lycoris/functional/lokr.py].</summary>
internal sealed class KroneckerDelta : ModuleDelta
{
    private readonly Tensor? _first;
    private readonly Tensor? _firstA;
    private readonly Tensor? _firstB;
    private readonly Tensor? _second;
    private readonly Tensor? _secondA;
    private readonly Tensor? _secondB;
    private readonly Tensor? _secondT;
    private readonly long[] _kernel;
    private readonly double _scale;

    /// <param name="factors">w1, w1_a, w1_b, w2, w2_a, w2_b, t2, in this order; null where the file has none.</param>
    /// <param name="secondB">Shape of w2_b in the file: a convolution's kernel axes are lost once it is a matrix.</param>
    /// <param name="scale">Scale.</param>
    public KroneckerDelta(Tensor?[] factors, long[]? secondB, double scale)
    {
        (_first, _firstA, _firstB, _second, _secondA, _secondB, _secondT) = (factors[0], factors[1], factors[2], factors[3], factors[4],
            factors[5], factors[6]);
        _kernel = secondB is { Length: 4 } ? secondB[2..] : [];
        _scale = scale;
        Factors = factors.OfType<Tensor>().ToArray();
    }

    public override IReadOnlyList<Tensor> Factors { get; }

    public override string? Misfit(ReadOnlySpan<long> shape)
    {
        if (_first is null && (_firstA is null || _firstB is null)) return "it has neither lokr_w1 nor both of lokr_w1_a and lokr_w1_b";
        if (_second is null && (_secondA is null || _secondB is null)) return "it has neither lokr_w2 nor both of lokr_w2_a and lokr_w2_b";
        if (_firstA is not null && _firstB is not null && _firstA.shape[1] != _firstB.shape[0])
            return "its lokr_w1_a and lokr_w1_b do not go together";
        if (_second is null && _secondT is null && _secondA!.shape[1] != _secondB!.shape[0])
            return "its lokr_w2_a and lokr_w2_b do not go together";
        if (_second is null && _secondT is not null
            && (_secondT.dim() != 4 || _secondT.shape[0] != _secondA!.shape[0] || _secondT.shape[1] != _secondB!.shape[0]))
            return "its lokr_t2 does not go with lokr_w2_a and lokr_w2_b";
        var (o1, i1) = _first is not null ? (_first.shape[0], _first.shape[1]) : (_firstA!.shape[0], _firstB!.shape[1]);
        // The whole of the second factor counts: its columns hold input channels and kernel together.
        var (o2, columns2) = _second is not null ? Matrix(_second.shape)
            : _secondT is not null ? (_secondA!.shape[1], _secondB!.shape[1] * _secondT.shape[2] * _secondT.shape[3])
            : (_secondA!.shape[0], _secondB!.shape[1]);
        var (rows, columns) = Matrix(shape);
        return o1 * o2 == rows && i1 * columns2 == columns && Kernel(shape) is not null ? null
            : $"its factors make a {o1 * o2} by {i1 * columns2} matrix, but the layer's shape is {Show(shape)}";
    }

    public override void AddTo(Tensor sum, Tensor? original, double strength)
    {
        using var scope = NewDisposeScope();
        var first = _first is not null ? On(_first, sum) : On(_firstA!, sum).matmul(On(_firstB!, sum)); // [o1, i1]
        var second = _second is not null ? On(_second, sum)
            : _secondT is not null ? einsum("pqyx,po,qi->oiyx", On(_secondT, sum), On(_secondA!, sum), On(_secondB!, sum))
            : On(_secondA!, sum).matmul(On(_secondB!, sum));
        var shape = sum.shape;
        var kernel = shape.Length == 4 ? shape[2] * shape[3] : 1;
        var (o1, i1) = (first.shape[0], first.shape[1]);
        var (o2, i2) = (shape[0] / o1, shape[1] / i1);
        // Rows are a * o2 + p, columns b * i2 + q: the outer product with axes a, p, b, q, kernel is the Kronecker product.
        var product = first.view(o1, 1, i1, 1, 1) * second.reshape(1, o2, 1, i2, kernel); // [o1, o2, i1, i2, kh * kw]
        sum.add_(product.reshape(shape), alpha: strength * _scale);
    }

    // A 1x1 kernel may be left out on either side; else it must be the layer's.
    private long[]? Kernel(ReadOnlySpan<long> shape)
    {
        var layer = shape.Length == 4 ? shape[2..].ToArray() : [1L, 1L];
        var own = _second is { } second && second.dim() == 4 ? second.shape[2..] : _secondT is { } t ? t.shape[2..] : _kernel;
        return own.Length == 0 || own.AsSpan().SequenceEqual(layer) ? layer : null;
    }
}
