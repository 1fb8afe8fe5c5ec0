using System.Globalization;
using BatchGen.Core.Failures;
using BatchGen.Core.Rendering;
using BatchGen.Diffusion.Models;

namespace BatchGen.Diffusion.Sampling;

/// <summary>Makes samplers: by the name a job gives, or by the class name of the diffusers library.</summary>
internal static class SamplerCatalog
{
    private const string Karras = """{"use_karras_sigmas": true}""";

    private const string Trailing = """{"timestep_spacing": "trailing"}""";

    private static readonly Dictionary<string, Func<ConfigFile, int, ISampler>> Classes = new(StringComparer.Ordinal)
    {
        ["DDIMScheduler"] = (config, steps) => new DdimSampler(config, steps),
        ["DDPMScheduler"] = (config, steps) => new DdpmSampler(config, steps),
        ["DEISMultistepScheduler"] = (config, steps) => new DeisSampler(config, steps),
        ["DPMSolverMultistepScheduler"] = (config, steps) => new DpmMultistepSampler(config, steps),
        ["DPMSolverSinglestepScheduler"] = (config, steps) => new DpmSinglestepSampler(config, steps),
        ["EulerAncestralDiscreteScheduler"] = (config, steps) => new EulerAncestralSampler(config, steps),
        ["EulerDiscreteScheduler"] = (config, steps) => new EulerSampler(config, steps),
        ["HeunDiscreteScheduler"] = (config, steps) => new HeunSampler(config, steps),
        ["KDPM2AncestralDiscreteScheduler"] = (config, steps) => new Kdpm2Sampler(config, steps, ancestral: true),
        ["KDPM2DiscreteScheduler"] = (config, steps) => new Kdpm2Sampler(config, steps, ancestral: false),
        ["LCMScheduler"] = (config, steps) => new LcmSampler(config, steps),
        ["LMSDiscreteScheduler"] = (config, steps) => new LmsSampler(config, steps),
        ["PNDMScheduler"] = (config, steps) => new PndmSampler(config, steps),
        ["UniPCMultistepScheduler"] = (config, steps) => new UniPcSampler(config, steps),
    };

    // What a job's sampler name stands for: a diffusers class, and settings put over those of the model's scheduler_config.json.
    private static readonly Dictionary<string, (string Class, string Overrides)> Names = new(StringComparer.Ordinal)
    {
        ["ddim"] = ("DDIMScheduler", "{}"),
        ["pndm"] = ("PNDMScheduler", """{"skip_prk_steps": true}"""),
        ["euler"] = ("EulerDiscreteScheduler", "{}"),
        ["euler_karras"] = ("EulerDiscreteScheduler", Karras),
        ["euler_a"] = ("EulerAncestralDiscreteScheduler", "{}"),
        ["heun"] = ("HeunDiscreteScheduler", "{}"),
        ["heun_karras"] = ("HeunDiscreteScheduler", Karras),
        ["dpmpp_2m"] = ("DPMSolverMultistepScheduler", """{"algorithm_type": "dpmsolver++", "solver_order": 2}"""),
        ["dpmpp_2m_karras"] = (
            "DPMSolverMultistepScheduler", """{"algorithm_type": "dpmsolver++", "solver_order": 2, "use_karras_sigmas": true}"""),
        ["dpmpp_2m_sde"] = ("DPMSolverMultistepScheduler", """{"algorithm_type": "sde-dpmsolver++", "solver_order": 2}"""),
        ["dpmpp_2m_sde_karras"] = (
            "DPMSolverMultistepScheduler", """{"algorithm_type": "sde-dpmsolver++", "solver_order": 2, "use_karras_sigmas": true}"""),
        ["dpmpp_2s"] = ("DPMSolverSinglestepScheduler", """{"algorithm_type": "dpmsolver++", "solver_order": 2}"""),
        ["dpmpp_2s_karras"] = (
            "DPMSolverSinglestepScheduler", """{"algorithm_type": "dpmsolver++", "solver_order": 2, "use_karras_sigmas": true}"""),
        ["kdpm2"] = ("KDPM2DiscreteScheduler", "{}"),
        ["kdpm2_karras"] = ("KDPM2DiscreteScheduler", Karras),
        ["kdpm2_a"] = ("KDPM2AncestralDiscreteScheduler", "{}"),
        ["kdpm2_a_karras"] = ("KDPM2AncestralDiscreteScheduler", Karras),
        ["lms"] = ("LMSDiscreteScheduler", "{}"),
        ["lms_karras"] = ("LMSDiscreteScheduler", Karras),
        ["unipc"] = ("UniPCMultistepScheduler", "{}"),
        ["unipc_karras"] = ("UniPCMultistepScheduler", Karras),
        ["deis"] = ("DEISMultistepScheduler", "{}"),
        ["ddpm"] = ("DDPMScheduler", "{}"),
        ["lcm"] = ("LCMScheduler", "{}"),
        ["ddim_trailing"] = ("DDIMScheduler", Trailing),
        ["euler_trailing"] = ("EulerDiscreteScheduler", Trailing),
        ["euler_a_trailing"] = ("EulerAncestralDiscreteScheduler", Trailing),
        ["dpmpp_2m_trailing"] = (
            "DPMSolverMultistepScheduler", """{"algorithm_type": "dpmsolver++", "solver_order": 2, "timestep_spacing": "trailing"}"""),
    };

    /// <summary>The sampler of a job for a model.</summary>
    /// <param name="name">One of <see cref="SamplerNames.All"/>.</param>
    /// <param name="scheduler">The model's scheduler_config.json.</param>
    /// <param name="steps">Denoising steps.</param>
    /// <param name="eta">Share of noise that DDIM adds, 0 to 1; 0 leaves it to the model's settings.</param>
    /// <exception cref="InvalidJobException">The name is not known, or there are too few or too many steps.</exception>
    public static ISampler Create(string name, ConfigFile scheduler, int steps, double eta = 0)
    {
        if (!Names.TryGetValue(name, out var entry))
            throw new InvalidJobException($"Sampler '{name}' is not known; known are {string.Join(", ", SamplerNames.All)}.");
        if (steps < 1) throw new InvalidJobException($"{steps} steps were asked for; at least 1 is needed.");
        var settings = scheduler.With(entry.Overrides);
        if (eta != 0) settings = settings.With(string.Create(CultureInfo.InvariantCulture, $$"""{"eta": {{eta}}}"""));
        return FromClass(entry.Class, settings, steps)!;
    }

    /// <summary>The sampler that does what a class of diffusers does, or null when there is none.</summary>
    public static ISampler? FromClass(string className, ConfigFile settings, int steps) =>
        Classes.TryGetValue(className, out var make) ? make(settings, steps) : null;
}
