using BatchGen.Core.Failures;
using BatchGen.Core.Rendering;
using BatchGen.Diffusion.Models;

namespace BatchGen.Diffusion.Sampling;

/// <summary>Makes samplers: by the name a job gives, or by the class name of the diffusers library.</summary>
internal static class SamplerCatalog
{
    private static readonly Dictionary<string, Func<ConfigFile, int, ISampler>> Classes = new(StringComparer.Ordinal)
    {
        ["DDIMScheduler"] = (config, steps) => new DdimSampler(config, steps),
        ["EulerDiscreteScheduler"] = (config, steps) => new EulerSampler(config, steps),
    };

    // What a job's sampler name stands for: a diffusers class, and settings put over those of the model's scheduler_config.json.
    private static readonly Dictionary<string, (string Class, string Overrides)> Names = new(StringComparer.Ordinal)
    {
        ["ddim"] = ("DDIMScheduler", "{}"),
        ["euler"] = ("EulerDiscreteScheduler", "{}"),
    };

    /// <summary>The sampler of a job for a model.</summary>
    /// <param name="name">One of <see cref="SamplerNames.All"/>.</param>
    /// <param name="scheduler">The model's scheduler_config.json.</param>
    /// <param name="steps">Denoising steps.</param>
    /// <exception cref="InvalidJobException">The name is not known, or there are too few or too many steps.</exception>
    public static ISampler Create(string name, ConfigFile scheduler, int steps)
    {
        if (!Names.TryGetValue(name, out var entry)) throw new InvalidJobException($"Sampler '{name}' is not known; known are {string.Join(", ", SamplerNames.All)}.");
        if (steps < 1) throw new InvalidJobException($"{steps} steps were asked for; at least 1 is needed.");
        return Classes[entry.Class](scheduler.With(entry.Overrides), steps);
    }

    /// <summary>The sampler that does what a class of diffusers does, or null when there is none.</summary>
    public static ISampler? FromClass(string className, ConfigFile settings, int steps) =>
        Classes.TryGetValue(className, out var make) ? make(settings, steps) : null;
}
