using static TorchSharp.torch;

namespace BatchGen.Diffusion.Sampling;

/// <summary>Turns noise into latents by calls of the network at falling noise levels; made anew for every tensor batch.</summary>
/// <remarks>
/// Samples and outputs are [B, 4, H, W] in float32; coefficients are computed in double precision. Results are new tensors in the caller's
/// dispose scope. A sampler may remember earlier outputs, so calls go up one by one, from 0 or from the start of a later step.
/// </remarks>
internal interface ISampler : IDisposable
{
    /// <summary>The training time of each network call; second-order samplers have more calls than steps.</summary>
    IReadOnlyList<double> Timesteps { get; }

    /// <summary>Network calls that make up a step; the last step of a second-order sampler has one less.</summary>
    int CallsPerStep => 1;

    /// <summary>The factor for the first noise.</summary>
    double InitialScale { get; }

    /// <summary>The sample as the network wants to see it.</summary>
    Tensor ScaleInput(Tensor sample, int call);

    /// <summary>Computes the next sample.</summary>
    /// <param name="output">What the network predicted at this call.</param>
    /// <param name="call">Which call, from 0.</param>
    /// <param name="sample">The sample before.</param>
    /// <param name="noise">Draws standard normal noise in the sample's shape; asked only by samplers that add noise.</param>
    Tensor Step(Tensor output, int call, Tensor sample, Func<Tensor> noise);

    /// <summary>Clean latents with the noise level of a call, to start from an image.</summary>
    Tensor AddNoise(Tensor clean, Tensor noise, int call);
}
