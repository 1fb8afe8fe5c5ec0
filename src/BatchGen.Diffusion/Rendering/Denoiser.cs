using BatchGen.Core.Rendering;
using BatchGen.Diffusion.Models;
using BatchGen.Diffusion.Sampling;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Rendering;

// Letters in shapes: B images, H and W rows and columns of latents, T text tokens, X width of the texts, P of the pooled ones.

/// <summary>The encoded prompts and sizes that guide a tensor batch.</summary>
/// <param name="Context">[B, T, X] prompts.</param>
/// <param name="NegativeContext">[B, T, X] negative prompts; null without guidance.</param>
/// <param name="Pooled">[B, P] pooled prompts, for denoisers that read them; else null.</param>
/// <param name="NegativePooled">[B, P] pooled negative prompts.</param>
/// <param name="Sizes">[B, 6] float32 sizes that the denoiser reads, for families whose denoiser reads any; else null.</param>
internal sealed record Conditions(Tensor Context, Tensor? NegativeContext, Tensor? Pooled, Tensor? NegativePooled, Tensor? Sizes);

/// <summary>The denoising loop: classifier-free guidance around the network, and a sampler.</summary>
/// <remarks>Ho and Salimans 2022 (arXiv:2207.12598). Latents stay float32 between steps whatever the network computes in.</remarks>
internal sealed class Denoiser(DiffusionModel model)
{
    /// <summary>Runs a sampler's calls from <paramref name="firstCall"/> on.</summary>
    /// <param name="latents">[B, 4, H, W] float32 at the noise level of the first call.</param>
    /// <param name="conditions">The encoded prompts.</param>
    /// <param name="sampler">A fresh sampler.</param>
    /// <param name="guidanceScale">1 or less means none.</param>
    /// <param name="guidanceRescale">Share of Lin et al.'s rescaled guidance (arXiv:2305.08891, section 3.4); 0 is none.</param>
    /// <param name="noise">Draws noise in the latents' shape.</param>
    /// <param name="firstCall">First call of the sampler, above 0 when starting from an image.</param>
    /// <param name="progress">Called after each call of the network.</param>
    /// <param name="cancellationToken">Checked before each call.</param>
    /// <returns>[B, 4, H, W] float32.</returns>
    public Tensor Run(
        Tensor latents, Conditions conditions, ISampler sampler, double guidanceScale, double guidanceRescale, Func<Tensor> noise,
        int firstCall, IProgress<StepProgress>? progress, CancellationToken cancellationToken)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var type = model.ComputeType;
        var guided = guidanceScale > 1 && conditions.NegativeContext is not null && model.UNet.GuidanceWidth == 0;
        // Without guidance one latent for each image; with it two, without and with the prompt, beside each other.
        Tensor Pair(Tensor without, Tensor with) => guided ? stack([without, with], 1).flatten(0, 1) : with;
        var context = Pair(conditions.NegativeContext ?? conditions.Context, conditions.Context).to(type); // [B or 2 B, T, X]
        var pooled = conditions.Pooled is null ? null : Pair(conditions.NegativePooled ?? conditions.Pooled, conditions.Pooled);
        var sizes = conditions.Sizes is null ? null : Pair(conditions.Sizes, conditions.Sizes);
        var x = latents.alias();
        for (var call = firstCall; call < sampler.Timesteps.Count; call++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var step = NewDisposeScope();
            var input = sampler.ScaleInput(x, call).to(type);
            input = Pair(input, input);
            var time = full([1], sampler.Timesteps[call], ScalarType.Float32, input.device);
            var batch = new UNetBatch(input, time, context, pooled, sizes, guided ? 2 : 1);
            var output = UNetPasses.Run(model, batch, guidanceScale - 1).to(ScalarType.Float32);
            if (guided) output = Guide(output, guidanceScale, guidanceRescale);
            var next = sampler.Step(output, call, x, noise).MoveToOuterDisposeScope();
            x.Dispose();
            x = next;
            RenderMetrics.StepDone(x.shape[0]);
            progress?.Report(new StepProgress(call + 1 - firstCall, sampler.Timesteps.Count - firstCall));
        }

        return x.MoveToOuterDisposeScope();
    }

    // uncond + scale (cond - uncond); arXiv:2207.12598, equation 6 in diffusers' parametrisation.
    private static Tensor Guide(Tensor output, double scale, double rescale)
    {
        using var scope = NewDisposeScope();
        var pairs = output.unflatten(0, -1, 2); // [B, 2, 4, H, W]
        var (without, with) = (pairs.select(1, 0), pairs.select(1, 1));
        var guided = without + (with - without) * scale;
        if (rescale > 0)
        {
            // arXiv:2305.08891, equations 15 and 16: the guided output takes back the deviation of the conditional one.
            var ratio = Deviations(with) / Deviations(guided);
            guided = guided * ratio * rescale + guided * (1 - rescale);
        }

        return guided.MoveToOuterDisposeScope();
    }

    // Of each image by itself: torch sums a single image and several in different orders. [B, 4, H, W] to [B, 1, 1, 1]
    private static Tensor Deviations(Tensor x) =>
        cat([.. x.split(1, 0).Select(image => image.contiguous().std([1, 2, 3], keepdim: true))], 0);
}
