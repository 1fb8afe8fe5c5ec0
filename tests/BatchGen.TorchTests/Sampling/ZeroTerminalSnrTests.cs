using BatchGen.Core.Rendering;
using BatchGen.Diffusion.Models;
using BatchGen.Diffusion.Sampling;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchGen.TorchTests.Sampling;

/// <summary>Models trained down to pure noise: the last alphaBar is zero, and no sampler may divide by it.</summary>
public sealed class ZeroTerminalSnrTests
{
    private const double Image = 0.5;

    public static TheoryData<string, string, int> Cases
    {
        get
        {
            var cases = new TheoryData<string, string, int>();
            foreach (var sampler in SamplerNames.All)
            {
                foreach (var spacing in new[] { "trailing", "leading" })
                {
                    foreach (var steps in new[] { 1, 8, 20 }) cases.Add(sampler, spacing, steps);
                }
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Every_sampler_finds_the_image_that_the_network_knows(string name, string spacing, int steps)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var config = ConfigFile.Parse(
            $$"""
            {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "clip_sample": false,
             "set_alpha_to_one": true, "steps_offset": 1,
             "prediction_type": "v_prediction", "rescale_betas_zero_snr": true, "timestep_spacing": "{{spacing}}"}
            """,
            "zero SNR");
        using var sampler = SamplerCatalog.Create(name, config, steps);
        var generator = new Generator(1);
        Tensor Noise() => randn([1, 4, 8, 8], generator: generator);
        var x = Noise() * sampler.InitialScale;

        for (var call = 0; call < sampler.Timesteps.Count; call++)
        {
            Assert.True(double.IsFinite(sampler.Timesteps[call]), $"time {call} is {sampler.Timesteps[call]}");
            x = sampler.Step(Velocity(config, sampler.ScaleInput(x, call), sampler.Timesteps[call]), call, x, Noise);
            Assert.True(x.isfinite().all().item<bool>(), $"sample {call} at time {sampler.Timesteps[call]} is not finite");
        }

        // What is left is the smallest level of noise, where a sampler ends there, and float32 beside a noise of 4096.
        Assert.InRange((x - Image).abs().max().item<float>(), 0, 0.25);
    }

    // The exact answer of a network that knows one image: v = alpha e - sigma x0, with e from the sample alpha x0 + sigma e.
    private static Tensor Velocity(ConfigFile config, Tensor input, double time)
    {
        var logs = new NoiseSchedule(config, SigmaPath.ZeroSnrFloor).Sigmas().Select(sigma => Math.Log(sigma)).ToArray();
        var level = Math.Exp(Timesteps.Interpolate(logs, time));
        var alpha = 1 / Math.Sqrt(level * level + 1);
        var sigma = level * alpha;
        return (input - alpha * Image) * (alpha / sigma) - sigma * Image;
    }
}
