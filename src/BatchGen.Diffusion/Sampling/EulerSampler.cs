using BatchGen.Diffusion.Models;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Sampling;

/// <summary>Euler's method for the probability flow: Karras et al. 2022 (arXiv:2206.00364), algorithm 2 without added noise.</summary>
/// <remarks>Settings as in diffusers 0.30.3, EulerDiscreteScheduler.</remarks>
internal sealed class EulerSampler : ISampler
{
    private readonly NoiseSchedule _schedule;
    private readonly SigmaPath _path;

    public EulerSampler(ConfigFile config, int steps)
    {
        config.Require("timestep_type", "discrete", "discrete");
        config.Require("interpolation_type", "linear", "linear");
        _schedule = new NoiseSchedule(config, SigmaPath.ZeroSnrFloor);
        _path = SigmaPath.Create(config, _schedule, steps, withFinalSetting: true);
    }

    public IReadOnlyList<double> Timesteps => _path.Times;

    public double InitialScale => _path.InitialScale;

    public Tensor ScaleInput(Tensor sample, int call) => _path.ScaleInput(sample, call);

    public Tensor Step(Tensor output, int call, Tensor sample, Func<Tensor> noise)
    {
        using var scope = NewDisposeScope();
        var (sigma, next) = (_path.Sigmas[call], _path.Sigmas[call + 1]);
        var slope = (sample - Predicted.Clean(_schedule.Prediction, output, sample, sigma)) / sigma;
        return (sample + slope * (next - sigma)).MoveToOuterDisposeScope();
    }

    public Tensor AddNoise(Tensor clean, Tensor noise, int call) => _path.AddNoise(clean, noise, call);

    public void Dispose()
    {
    }
}
