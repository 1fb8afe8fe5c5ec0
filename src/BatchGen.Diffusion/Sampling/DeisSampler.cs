using BatchGen.Core.Failures;
using BatchGen.Diffusion.Models;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Sampling;

/// <summary>
/// Exponential integrator that extrapolates the noise in log rho: Zhang and Chen 2022 (arXiv:2204.13902), equations 14 and 15 (tAB-DEIS).
/// </summary>
/// <remarks>Symbols: rho = sigma / alpha; x = alpha (x0 + rho e). Settings as in diffusers 0.30.3, DEISMultistepScheduler.</remarks>
internal sealed class DeisSampler : ISampler
{
    private readonly NoiseSchedule _schedule;
    private readonly SolverPath _path;
    private readonly History _noises;
    private readonly int _order;
    private readonly bool _lowerAtEnd;
    private int _done;

    public DeisSampler(ConfigFile config, int steps)
    {
        _schedule = new NoiseSchedule(config, SigmaPath.ZeroSnrFloor);
        // The noise cannot be extrapolated to zero: this class of diffusers always ends at the smallest level.
        _path = SolverPath.Create(
            config.With("""{"final_sigmas_type": "sigma_min"}"""), _schedule, steps, "sigma_min", karrasRepeatsLast: true);
        _order = (int)config.Integer("solver_order", 2);
        if (_order is < 1 or > 3) throw new ModelException($"'{config.Path}' has solver_order {_order}; known are 1, 2 and 3.");
        _lowerAtEnd = config.Flag("lower_order_final", true) && steps < 15;
        _noises = new History(_order);
    }

    public IReadOnlyList<double> Timesteps => _path.Times;

    public double InitialScale => 1;

    public Tensor ScaleInput(Tensor sample, int call) => sample.alias();

    public Tensor Step(Tensor output, int call, Tensor sample, Func<Tensor> noise)
    {
        using var scope = NewDisposeScope();
        _noises.Push(Predicted.CleanAndNoise(_schedule.Prediction, output, sample, _path.Alpha(call), _path.Sigma(call)).Noise);
        var left = _path.Times.Length - call;
        var order = Math.Min(_lowerAtEnd ? Math.Min(left, _order) : _order, _done + 1);
        _done = Math.Min(_done + 1, _order);
        var alpha = _path.Alpha(call + 1);
        var next = sample * (alpha / _path.Alpha(call));
        for (var age = 0; age < order; age++) next.add_(_noises[age], alpha * Weight(call, age, order));
        return next.MoveToOuterDisposeScope();
    }

    public Tensor AddNoise(Tensor clean, Tensor noise, int call) => _path.AddNoise(clean, noise, call);

    public void Dispose() => _noises.Dispose();

    // Integral over rho, from this level to the next, of the polynomial in log rho that is one at the level of so many calls ago and zero
    // at the others.
    private double Weight(int call, int age, int order)
    {
        var others = Enumerable.Range(0, order).Where(other => other != age)
            .Select(other => Math.Log(_path.Levels[call - other])).ToArray();
        var own = Math.Log(_path.Levels[call - age]);
        var divisor = others.Aggregate(1.0, (product, other) => product * (own - other));
        return (Antiderivative(_path.Levels[call + 1], others) - Antiderivative(_path.Levels[call], others)) / divisor;
    }

    // Of 1, of log r - c, and of (log r - c)(log r - d).
    private static double Antiderivative(double rho, double[] roots)
    {
        var log = Math.Log(rho);
        return roots.Length switch
        {
            0 => rho,
            1 => rho * (log - 1 - roots[0]),
            2 => rho * (log * log - (2 + roots[0] + roots[1]) * log + 2 + roots[0] + roots[1] + roots[0] * roots[1]),
            _ => throw new ArgumentOutOfRangeException(nameof(roots), roots.Length, "at most third order"),
        };
    }
}
