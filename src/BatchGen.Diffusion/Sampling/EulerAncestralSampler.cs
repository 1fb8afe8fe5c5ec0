using BatchGen.Diffusion.Models;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Sampling;

/// <summary>
/// Euler's method that overshoots and adds noise back: Karras et al. 2022 (arXiv:2206.00364) with the ancestral step of Song et al. 2020
/// (arXiv:2011.13456).
/// </summary>
/// <remarks>Settings as in diffusers 0.30.3, EulerAncestralDiscreteScheduler.</remarks>
internal sealed class EulerAncestralSampler : ISampler
{
    private readonly NoiseSchedule _schedule;
    private readonly SigmaPath _path;

    public EulerAncestralSampler(ConfigFile config, int steps)
    {
        _schedule = new NoiseSchedule(config, SigmaPath.ZeroSnrFloor);
        _path = SigmaPath.Create(config.With("""{"use_karras_sigmas": false}"""), _schedule, steps);
    }

    public IReadOnlyList<double> Timesteps => _path.Times;

    public double InitialScale => _path.InitialScale;

    public Tensor ScaleInput(Tensor sample, int call) => _path.ScaleInput(sample, call);

    public Tensor Step(Tensor output, int call, Tensor sample, Func<Tensor> noise)
    {
        using var scope = NewDisposeScope();
        var (sigma, next) = (_path.Sigmas[call], _path.Sigmas[call + 1]);
        var up = Math.Sqrt(next * next * (sigma * sigma - next * next) / (sigma * sigma));
        var down = Math.Sqrt(next * next - up * up);
        var slope = (sample - Predicted.Clean(_schedule.Prediction, output, sample, sigma)) / sigma;
        return Weighted.Sum((1, sample), (down - sigma, slope), (up, noise())).MoveToOuterDisposeScope();
    }

    public Tensor AddNoise(Tensor clean, Tensor noise, int call) => _path.AddNoise(clean, noise, call);

    public void Dispose()
    {
    }
}
