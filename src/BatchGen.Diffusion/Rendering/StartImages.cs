using BatchGen.Core.Failures;
using BatchGen.Core.Jobs;
using BatchGen.Diffusion.Models;
using BatchGen.Diffusion.Sampling;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Rendering;

/// <summary>Starts from images instead of noise alone: Meng et al. 2021 (arXiv:2108.01073).</summary>
/// <remarks>Order of random draws and choice of the first step as in diffusers 0.30.3, StableDiffusionImg2ImgPipeline.</remarks>
internal static class StartImages
{
    /// <summary>Latents of the jobs' start images at the noise level of the first call.</summary>
    /// <param name="model">The model.</param>
    /// <param name="jobs">Jobs of one shape, all with start pixels.</param>
    /// <param name="sampler">Their sampler.</param>
    /// <param name="noise">Draws from each job's own generator: first for the image's latents, then for the noise on them.</param>
    /// <returns>[B, 4, H, W] float32, and the sampler's first call.</returns>
    /// <exception cref="InvalidJobException">Pixels are missing or of another size, or the strength leaves no step to take.</exception>
    public static (Tensor Latents, int FirstCall) Latents(
        DiffusionModel model, IReadOnlyList<ClaimedJob> jobs, ISampler sampler, Func<Tensor> noise)
    {
        var recipe = jobs[0].Recipe;
        if (recipe.Strength is not (> 0 and <= 1 and var strength)) throw new InvalidJobException($"Strength {recipe.Strength} is not a number above 0 and up to 1.");
        var taken = Math.Min((int)(recipe.Steps * strength), recipe.Steps);
        if (taken < 1) throw new InvalidJobException($"Strength {strength} of {recipe.Steps} steps leaves none to take. Use more steps or a higher strength.");
        using var scope = NewDisposeScope();
        var firstCall = (recipe.Steps - taken) * sampler.CallsPerStep;
        var draw = noise();
        var images = jobs.Select((job, i) => Encode(model, job, draw.narrow(0, i, 1))).ToArray();
        var latents = sampler.AddNoise(cat(images, 0), noise(), firstCall);
        return (latents.MoveToOuterDisposeScope(), firstCall);
    }

    // A sample of the latents' distribution, scaled as the UNet wants it.
    private static Tensor Encode(DiffusionModel model, ClaimedJob job, Tensor draw)
    {
        using var scope = NewDisposeScope();
        var (height, width) = (job.Recipe.HeightPixels, job.Recipe.WidthPixels);
        if (job.StartPixels is not { } pixels || pixels.Length != height * width * 3)
            throw new InvalidJobException($"The start image of job {job.JobId} is missing or not {width} x {height}.");
        var image = tensor(pixels, ScalarType.Byte).view(1, height, width, 3).permute(0, 3, 1, 2).to(ScalarType.Float32).div_(127.5)
            .sub_(1).contiguous();
        var halves = model.Vae.Moments(image.to(model.VaeType).to(model.Device)).to(ScalarType.Float32).chunk(2, 1);
        var deviation = (halves[1].clamp(-30, 20) * 0.5).exp_();
        return (halves[0] + deviation * draw).mul_(model.Vae.ScalingFactor).MoveToOuterDisposeScope();
    }
}
