using TorchSharp;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Sampling;

/// <summary>The clean sample and the noise that a network's output stands for.</summary>
/// <remarks>A sample is x = alpha x0 + sigma e. Results are new tensors in the caller's scope.</remarks>
internal static class Predicted
{
    /// <summary>Clean sample and noise for a sample with the given alpha and sigma (alpha squared + sigma squared = 1).</summary>
    public static (Tensor Clean, Tensor Noise) CleanAndNoise(
        PredictionType prediction, Tensor output, Tensor sample, double alpha, double sigma) => prediction switch
        {
            PredictionType.Epsilon => ((sample - output * sigma) / alpha, output.alias()),
            PredictionType.Sample => (output.alias(), (sample - output * alpha) / sigma),
            // v = alpha e - sigma x0 (arXiv:2202.00512, appendix D)
            PredictionType.Velocity => (sample * alpha - output * sigma, output * alpha + sample * sigma),
            _ => throw new ArgumentOutOfRangeException(nameof(prediction), prediction, "unknown prediction type"),
        };

    /// <summary>Clean sample for a sample x = x0 + sigma e, the form of Karras et al. 2022 (arXiv:2206.00364).</summary>
    public static Tensor Clean(PredictionType prediction, Tensor output, Tensor sample, double sigma) => prediction switch
    {
        PredictionType.Epsilon => sample - output * sigma,
        PredictionType.Sample => output.alias(),
        PredictionType.Velocity => output * (-sigma / Math.Sqrt(sigma * sigma + 1)) + sample / (sigma * sigma + 1),
        _ => throw new ArgumentOutOfRangeException(nameof(prediction), prediction, "unknown prediction type"),
    };
}
