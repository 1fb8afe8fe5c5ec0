using BatchGen.Diffusion.Models;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Sampling;

/// <summary>Linear multistep method of fourth order (Adams and Bashforth) on the noise level, as k-diffusion's sample_lms.</summary>
/// <remarks>Settings as in diffusers 0.30.3, LMSDiscreteScheduler.</remarks>
internal sealed class LmsSampler : ISampler
{
    private const int Order = 4;

    // Two nodes of Gauss and Legendre integrate polynomials up to the third degree exactly, which is what four slopes span.
    private static readonly double Node = 1 / Math.Sqrt(3);
    private readonly NoiseSchedule _schedule;
    private readonly SigmaPath _path;
    private readonly History _slopes = new(Order);

    public LmsSampler(ConfigFile config, int steps)
    {
        _schedule = new NoiseSchedule(config, SigmaPath.ZeroSnrFloor);
        _path = SigmaPath.Create(config, _schedule, steps);
    }

    public IReadOnlyList<double> Timesteps => _path.Times;

    public double InitialScale => _path.InitialScale;

    public Tensor ScaleInput(Tensor sample, int call) => _path.ScaleInput(sample, call);

    public Tensor Step(Tensor output, int call, Tensor sample, Func<Tensor> noise)
    {
        using var scope = NewDisposeScope();
        var sigma = _path.Sigmas[call];
        _slopes.Push((sample - Predicted.Clean(_schedule.Prediction, output, sample, sigma)) / sigma);
        var next = sample.clone();
        for (var age = 0; age < _slopes.Count; age++) next.add_(_slopes[age], Weight(call, age));
        return next.MoveToOuterDisposeScope();
    }

    public Tensor AddNoise(Tensor clean, Tensor noise, int call) => _path.AddNoise(clean, noise, call);

    public void Dispose() => _slopes.Dispose();

    // Integral, over this step, of the Lagrange polynomial that is one at the level of so many calls ago and zero at the others.
    private double Weight(int call, int age)
    {
        var (from, to) = (_path.Sigmas[call], _path.Sigmas[call + 1]);
        var (middle, half) = ((from + to) / 2, (to - from) / 2);
        return half * (Lagrange(call, age, middle - half * Node) + Lagrange(call, age, middle + half * Node));
    }

    private double Lagrange(int call, int age, double sigma)
    {
        var product = 1.0;
        for (var other = 0; other < _slopes.Count; other++)
        {
            if (other != age) product *= (sigma - _path.Sigmas[call - other]) / (_path.Sigmas[call - age] - _path.Sigmas[call - other]);
        }

        return product;
    }
}
