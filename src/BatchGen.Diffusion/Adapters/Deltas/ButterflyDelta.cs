using static TorchSharp.torch;

namespace BatchGen.Diffusion.Adapters.Deltas;

/// <summary>
/// BOFT: stages of rotations, each over rows regrouped like a butterfly network [Liu et al. 2024; LyCORIS lycoris/modules/boft.py].
/// </summary>
/// <param name="blocks">[stages, k, n, n] f32.</param>
/// <param name="rescale">[out] f32, or null.</param>
/// <param name="constraint">The alpha of the file, a limit and not a scale; null when it has none.</param>
internal sealed class ButterflyDelta(Tensor blocks, Tensor? rescale, double? constraint) : ModuleDelta
{
    public override IReadOnlyList<Tensor> Factors { get; } = rescale is null ? [blocks] : [blocks, rescale];

    public override string? Misfit(ReadOnlySpan<long> shape)
    {
        if (blocks.shape is not [var stages, var k, var n, var m] || n != m || n % 2 != 0)
            return $"its blocks have shape {Show(blocks.shape)}, not [stages, blocks, n, n] with an even n";
        if (shape.IsEmpty || k * n != shape[0]) return $"its {k} blocks of {n} rows do not go with the layer's shape {Show(shape)}";
        // Stage i views the rows as (c, 2, 2^i * n/2); that must divide them.
        if (stages is < 1 or > 30 || shape[0] % ((1L << (int)(stages - 1)) * n) != 0)
            return $"its {stages} stages do not go with the layer's {shape[0]} rows";
        return rescale is not null && rescale.numel() != shape[0]
            ? $"its rescale has {rescale.numel()} elements, but the layer's shape is {Show(shape)}"
            : null;
    }

    public override void AddTo(Tensor sum, Tensor? original, double strength)
    {
        using var scope = NewDisposeScope();
        var w0 = original!.to(ScalarType.Float32);
        var b = On(blocks, sum);
        var (stages, n) = (b.shape[0], b.shape[2]);
        var identity = eye(n, device: sum.device);
        var rotations = identity + ((OrthogonalDelta.Rotation(b, constraint * w0.shape[0]) - identity) * strength);
        var x = w0.reshape(w0.shape[0], -1);
        var columns = x.shape[1];
        for (var stage = 0; stage < stages; stage++)
        {
            var half = (1L << stage) * (n / 2);
            x = x.reshape(-1, 2, half, columns).transpose(1, 2).reshape(-1, n, columns);
            x = rotations[stage].matmul(x);
            x = x.reshape(-1, half, 2, columns).transpose(1, 2).reshape(-1, columns);
        }

        if (rescale is not null) x = x * On(rescale, sum).reshape(-1, 1);
        sum.add_(x.reshape(w0.shape) - w0);
    }
}
