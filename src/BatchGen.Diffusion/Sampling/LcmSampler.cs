using BatchGen.Core.Failures;
using BatchGen.Diffusion.Models;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Sampling;

/// <summary>
/// Multistep consistency sampling for distilled models: Luo et al. 2023 (arXiv:2310.04378), algorithm 3, with the boundary of
/// arXiv:2303.01469, appendix C.
/// </summary>
/// <remarks>Settings as in diffusers 0.30.3, LCMScheduler.</remarks>
internal sealed class LcmSampler : ISampler
{
    private const double SigmaData = 0.5;
    private readonly NoiseSchedule _schedule;
    private readonly double[] _times;
    private readonly double _timeScale;
    private readonly double? _clip;

    public LcmSampler(ConfigFile config, int steps)
    {
        _schedule = new NoiseSchedule(config);
        var original = (int)config.Integer("original_inference_steps", 50);
        if (original < 1 || original > _schedule.TrainSteps)
            throw new ModelException($"'{config.Path}' has original_inference_steps {original}; expected 1 to {_schedule.TrainSteps}.");
        if (steps > original)
            throw new InvalidJobException($"{steps} steps were asked for, but this sampler chooses among the {original} times its model "
                + "was distilled on. Ask for 2 to 8.");
        var stride = _schedule.TrainSteps / original;
        // Evenly among the distilled times, from the last one down.
        _times = Enumerable.Range(0, steps)
            .Select(i => (double)((original - (int)Math.Floor(i * ((double)original / steps))) * stride - 1)).ToArray();
        _timeScale = config.Number("timestep_scaling", 10);
        _clip = config.Flag("clip_sample", false) ? config.Number("clip_sample_range", 1) : null;
    }

    public IReadOnlyList<double> Timesteps => _times;

    public double InitialScale => 1;

    public Tensor ScaleInput(Tensor sample, int call) => sample.alias();

    public Tensor Step(Tensor output, int call, Tensor sample, Func<Tensor> noise)
    {
        using var scope = NewDisposeScope();
        var a = _schedule.AlphaBars[(int)_times[call]];
        var (clean, _) = Predicted.CleanAndNoise(_schedule.Prediction, output, sample, Math.Sqrt(a), Math.Sqrt(1 - a));
        if (_clip is { } range) clean = clean.clamp(-range, range);
        var scaled = _times[call] * _timeScale;
        var keep = SigmaData * SigmaData / (scaled * scaled + SigmaData * SigmaData);
        var use = scaled / Math.Sqrt(scaled * scaled + SigmaData * SigmaData);
        var denoised = Weighted.Sum((use, clean), (keep, sample));
        if (call == _times.Length - 1) return denoised.MoveToOuterDisposeScope();
        var b = _schedule.AlphaBars[(int)_times[call + 1]];
        return Weighted.Sum((Math.Sqrt(b), denoised), (Math.Sqrt(1 - b), noise())).MoveToOuterDisposeScope();
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
