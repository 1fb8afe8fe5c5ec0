using BatchGen.Core.Failures;
using BatchGen.Diffusion.Models;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Sampling;

/// <summary>Times and noise levels for the samplers that work on x = x0 + sigma e.</summary>
/// <param name="Times">Training time of each step.</param>
/// <param name="Sigmas">Noise level before each step, and one more at the end.</param>
/// <param name="InitialScale">What the first noise is multiplied with.</param>
internal sealed record SigmaPath(double[] Times, double[] Sigmas, double InitialScale)
{
    /// <summary>Least alphaBar where the last one was rescaled to zero: sigma stays finite, 4096 (diffusers).</summary>
    public const double ZeroSnrFloor = 1.0 / (1 << 24);

    /// <summary>Lays out the path.</summary>
    /// <param name="config">Settings: spacing, <c>use_karras_sigmas</c>, <c>sigma_min</c>, <c>sigma_max</c>,
    /// <c>final_sigmas_type</c>.</param>
    /// <param name="schedule">Noise levels in training.</param>
    /// <param name="steps">Steps wanted.</param>
    /// <param name="withFinalSetting">Whether the diffusers class has <c>final_sigmas_type</c>; the others end at zero.</param>
    public static SigmaPath Create(ConfigFile config, NoiseSchedule schedule, int steps, bool withFinalSetting = false)
    {
        var trained = schedule.Sigmas();
        var times = Timesteps.Spaced(config, schedule.TrainSteps, steps, round: false);
        var sigmas = times.Select(time => Timesteps.Interpolate(trained, time)).ToArray();
        if (config.Flag("use_karras_sigmas", false))
        {
            var logs = trained.Select(sigma => Math.Log(sigma)).ToArray();
            sigmas = Timesteps.KarrasSigmas(config.Number("sigma_min", sigmas[^1]), config.Number("sigma_max", sigmas[0]), steps);
            times = sigmas.Select(sigma => Timesteps.TimeOfSigma(logs, sigma)).ToArray();
        }

        var final = (withFinalSetting ? config.Text("final_sigmas_type", "zero") : "zero") switch
        {
            "zero" => 0,
            "sigma_min" => trained[0],
            var other => throw new ModelException($"'{config.Path}' has final_sigmas_type '{other}'; known are zero and sigma_min."),
        };
        var largest = sigmas.Max();
        // Evenly spaced and trailing times start at pure noise; leading ones start below, where the image still counts.
        var leading = config.Text("timestep_spacing", "linspace") == "leading";
        return new SigmaPath(times, [.. sigmas, final], leading ? Math.Sqrt(largest * largest + 1) : largest);
    }

    /// <summary>x / sqrt(sigma squared + 1): the network was trained on samples of variance one.</summary>
    public Tensor ScaleInput(Tensor sample, int call) => sample / Math.Sqrt(Sigmas[call] * Sigmas[call] + 1);

    /// <summary>x0 + sigma e.</summary>
    public Tensor AddNoise(Tensor clean, Tensor noise, int call)
    {
        using var scope = NewDisposeScope();
        return (clean + noise * Sigmas[call]).MoveToOuterDisposeScope();
    }
}
