using TorchSharp;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Sampling;

/// <summary>The random numbers of one job: those of <c>torch.Generator().manual_seed(seed)</c> on the CPU.</summary>
/// <remarks>
/// Drawn on the CPU whatever device the model computes on, so that a seed means the same image everywhere. Each job has its own, so that
/// its numbers do not depend on its neighbours in a batch.
/// </remarks>
internal sealed class JobNoise : IDisposable
{
    // Torch makes normal numbers in blocks of sixteen uniform ones.
    private const int BlockSize = 16;
    private readonly Generator _generator;

    /// <param name="seed">As manual_seed takes it; negative ones count from 2^64 down.</param>
    public JobNoise(long seed) => _generator = new Generator(unchecked((ulong)seed), CPU);

    /// <summary>Draws standard normal numbers; the next call goes on where this one ended.</summary>
    /// <returns>On the CPU, in the caller's dispose scope.</returns>
    public Tensor Draw(long[] shape, ScalarType type = ScalarType.Float32)
    {
        var count = shape.Aggregate(1L, (product, size) => product * size);
        return type == ScalarType.Float16 && count >= BlockSize && count % BlockSize == 0 ? DrawHalf(shape, count)
            : randn(shape, type, CPU, generator: _generator);
    }

    // Torch up to 2.0 rounds to float16 after each step of Box and Muller's method, later ones once at the end.
    private Tensor DrawHalf(long[] shape, long count)
    {
        using var scope = NewDisposeScope();
        // two of [N, 8]
        var halves = rand([count / BlockSize, 2, BlockSize / 2], ScalarType.Float16, CPU, generator: _generator)
            .to(ScalarType.Float32).unbind(1);
        Tensor Rounded(Tensor value) => value.to(ScalarType.Float16).to(ScalarType.Float32);
        var radius = Rounded(Rounded(1 - halves[0]).log().mul_(-2).sqrt_());
        var angle = Rounded(halves[1] * (2 * Math.PI));
        var pairs = stack([radius * angle.cos(), radius * angle.sin()], 1); // [N, 2, 8]
        return pairs.to(ScalarType.Float16).reshape(shape).MoveToOuterDisposeScope();
    }

    public void Dispose() => _generator.Dispose();
}
