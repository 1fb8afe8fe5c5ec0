using BatchGen.Core.Failures;
using BatchGen.Diffusion.Models;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Sampling;

/// <summary>Times and noise levels for the solvers that work on x = alpha x0 + sigma e with lambda = log(alpha / sigma).</summary>
/// <remarks>
/// Lu et al. 2022 (arXiv:2206.00927). Levels are given as sigma / alpha, the sigma of Karras et al.; alpha squared + sigma squared = 1.
/// Settings as in diffusers 0.30.3, DPMSolverMultistepScheduler.
/// </remarks>
/// <param name="Times">Training time of each step.</param>
/// <param name="Levels">sigma / alpha before each step, and one more at the end.</param>
internal sealed record SolverPath(double[] Times, double[] Levels)
{
    /// <summary>Lays out the path.</summary>
    /// <param name="config">Settings: spacing, <c>use_karras_sigmas</c>, <c>use_lu_lambdas</c>, <c>final_sigmas_type</c>.</param>
    /// <param name="schedule">Noise levels in training.</param>
    /// <param name="steps">Steps wanted.</param>
    /// <param name="final">What the path ends at where the settings do not say.</param>
    /// <param name="karrasRepeatsLast">Whether Karras levels that end at <c>sigma_min</c> repeat their own last level.</param>
    public static SolverPath Create(ConfigFile config, NoiseSchedule schedule, int steps, string final, bool karrasRepeatsLast = false)
    {
        if (config.Has("lambda_min_clipped") && config.Number("lambda_min_clipped") > -1e9)
            config.Require("lambda_min_clipped", "-inf", "-inf");
        var trained = schedule.Sigmas();
        var logs = trained.Select(sigma => Math.Log(sigma)).ToArray();
        var karras = config.Flag("use_karras_sigmas", false);
        double[] times;
        double[] levels;
        if (karras || config.Flag("use_lu_lambdas", false))
        {
            // Over the whole range of training; times are rounded to whole ones.
            levels = karras ? Timesteps.KarrasSigmas(trained[0], trained[^1], steps) : EvenLogs(logs, steps);
            times = levels.Select(level => Math.Round(Timesteps.TimeOfSigma(logs, level))).ToArray();
        }
        else
        {
            times = Timesteps.Spaced(config, schedule.TrainSteps, steps, extra: 1);
            levels = times.Select(time => Timesteps.Interpolate(trained, time)).ToArray();
        }

        var last = config.Text("final_sigmas_type", final) switch
        {
            "zero" => 0,
            "sigma_min" => karras && karrasRepeatsLast ? levels[^1] : trained[0],
            var other => throw new ModelException($"'{config.Path}' has final_sigmas_type '{other}'; known are zero and sigma_min."),
        };
        return new SolverPath(times, [.. levels, last]);
    }

    /// <summary>alpha at a place of the path.</summary>
    public double Alpha(int place) => 1 / Math.Sqrt(Levels[place] * Levels[place] + 1);

    /// <summary>sigma at a place of the path.</summary>
    public double Sigma(int place) => Levels[place] * Alpha(place);

    /// <summary>lambda at a place of the path; infinite where no noise is left.</summary>
    public double Lambda(int place) => -Math.Log(Levels[place]);

    /// <summary>alpha x0 + sigma e.</summary>
    public Tensor AddNoise(Tensor clean, Tensor noise, int call) => Weighted.Sum((Alpha(call), clean), (Sigma(call), noise));

    // Evenly spaced lambda (arXiv:2206.00927, section 3.2; diffusers with rho = 1).
    private static double[] EvenLogs(double[] logs, int count) =>
        Enumerable.Range(0, count)
            .Select(i => Math.Exp(logs[^1] + (count == 1 ? 0 : (double)i / (count - 1)) * (logs[0] - logs[^1]))).ToArray();
}
