using BatchGen.Core.Failures;
using BatchGen.Diffusion.Models;

namespace BatchGen.Diffusion.Sampling;

/// <summary>
/// Which of the training times a sampler visits (Lin et al. 2023, arXiv:2305.08891, table 2), and the noise levels of Karras et al.
/// </summary>
internal static class Timesteps
{
    /// <summary>Falling times for a number of steps.</summary>
    /// <param name="config">The scheduler's settings: <c>timestep_spacing</c>, <c>steps_offset</c>.</param>
    /// <param name="trainSteps">Number of training times.</param>
    /// <param name="steps">Times wanted.</param>
    /// <param name="spacing">Spacing where the settings name none: each diffusers class has its own.</param>
    /// <param name="round">Whether evenly spaced times are rounded to whole ones.</param>
    /// <param name="extra">1 for solvers that space one time more and leave the last out.</param>
    public static double[] Spaced(
        ConfigFile config, int trainSteps, int steps, string spacing = "linspace", bool round = true, int extra = 0)
    {
        if (steps > trainSteps)
            throw new InvalidJobException($"{steps} steps were asked for, but the model was trained with {trainSteps}. Ask for fewer.");
        var times = new double[steps];
        switch (config.Text("timestep_spacing", spacing))
        {
            case "linspace":
                var count = steps + extra;
                for (var i = 0; i < steps; i++)
                {
                    // Times rise evenly from 0 to the last; the i-th from the end is visited i-th.
                    var time = count == 1 ? 0 : (double)(trainSteps - 1) * (count - 1 - i) / (count - 1);
                    times[i] = round ? Math.Round(time) : time;
                }

                break;
            case "leading":
                var stride = trainSteps / (steps + extra);
                if (stride == 0)
                    throw new InvalidJobException($"{steps} steps are too many for this sampler, which needs fewer than the {trainSteps} "
                        + "the model was trained with.");
                for (var i = 0; i < steps; i++) times[i] = (double)stride * (steps + extra - 1 - i) + config.Integer("steps_offset", 0);
                break;
            case "trailing":
                for (var i = 0; i < steps; i++) times[i] = Math.Round(trainSteps - i * ((double)trainSteps / steps)) - 1;
                break;
            case var other:
                throw new ModelException($"'{config.Path}' has timestep_spacing '{other}'; known are linspace, leading and trailing.");
        }

        for (var i = 0; i < steps; i++) times[i] = Math.Clamp(times[i], 0, trainSteps - 1);
        return times;
    }

    /// <summary>Value of a rising table between its places (numpy.interp).</summary>
    public static double Interpolate(double[] table, double place)
    {
        var below = Math.Clamp((int)Math.Floor(place), 0, table.Length - 1);
        var above = Math.Min(below + 1, table.Length - 1);
        return table[below] + (table[above] - table[below]) * Math.Clamp(place - below, 0, 1);
    }

    /// <summary>Falling noise levels spaced as in Karras et al. 2022 (arXiv:2206.00364), equation 5, with rho = 7.</summary>
    public static double[] KarrasSigmas(double smallest, double largest, int count)
    {
        const double Rho = 7;
        var (low, high) = (Math.Pow(smallest, 1 / Rho), Math.Pow(largest, 1 / Rho));
        var sigmas = new double[count];
        for (var i = 0; i < count; i++) sigmas[i] = Math.Pow(high + (count == 1 ? 0 : (double)i / (count - 1)) * (low - high), Rho);
        return sigmas;
    }

    /// <summary>The training time of a noise level, by straight lines between the logarithms of the rising levels in training.</summary>
    public static double TimeOfSigma(double[] logSigmas, double sigma)
    {
        var log = Math.Log(Math.Max(sigma, 1e-10));
        var low = Math.Clamp(Array.FindLastIndex(logSigmas, value => value <= log), 0, logSigmas.Length - 2);
        var weight = Math.Clamp((logSigmas[low] - log) / (logSigmas[low] - logSigmas[low + 1]), 0, 1);
        return (1 - weight) * low + weight * (low + 1);
    }
}
