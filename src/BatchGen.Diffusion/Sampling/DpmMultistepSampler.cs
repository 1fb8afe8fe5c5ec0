using BatchGen.Core.Failures;
using BatchGen.Diffusion.Models;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Sampling;

/// <summary>
/// DPM-Solver and DPM-Solver++ with several steps' memory: Lu et al. 2022 (arXiv:2206.00927, arXiv:2211.01095, algorithm 2), and their
/// stochastic forms (arXiv:2305.14267 uses the same exponential integrators).
/// </summary>
/// <remarks>
/// Symbols: t the time aimed at, s0 this one, s1 and s2 the ones before; h steps of lambda, r their ratios; m converted outputs, D their
/// divided differences. Settings as in diffusers 0.30.3, DPMSolverMultistepScheduler.
/// </remarks>
internal sealed class DpmMultistepSampler : ISampler
{
    private readonly NoiseSchedule _schedule;
    private readonly SolverPath _path;
    private readonly History _outputs;
    private readonly int _order;
    private readonly bool _predictsClean;
    private readonly bool _stochastic;
    private readonly bool _heun;
    private readonly bool _lowerAtEnd;
    private readonly bool _firstAtEnd;
    private int _lower;

    public DpmMultistepSampler(ConfigFile config, int steps)
    {
        config.Require("variance_type", "null", "null");
        config.Require("algorithm_type", "dpmsolver++", "dpmsolver++", "dpmsolver", "sde-dpmsolver++", "sde-dpmsolver");
        config.Require("solver_type", "midpoint", "midpoint", "heun");
        var algorithm = config.Text("algorithm_type", "dpmsolver++");
        _schedule = new NoiseSchedule(config, SigmaPath.ZeroSnrFloor);
        _path = SolverPath.Create(config, _schedule, steps, "zero");
        _order = (int)config.Integer("solver_order", 2);
        if (_order is < 1 or > 3) throw new ModelException($"'{config.Path}' has solver_order {_order}; known are 1, 2 and 3.");
        _predictsClean = algorithm.EndsWith("++", StringComparison.Ordinal);
        _stochastic = algorithm.StartsWith("sde-", StringComparison.Ordinal);
        // The stochastic third-order step is not defined upstream either.
        if (_stochastic) _order = Math.Min(_order, 2);
        _heun = config.Text("solver_type", "midpoint") == "heun";
        // Few steps end more steadily with lower orders (arXiv:2211.01095, appendix C).
        _lowerAtEnd = config.Flag("lower_order_final", true) && steps < 15;
        _firstAtEnd = config.Flag("euler_at_final", false) || _lowerAtEnd || config.Text("final_sigmas_type", "zero") == "zero";
        if (_path.Levels[^1] == 0 && !_predictsClean)
            throw new ModelException(
                $"'{config.Path}': algorithm_type {algorithm} cannot end at sigma zero; it needs final_sigmas_type sigma_min.");
        _outputs = new History(_order);
    }

    public IReadOnlyList<double> Timesteps => _path.Times;

    public double InitialScale => 1;

    public Tensor ScaleInput(Tensor sample, int call) => sample.alias();

    public Tensor Step(Tensor output, int call, Tensor sample, Func<Tensor> noise)
    {
        using var scope = NewDisposeScope();
        var (clean, epsilon) = Predicted.CleanAndNoise(_schedule.Prediction, output, sample, _path.Alpha(call), _path.Sigma(call));
        _outputs.Push(_predictsClean ? clean : epsilon);
        var last = call == _path.Times.Length - 1;
        var order = last && _firstAtEnd ? 1 : call == _path.Times.Length - 2 && _lowerAtEnd ? Math.Min(2, _order) : _order;
        order = Math.Min(order, Math.Min(_lower + 1, _outputs.Count));
        _lower = Math.Min(_lower + 1, _order);
        var h = _path.Lambda(call + 1) - _path.Lambda(call);
        var next = _predictsClean ? StepClean(sample, call, h, order) : StepNoise(sample, call, h, order);
        if (_stochastic)
        {
            var deviation = _path.Sigma(call + 1) * Math.Sqrt(_predictsClean ? -Expm1(-2 * h) : Expm1(2 * h));
            next.add_(noise(), deviation);
        }

        return next.MoveToOuterDisposeScope();
    }

    public Tensor AddNoise(Tensor clean, Tensor noise, int call) => _path.AddNoise(clean, noise, call);

    public void Dispose() => _outputs.Dispose();

    // exp(x) - 1 without cancellation for small x.
    private static double Expm1(double x) => Math.Abs(x) < 1e-5 ? x + x * x / 2 : Math.Exp(x) - 1;

    // arXiv:2211.01095, equations 9 to 13 and appendix A: the clean sample is extrapolated. The stochastic form doubles h in the weights.
    private Tensor StepClean(Tensor sample, int call, double h, int order)
    {
        var alpha = _path.Alpha(call + 1);
        var decay = _path.Sigma(call + 1) / _path.Sigma(call);
        var weight = -alpha * Expm1(-h);
        if (_stochastic)
        {
            decay *= Math.Exp(-h);
            weight = -alpha * Expm1(-2 * h);
        }

        if (order == 1) return Weighted.Sum((decay, sample), (weight, _outputs[0]));
        var (first, second) = Differences(call, h, order);
        if (order == 2)
        {
            var slope = !_heun ? 0.5 * weight : _stochastic ? alpha * (Expm1(-2 * h) / (2 * h) + 1) : alpha * (Expm1(-h) / h + 1);
            return Weighted.Sum((decay, sample), (weight, _outputs[0]), (slope, first));
        }

        return Weighted.Sum(
            (decay, sample), (weight, _outputs[0]), (alpha * (Expm1(-h) / h + 1), first),
            (-alpha * ((Expm1(-h) + h) / (h * h) - 0.5), second!));
    }

    // arXiv:2206.00927, equations 3.7 and appendix B: the noise is extrapolated.
    private Tensor StepNoise(Tensor sample, int call, double h, int order)
    {
        var sigma = _path.Sigma(call + 1);
        var decay = _path.Alpha(call + 1) / _path.Alpha(call);
        var twice = _stochastic ? 2 : 1;
        var weight = -twice * sigma * Expm1(h);
        if (order == 1) return Weighted.Sum((decay, sample), (weight, _outputs[0]));
        var (first, second) = Differences(call, h, order);
        if (order == 2)
        {
            var slope = _heun ? -twice * sigma * (Expm1(h) / h - 1) : 0.5 * weight;
            return Weighted.Sum((decay, sample), (weight, _outputs[0]), (slope, first));
        }

        return Weighted.Sum(
            (decay, sample), (weight, _outputs[0]), (-sigma * (Expm1(h) / h - 1), first),
            (-sigma * ((Expm1(h) - h) / (h * h) - 0.5), second!));
    }

    private (Tensor First, Tensor? Second) Differences(int call, double h, int order)
    {
        var r0 = (_path.Lambda(call) - _path.Lambda(call - 1)) / h;
        var d0 = (_outputs[0] - _outputs[1]) / r0;
        if (order == 2) return (d0, null);
        var r1 = (_path.Lambda(call - 1) - _path.Lambda(call - 2)) / h;
        var d1 = (_outputs[1] - _outputs[2]) / r1;
        return (Weighted.Sum((1 + r0 / (r0 + r1), d0), (-r0 / (r0 + r1), d1)), Weighted.Sum((1 / (r0 + r1), d0), (-1 / (r0 + r1), d1)));
    }
}
