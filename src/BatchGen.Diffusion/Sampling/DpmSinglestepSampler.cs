using BatchGen.Core.Failures;
using BatchGen.Diffusion.Models;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Sampling;

/// <summary>
/// DPM-Solver and DPM-Solver++ whose higher-order steps start again from a sample: Lu et al. 2022 (arXiv:2206.00927, algorithms 1 and 2;
/// arXiv:2211.01095, algorithm 1).
/// </summary>
/// <remarks>
/// Symbols as in <see cref="DpmMultistepSampler"/>; s2, s1 and s0 are the times of a group, from its start. Settings as in diffusers
/// 0.30.3, DPMSolverSinglestepScheduler.
/// </remarks>
internal sealed class DpmSinglestepSampler : ISampler
{
    private readonly NoiseSchedule _schedule;
    private readonly SolverPath _path;
    private readonly History _outputs;
    private readonly History _start = new(1);
    private readonly int[] _orders;
    private readonly bool _predictsClean;
    private readonly bool _heun;

    public DpmSinglestepSampler(ConfigFile config, int steps)
    {
        config.Require("variance_type", "null", "null");
        config.Require("algorithm_type", "dpmsolver++", "dpmsolver++", "dpmsolver");
        config.Require("solver_type", "midpoint", "midpoint", "heun");
        // This class of diffusers has no spacing of its own: it is always even.
        config = config.With("""{"timestep_spacing": "linspace"}""");
        _schedule = new NoiseSchedule(config, SigmaPath.ZeroSnrFloor);
        _path = SolverPath.Create(config, _schedule, steps, "zero");
        _predictsClean = config.Text("algorithm_type", "dpmsolver++") == "dpmsolver++";
        _heun = config.Text("solver_type", "midpoint") == "heun";
        var endsAtZero = config.Text("final_sigmas_type", "zero") == "zero";
        if (endsAtZero && !_predictsClean)
            throw new ModelException(
                $"'{config.Path}': algorithm_type dpmsolver cannot end at sigma zero; it needs final_sigmas_type sigma_min.");
        var order = (int)config.Integer("solver_order", 2);
        if (order is < 1 or > 3) throw new ModelException($"'{config.Path}' has solver_order {order}; known are 1, 2 and 3.");
        _orders = Orders(order, steps, config.Flag("lower_order_final", false) || endsAtZero || steps % order != 0);
        if (endsAtZero) _orders[^1] = 1;
        _outputs = new History(order);
    }

    public IReadOnlyList<double> Timesteps => _path.Times;

    public double InitialScale => 1;

    public Tensor ScaleInput(Tensor sample, int call) => sample.alias();

    public Tensor Step(Tensor output, int call, Tensor sample, Func<Tensor> noise)
    {
        using var scope = NewDisposeScope();
        var (clean, epsilon) = Predicted.CleanAndNoise(_schedule.Prediction, output, sample, _path.Alpha(call), _path.Sigma(call));
        _outputs.Push(_predictsClean ? clean : epsilon);
        // Starting from an image, a group may lack its beginning.
        var order = Math.Min(_orders[call], _outputs.Count);
        if (order == 1) _start.Push(sample);
        return Advance(call, order).MoveToOuterDisposeScope();
    }

    public Tensor AddNoise(Tensor clean, Tensor noise, int call) => _path.AddNoise(clean, noise, call);

    public void Dispose()
    {
        _outputs.Dispose();
        _start.Dispose();
    }

    // Groups of rising order that together make the steps (arXiv:2206.00927, section 3.4).
    private static int[] Orders(int order, int steps, bool lowerAtEnd)
    {
        var groups = new List<int>();
        var whole = lowerAtEnd ? (steps % order == 0 ? steps / order - 1 : steps / order) : steps / order;
        for (var group = 0; group < whole; group++) groups.AddRange(Enumerable.Range(1, order));
        var left = steps - groups.Count;
        // What is left ends on a first-order step.
        if (left == order && left > 1) groups.AddRange([.. Enumerable.Range(1, order - 1), 1]);
        else groups.AddRange(Enumerable.Range(1, left));
        return [.. groups];
    }

    private Tensor Advance(int call, int order)
    {
        var from = call - order + 1;
        var h = _path.Lambda(call + 1) - _path.Lambda(from);
        var (scale, phi1) = _predictsClean ? (-_path.Alpha(call + 1), Math.Exp(-h) - 1) : (-_path.Sigma(call + 1), Math.Exp(h) - 1);
        var decay = _predictsClean ? _path.Sigma(call + 1) / _path.Sigma(from) : _path.Alpha(call + 1) / _path.Alpha(from);
        // Weights of the first and second difference: phi functions of the exponential integrator, for -h or h.
        var slope = _predictsClean ? -(phi1 / h + 1) : phi1 / h - 1;
        var sample = _start[0];
        if (order == 1) return Weighted.Sum((decay, sample), (scale * phi1, _outputs[0]));
        var r0 = (_path.Lambda(call) - _path.Lambda(from)) / h;
        if (order == 2)
        {
            var difference = (_outputs[0] - _outputs[1]) / r0;
            return Weighted.Sum((decay, sample), (scale * phi1, _outputs[1]), (scale * (_heun ? slope : 0.5 * phi1), difference));
        }

        var r1 = (_path.Lambda(call - 1) - _path.Lambda(from)) / h;
        var early = (_outputs[1] - _outputs[2]) / r1;
        var late = (_outputs[0] - _outputs[2]) / r0;
        if (!_heun) return Weighted.Sum((decay, sample), (scale * phi1, _outputs[2]), (scale * slope, late));
        var first = Weighted.Sum((r0 / (r0 - r1), early), (-r1 / (r0 - r1), late));
        var second = Weighted.Sum((2 / (r0 - r1), late), (-2 / (r0 - r1), early));
        var curve = _predictsClean ? (phi1 + h) / (h * h) - 0.5 : (phi1 - h) / (h * h) - 0.5;
        return Weighted.Sum((decay, sample), (scale * phi1, _outputs[2]), (scale * slope, first), (scale * curve, second));
    }
}
