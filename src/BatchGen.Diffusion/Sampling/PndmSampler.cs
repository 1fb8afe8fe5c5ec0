using BatchGen.Diffusion.Models;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Sampling;

/// <summary>
/// Pseudo numerical methods: Liu et al. 2022 (arXiv:2202.09778), equations 9 to 13: a linear multistep method, optionally started by Runge
/// and Kutta's.
/// </summary>
/// <remarks>
/// Symbols: a = alphaBar at one time, b = alphaBar at another, e = noise. Settings as in diffusers 0.30.3, PNDMScheduler.
/// </remarks>
internal sealed class PndmSampler : ISampler
{
    private const int Order = 4;
    private readonly NoiseSchedule _schedule;
    private readonly double[] _times;
    private readonly int _stride;
    private readonly int _rungeCalls;
    private int _done;
    private readonly double _last;
    private readonly History _noises = new(Order);
    private readonly History _start = new(1);
    private readonly History _sum = new(1);

    public PndmSampler(ConfigFile config, int steps)
    {
        _schedule = new NoiseSchedule(config, SigmaPath.ZeroSnrFloor);
        _stride = _schedule.TrainSteps / steps;
        _last = config.Flag("set_alpha_to_one", false) ? 1 : _schedule.AlphaBars[0];
        var spaced = Sampling.Timesteps.Spaced(config, _schedule.TrainSteps, steps, "leading");
        if (config.Flag("skip_prk_steps", false) || steps < Order)
        {
            // The second time is visited twice: the first step is taken again with the mean of two slopes.
            _times = steps == 1 ? spaced : [spaced[0], spaced[1], .. spaced[1..]];
            return;
        }

        // Three steps of Runge and Kutta, four calls each: at the time, twice half a step on, and at the next time.
        var half = _stride / 2;
        _times =
        [
            .. Enumerable.Range(0, Order - 1)
                .SelectMany(i => new[] { spaced[i], spaced[i + 1] + half, spaced[i + 1] + half, spaced[i + 1] }),
            .. spaced[(Order - 1)..],
        ];
        _rungeCalls = (Order - 1) * 4;
    }

    public IReadOnlyList<double> Timesteps => _times;

    public double InitialScale => 1;

    public Tensor ScaleInput(Tensor sample, int call) => sample.alias();

    public Tensor Step(Tensor output, int call, Tensor sample, Func<Tensor> noise)
    {
        using var scope = NewDisposeScope();
        return (call < _rungeCalls ? RungeKutta(output, call, sample) : Multistep(output, call, sample)).MoveToOuterDisposeScope();
    }

    public Tensor AddNoise(Tensor clean, Tensor noise, int call)
    {
        var a = _schedule.AlphaBars[(int)_times[call]];
        return Weighted.Sum((Math.Sqrt(a), clean), (Math.Sqrt(1 - a), noise));
    }

    public void Dispose()
    {
        _noises.Dispose();
        _start.Dispose();
        _sum.Dispose();
    }

    // arXiv:2202.09778, equation 13: slopes weighted 1/6, 1/3, 1/3, 1/6.
    private Tensor RungeKutta(Tensor output, int call, Tensor sample)
    {
        var phase = call % 4;
        var time = (int)_times[call / 4 * 4];
        var target = (int)_times[call] - (phase % 2 == 0 ? _stride / 2 : 0);
        var use = output;
        switch (phase)
        {
            case 0:
                _noises.Push(output);
                _start.Push(sample);
                _sum.Push(output / 6);
                break;
            case 3:
                use = _sum[0] + output / 6;
                break;
            default:
                _sum.Push(_sum[0] + output / 3);
                break;
        }

        return Transfer(_start[0], time, target, use);
    }

    // arXiv:2202.09778, equation 12 (Adams and Bashforth), with lower orders while there are fewer slopes.
    private Tensor Multistep(Tensor output, int call, Tensor sample)
    {
        var time = (int)_times[call];
        // Counted from the first call made, which is a later one when an image is started from.
        var made = _done++;
        if (_rungeCalls == 0 && made == 1)
        {
            // The first step again, with the mean of the slopes at both its ends.
            return Transfer(_start[0], time + _stride, time, Weighted.Sum((0.5, output), (0.5, _noises[0])));
        }

        _noises.Push(output);
        if (_rungeCalls == 0 && made == 0) _start.Push(sample);
        var mean = _noises.Count switch
        {
            1 => _noises[0],
            2 => Weighted.Sum((3.0 / 2, _noises[0]), (-1.0 / 2, _noises[1])),
            3 => Weighted.Sum((23.0 / 12, _noises[0]), (-16.0 / 12, _noises[1]), (5.0 / 12, _noises[2])),
            _ => Weighted.Sum((55.0 / 24, _noises[0]), (-59.0 / 24, _noises[1]), (37.0 / 24, _noises[2]), (-9.0 / 24, _noises[3])),
        };
        return Transfer(sample, time, time - _stride, mean);
    }

    // arXiv:2202.09778, equation 11.
    private Tensor Transfer(Tensor sample, int from, int to, Tensor output)
    {
        var a = _schedule.AlphaBars[Math.Min(from, _schedule.TrainSteps - 1)];
        var b = to >= 0 ? _schedule.AlphaBars[to] : _last;
        var (_, e) = Predicted.CleanAndNoise(_schedule.Prediction, output, sample, Math.Sqrt(a), Math.Sqrt(1 - a));
        var divisor = a * Math.Sqrt(1 - b) + Math.Sqrt(a * (1 - a) * b);
        return Weighted.Sum((Math.Sqrt(b / a), sample), (-(b - a) / divisor, e));
    }
}
