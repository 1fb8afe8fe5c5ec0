using TorchSharp;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Sampling;

/// <summary>The random numbers of one job: those of <c>torch.Generator().manual_seed(seed)</c> on the CPU.</summary>
/// <remarks>
/// Drawn in float32 on the CPU whatever device and type the model computes in, so that a seed means the same picture everywhere.
/// Each job has its own, so that its numbers do not depend on its neighbours in a batch.
/// </remarks>
internal sealed class JobNoise : IDisposable
{
    private readonly Generator _generator;

    /// <param name="seed">As manual_seed takes it; negative ones count from 2^64 down.</param>
    public JobNoise(long seed) => _generator = new Generator(unchecked((ulong)seed), CPU);

    /// <summary>Draws standard normal numbers; the next call goes on where this one ended.</summary>
    /// <returns>On the CPU, in the caller's dispose scope.</returns>
    public Tensor Draw(long[] shape, ScalarType type = ScalarType.Float32) => randn(shape, type, CPU, generator: _generator);

    public void Dispose() => _generator.Dispose();
}
