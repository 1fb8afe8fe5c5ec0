using System.Globalization;
using BatchGen.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Drift;

/// <summary>How far weights are from what they were.</summary>
/// <param name="RelativeRms">Root mean square of the differences, relative to that of the original weights.</param>
/// <param name="ShareChanged">Share of the elements that have other bits than before.</param>
/// <param name="Digest">XXH128 of the weights, lower-case hex.</param>
public sealed record WeightError(double RelativeRms, double ShareChanged, string Digest)
{
    /// <summary>Compares weights with the original.</summary>
    internal static WeightError Of(Tensor weights, Tensor original)
    {
        using var scope = NewDisposeScope();
        var before = original.to(ScalarType.Float64);
        var difference = weights.to(ScalarType.Float64) - before;
        var relative = Math.Sqrt(difference.square().mean().item<double>() / before.square().mean().item<double>());
        // Numbers that are equal may have other bits (0 and -0): what counts here is the value; the digest sees the bits.
        var changed = difference.ne(0).to(ScalarType.Float64).mean().item<double>();
        return new WeightError(relative, changed, BaseChecksum.Hash(weights).ToString("x32", CultureInfo.InvariantCulture));
    }
}
