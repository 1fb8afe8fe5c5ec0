using BatchGen.Diffusion.Models;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Sampling;

/// <summary>The original ancestral sampler: Ho et al. 2020 (arXiv:2006.11239), equations 6 and 7.</summary>
/// <remarks>Symbols: a = alphaBar at this time, b = alphaBar at the next. Settings as in diffusers 0.30.3, DDPMScheduler.</remarks>
internal sealed class DdpmSampler : ISampler
{
    private readonly NoiseSchedule _schedule;
    private readonly double[] _times;
    private readonly int _stride;
    private readonly double? _clip;

    public DdpmSampler(ConfigFile config, int steps)
    {
        config.Require("variance_type", "fixed_small", "fixed_small", "null");
        _schedule = new NoiseSchedule(config);
        _times = Sampling.Timesteps.Spaced(config, _schedule.TrainSteps, steps, "leading");
        _stride = _schedule.TrainSteps / steps;
        _clip = config.Flag("clip_sample", true) ? config.Number("clip_sample_range", 1) : null;
    }

    public IReadOnlyList<double> Timesteps => _times;

    public double InitialScale => 1;

    public Tensor ScaleInput(Tensor sample, int call) => sample.alias();

    public Tensor Step(Tensor output, int call, Tensor sample, Func<Tensor> noise)
    {
        using var scope = NewDisposeScope();
        var time = (int)_times[call];
        var a = _schedule.AlphaBars[time];
        var b = time - _stride >= 0 ? _schedule.AlphaBars[time - _stride] : 1;
        var beta = 1 - a / b;
        var (clean, _) = Predicted.CleanAndNoise(_schedule.Prediction, output, sample, Math.Sqrt(a), Math.Sqrt(1 - a));
        if (_clip is { } range) clean = clean.clamp(-range, range);
        var next = Weighted.Sum((Math.Sqrt(b) * beta / (1 - a), clean), (Math.Sqrt(a / b) * (1 - b) / (1 - a), sample));
        if (time > 0) next.add_(noise(), Math.Sqrt(Math.Max((1 - b) / (1 - a) * beta, 1e-20)));
        return next.MoveToOuterDisposeScope();
    }

    public Tensor AddNoise(Tensor clean, Tensor noise, int call)
    {
        var a = _schedule.AlphaBars[(int)_times[call]];
        return Weighted.Sum((Math.Sqrt(a), clean), (Math.Sqrt(1 - a), noise));
    }

    public void Dispose()
    {
    }
}
