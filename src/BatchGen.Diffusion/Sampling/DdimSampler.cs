using BatchGen.Diffusion.Models;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Sampling;

/// <summary>DDIM: Song et al. 2020 (arXiv:2010.02502), equations 12 and 16.</summary>
/// <remarks>
/// Symbols: a = alphaBar at this time, b = alphaBar at the next, x0 = clean sample, e = noise. Settings as in diffusers 0.30.3,
/// DDIMScheduler.
/// </remarks>
internal sealed class DdimSampler : ISampler
{
    private readonly NoiseSchedule _schedule;
    private readonly double[] _times;
    private readonly int _stride;
    private readonly double _last;
    private readonly double _eta;
    private readonly double? _clip;

    public DdimSampler(ConfigFile config, int steps)
    {
        _schedule = new NoiseSchedule(config);
        _times = Sampling.Timesteps.Spaced(config, _schedule.TrainSteps, steps, "leading");
        _stride = _schedule.TrainSteps / steps;
        _last = config.Flag("set_alpha_to_one", true) ? 1 : _schedule.AlphaBars[0];
        _eta = config.Number("eta", 0);
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
        var b = time - _stride >= 0 ? _schedule.AlphaBars[time - _stride] : _last;
        var (x0, e) = Predicted.CleanAndNoise(_schedule.Prediction, output, sample, Math.Sqrt(a), Math.Sqrt(1 - a));
        if (_clip is { } range) x0 = x0.clamp(-range, range);
        var deviation = _eta * Math.Sqrt((1 - b) / (1 - a) * (1 - a / b));
        var next = x0 * Math.Sqrt(b) + e * Math.Sqrt(1 - b - deviation * deviation);
        if (_eta > 0) next = next + noise() * deviation;
        return next.MoveToOuterDisposeScope();
    }

    public Tensor AddNoise(Tensor clean, Tensor noise, int call)
    {
        using var scope = NewDisposeScope();
        var a = _schedule.AlphaBars[(int)_times[call]];
        return (clean * Math.Sqrt(a) + noise * Math.Sqrt(1 - a)).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
    }
}
