using BatchGen.Diffusion.Models;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Sampling;

/// <summary>Heun's method, two network calls a step: Karras et al. 2022 (arXiv:2206.00364), algorithm 1.</summary>
/// <remarks>Settings as in diffusers 0.30.3, HeunDiscreteScheduler.</remarks>
internal sealed class HeunSampler : ISampler
{
    private readonly NoiseSchedule _schedule;
    private readonly SigmaPath _path;
    private readonly double[] _times;
    private readonly History _start = new(1);
    private readonly History _slope = new(1);

    public HeunSampler(ConfigFile config, int steps)
    {
        config.Require("clip_sample", "false", "false");
        _schedule = new NoiseSchedule(config, SigmaPath.ZeroSnrFloor);
        _path = SigmaPath.Create(config, _schedule, steps);
        // The second call of a step looks at the next time; the last step goes to zero in one call.
        _times = [_path.Times[0], .. _path.Times.Skip(1).SelectMany(time => new[] { time, time })];
    }

    public IReadOnlyList<double> Timesteps => _times;

    public int CallsPerStep => 2;

    public double InitialScale => _path.InitialScale;

    public Tensor ScaleInput(Tensor sample, int call) => _path.ScaleInput(sample, (call + 1) / 2);

    public Tensor Step(Tensor output, int call, Tensor sample, Func<Tensor> noise)
    {
        using var scope = NewDisposeScope();
        var step = call / 2;
        var (sigma, next) = (_path.Sigmas[step], _path.Sigmas[step + 1]);
        if (call % 2 == 0)
        {
            var slope = (sample - Predicted.Clean(_schedule.Prediction, output, sample, sigma)) / sigma;
            _start.Push(sample);
            _slope.Push(slope);
            return Weighted.Sum((1, sample), (next - sigma, slope)).MoveToOuterDisposeScope();
        }

        var second = (sample - Predicted.Clean(_schedule.Prediction, output, sample, next)) / next;
        var half = (next - sigma) / 2;
        return Weighted.Sum((1, _start[0]), (half, _slope[0]), (half, second)).MoveToOuterDisposeScope();
    }

    public Tensor AddNoise(Tensor clean, Tensor noise, int call) => _path.AddNoise(clean, noise, (call + 1) / 2);

    public void Dispose()
    {
        _start.Dispose();
        _slope.Dispose();
    }
}
