using BatchGen.Diffusion.Models;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Sampling;

/// <summary>
/// The midpoint method, two network calls a step: Karras et al. 2022 (arXiv:2206.00364), algorithm 2 with the midpoint of k-diffusion's
/// sample_dpm_2.
/// </summary>
/// <remarks>
/// Optionally ancestral: it overshoots and adds noise back. Settings as in diffusers 0.30.3, KDPM2DiscreteScheduler and
/// KDPM2AncestralDiscreteScheduler.
/// </remarks>
internal sealed class Kdpm2Sampler : ISampler
{
    private readonly NoiseSchedule _schedule;
    private readonly SigmaPath _path;
    private readonly bool _ancestral;
    private readonly double[] _down;
    private readonly double[] _up;
    private readonly double[] _middle;
    private readonly double[] _times;
    private readonly History _start = new(1);

    public Kdpm2Sampler(ConfigFile config, int steps, bool ancestral)
    {
        _ancestral = ancestral;
        _schedule = new NoiseSchedule(config, SigmaPath.ZeroSnrFloor);
        _path = SigmaPath.Create(config, _schedule, steps);
        (_down, _up, _middle) = (new double[steps], new double[steps], new double[steps]);
        for (var step = 0; step < steps; step++)
        {
            var (sigma, next) = (_path.Sigmas[step], _path.Sigmas[step + 1]);
            _up[step] = ancestral ? Math.Sqrt(next * next * (sigma * sigma - next * next) / (sigma * sigma)) : 0;
            _down[step] = Math.Sqrt(next * next - _up[step] * _up[step]);
            // Halfway in the logarithm; the last step goes to zero in one call.
            _middle[step] = step == steps - 1 ? 0 : Math.Sqrt(sigma * _down[step]);
        }

        var logs = _schedule.Sigmas().Select(sigma => Math.Log(sigma)).ToArray();
        _times = [_path.Times[0], .. Enumerable.Range(1, steps - 1)
            .SelectMany(step => new[] { Sampling.Timesteps.TimeOfSigma(logs, _middle[step - 1]), _path.Times[step] })];
    }

    public IReadOnlyList<double> Timesteps => _times;

    public int CallsPerStep => 2;

    public double InitialScale => _path.InitialScale;

    public Tensor ScaleInput(Tensor sample, int call)
    {
        var sigma = call % 2 == 0 ? _path.Sigmas[call / 2] : _middle[call / 2];
        return sample / Math.Sqrt(sigma * sigma + 1);
    }

    public Tensor Step(Tensor output, int call, Tensor sample, Func<Tensor> noise)
    {
        using var scope = NewDisposeScope();
        var step = call / 2;
        var (sigma, middle) = (_path.Sigmas[step], _middle[step]);
        // The peer draws at both calls of a step; its generator must not fall behind.
        var drawn = _ancestral ? noise() : null;
        if (call % 2 == 0)
        {
            var slope = (sample - Predicted.Clean(_schedule.Prediction, output, sample, sigma)) / sigma;
            _start.Push(sample);
            return Weighted.Sum((1, sample), (middle - sigma, slope)).MoveToOuterDisposeScope();
        }

        var second = (sample - Predicted.Clean(_schedule.Prediction, output, sample, middle)) / middle;
        var next = Weighted.Sum((1, _start[0]), (_down[step] - sigma, second));
        if (drawn is not null) next.add_(drawn, _up[step]);
        return next.MoveToOuterDisposeScope();
    }

    public Tensor AddNoise(Tensor clean, Tensor noise, int call)
    {
        var sigma = call % 2 == 0 ? _path.Sigmas[call / 2] : _middle[call / 2];
        return Weighted.Sum((1, clean), (sigma, noise));
    }

    public void Dispose() => _start.Dispose();
}
