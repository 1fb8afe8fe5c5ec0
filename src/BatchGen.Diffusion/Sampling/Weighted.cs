using static TorchSharp.torch;

namespace BatchGen.Diffusion.Sampling;

/// <summary>Weighted sums of tensors.</summary>
internal static class Weighted
{
    /// <summary>Sum of factor times tensor, in one new tensor of the caller's dispose scope.</summary>
    public static Tensor Sum(params ReadOnlySpan<(double Factor, Tensor Term)> terms)
    {
        var sum = terms[0].Term * terms[0].Factor;
        // The scalar of add_ is the factor of its argument.
        foreach (var (factor, term) in terms[1..]) sum.add_(term, factor);
        return sum;
    }
}
