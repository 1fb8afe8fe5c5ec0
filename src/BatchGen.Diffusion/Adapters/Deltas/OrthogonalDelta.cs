using static TorchSharp.torch;

namespace BatchGen.Diffusion.Adapters.Deltas;

/// <summary>
/// OFT: groups of output rows are rotated; <c>delta = R W0 - W0</c> [Qiu et al. 2023; LyCORIS lycoris/modules/diag_oft.py;
/// kohya-ss/sd-scripts networks/oft.py].
/// </summary>
/// <param name="blocks">[k, n, n] f32: skew parts' generators, or the rotations themselves.</param>
/// <param name="rescale">[out] f32, or null.</param>
/// <param name="constraint">The alpha of the file, a limit and not a scale; null when it has none.</param>
/// <param name="isRotation">True for the old form that stores the rotations.</param>
internal sealed class OrthogonalDelta(Tensor blocks, Tensor? rescale, double? constraint, bool isRotation) : ModuleDelta
{
    public override IReadOnlyList<Tensor> Factors { get; } = rescale is null ? [blocks] : [blocks, rescale];

    public override string? Misfit(ReadOnlySpan<long> shape) =>
        blocks.shape is not [var k, var n, var m] || n != m ? $"its blocks have shape {Show(blocks.shape)}, not [blocks, n, n]"
        : shape.IsEmpty || k * n != shape[0] ? $"its {k} blocks of {n} rows do not go with the layer's shape {Show(shape)}"
        : rescale is not null && rescale.numel() != shape[0]
            ? $"its rescale has {rescale.numel()} elements, but the layer's shape is {Show(shape)}"
        : null;

    public override void AddTo(Tensor sum, Tensor? original, double strength)
    {
        using var scope = NewDisposeScope();
        var w0 = original!.to(ScalarType.Float32);
        var b = On(blocks, sum);
        var (k, n) = (b.shape[0], b.shape[1]);
        var identity = eye(n, device: sum.device);
        var rotation = isRotation ? b : Rotation(b, constraint * w0.shape[0]); // [k, n, n]
        var blended = identity + ((rotation - identity) * strength);
        // W'[g, j] = sum_i R[g, i, j] W0[g, i]: the transpose acts from the left.
        var turned = blended.transpose(1, 2).matmul(w0.reshape(k, n, -1)).reshape(w0.shape);
        if (rescale is not null)
        {
            var axes = new long[w0.dim()];
            Array.Fill(axes, 1);
            axes[0] = -1;
            turned = turned * On(rescale, sum).reshape(axes);
        }

        sum.add_(turned - w0);
    }

    /// <summary>
    /// Cayley's map of the skew parts: <c>R = (I + Q)(I - Q)^-1</c>, Q limited in norm over all blocks when there is a constraint.
    /// </summary>
    internal static Tensor Rotation(Tensor generators, double? limit)
    {
        using var scope = NewDisposeScope();
        var q = generators - generators.transpose(-2, -1);
        if (limit > 0)
        {
            var norm = q.square().sum().sqrt().item<float>();
            if (norm > limit) q = q * (limit.Value / norm);
        }

        var identity = eye(generators.shape[^1], device: generators.device);
        return (identity + q).matmul(linalg.inv(identity - q)).MoveToOuterDisposeScope();
    }
}
