using BatchGen.Diffusion.Sampling;
using static TorchSharp.torch;

namespace BatchGen.ReferenceCheck;

/// <summary>A sampler whose samples are looked at after every call.</summary>
/// <param name="sampler">The sampler that does the work.</param>
/// <param name="look">Called with the number of the call and the sample after it, which is valid during this call only.</param>
internal sealed class ObservedSampler(ISampler sampler, Action<int, Tensor> look) : ISampler
{
    public IReadOnlyList<double> Timesteps => sampler.Timesteps;

    public int CallsPerStep => sampler.CallsPerStep;

    public double InitialScale => sampler.InitialScale;

    public Tensor ScaleInput(Tensor sample, int call) => sampler.ScaleInput(sample, call);

    public Tensor Step(Tensor output, int call, Tensor sample, Func<Tensor> noise)
    {
        var next = sampler.Step(output, call, sample, noise);
        look(call, next);
        return next;
    }

    public Tensor AddNoise(Tensor clean, Tensor noise, int call) => sampler.AddNoise(clean, noise, call);

    public void Dispose() => sampler.Dispose();
}
