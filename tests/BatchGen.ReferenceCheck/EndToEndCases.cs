using System.Text.Json;
using BatchGen.Diffusion.Models;
using BatchGen.Diffusion.Rendering;
using BatchGen.Diffusion.Safetensors;
using BatchGen.Diffusion.Sampling;
using BatchGen.Diffusion.Text;
using static TorchSharp.torch;

namespace BatchGen.ReferenceCheck;

/// <summary><c>e2e/index.json</c>: whole pipelines from given latents to images.</summary>
internal static class EndToEndCases
{
    public static IEnumerable<(string Name, Func<CaseResult> Run)> All(ReferenceSets sets)
    {
        using var index = sets.Index("e2e", "index.json");
        if (index is null) yield break;
        foreach (var item in index.RootElement.GetProperty("cases").EnumerateArray())
        {
            var name = "e2e/" + item.GetProperty("id").GetString();
            yield return (name, () => Run(sets, name, item));
        }
    }

    private static CaseResult Run(ReferenceSets sets, string name, JsonElement item)
    {
        var model = sets.Model(item);
        var scheduler = item.GetProperty("scheduler");
        var className = scheduler.GetProperty("class").GetString()!;
        var settings = scheduler.TryGetProperty("args", out var args) ? model.Scheduler.With(args.GetRawText()) : model.Scheduler;
        if (SamplerCatalog.FromClass(className, settings, item.GetProperty("steps").GetInt32()) is not { } made)
            return CaseResult.Unsupported(name, $"there is no sampler for {className}");
        var known = new HashSet<string>(StringComparer.Ordinal)
        {
            "id", "model", "model_set", "file", "scheduler", "prompt", "prompt_2", "negative_prompt", "guidance_scale", "guidance_rescale",
            "steps", "latent_shape", "lora", "clip_skip", "xl", "fp32_vs_fp64_max_abs", "final_latents_std", "image_std", "image_min_max",
            "tolerance_max_abs", "lora_image_change_max_abs", "notes",
        };
        var unknown = item.EnumerateObject().Where(property => property.Value.ValueKind != JsonValueKind.Null)
            .Select(property => property.Name).FirstOrDefault(key => !known.Contains(key));
        if (unknown is not null) return CaseResult.Unsupported(name, $"the case asks for '{unknown}'");

        using var fused = new FusedAdapters(model, item.TryGetProperty("lora", out var uses)
            ? uses.EnumerateArray().Select(use => (sets.Adapter(use), use.GetProperty("scale").GetDecimal()))
            : []);
        using var file = SafetensorsFile.Open(Path.Combine(sets.Folder, item.GetProperty("file").GetString()!));
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var comparison = new Comparison(name);
        var tolerances = item.GetProperty("tolerance_max_abs").EnumerateObject()
            .ToDictionary(entry => entry.Name, entry => entry.Value.GetDouble(), StringComparer.Ordinal);
        var guidance = item.GetProperty("guidance_scale").GetDouble();
        var latents = file.ReadTensor("in.latents");
        var conditions = Encode(model, item, latents.shape[0], guidance, comparison, file, tolerances);
        var noises = file.Find("in.noise") is null ? null : file.ReadTensor("in.noise");
        var drawn = 0;
        var steps = file.Find("out.latents_after_step") is null ? null : file.ReadTensor("out.latents_after_step");
        var latentTolerance = tolerances["out.final_latents"];
        using var sampler = new ObservedSampler(made, (call, x) =>
        {
            if (steps is not null && call < steps.shape[0]) comparison.Add($"latents after step {call}", x, steps[call], latentTolerance);
        });
        var rescale = item.TryGetProperty("guidance_rescale", out var share) ? share.GetDouble() : 0;
        var final = new Denoiser(model).Run(
            latents * sampler.InitialScale, conditions, sampler, guidance, rescale, () => noises![drawn++], 0, null,
            CancellationToken.None);
        comparison.Add("out.final_latents", final, file, "out.final_latents", latentTolerance);
        var decoded = model.Vae.Decode(final / model.Vae.ScalingFactor);
        comparison.Add("out.image", decoded, file, "out.image", tolerances["out.image"]);
        // A value within the image's tolerance of a half goes to either neighbour.
        if (file.Find("out.image_u8") is not null)
            comparison.AtMost("out.image_u8", Pixels.ToBytes(decoded), file.ReadTensor("out.image_u8"), 1);
        return comparison.Result();
    }

    private static Conditions Encode(
        DiffusionModel model, JsonElement item, long batch, double guidance, Comparison comparison, SafetensorsFile file,
        Dictionary<string, double> tolerances)
    {
        using var encoder = new PromptEncoder(model) { IsPlain = true };
        var clipSkip = item.TryGetProperty("clip_skip", out var skip) && skip.ValueKind == JsonValueKind.Number ? skip.GetInt32() : 0;
        var second = item.TryGetProperty("prompt_2", out var text) ? text.GetString() : null;
        var negative = item.GetProperty("negative_prompt").GetString();
        var prompt = encoder.Encode(item.GetProperty("prompt").GetString()!, second, clipSkip);
        var (context, pooled) = (prompt.Context.clone(), prompt.Pooled?.clone());
        Tensor? negativeContext = null;
        Tensor? negativePooled = null;
        if (guidance > 1)
        {
            if (negative is null && model.ZeroesAbsentNegative)
            {
                (negativeContext, negativePooled) = (zeros_like(context), pooled is null ? null : zeros_like(pooled));
            }
            else
            {
                // diffusers leaves out layers for the prompt only.
                var encoded = encoder.Encode(negative ?? "", null, 0);
                (negativeContext, negativePooled) = (encoded.Context.clone(), encoded.Pooled?.clone());
            }
        }

        void Check(string key, Tensor? actual)
        {
            if (actual is not null && file.Find(key) is not null) comparison.Add(key, actual, file, key, tolerances["out.prompt_embeds"]);
        }

        Check("out.prompt_embeds", context);
        Check("out.negative_prompt_embeds", negativeContext);
        Check("out.pooled_prompt_embeds", pooled);
        Check("out.negative_pooled_prompt_embeds", negativePooled);
        return new Conditions(Repeat(context, batch), Repeat(negativeContext, batch), Repeat(pooled, batch), Repeat(negativePooled, batch),
            Sizes(model, item, batch));
    }

    private static Tensor? Sizes(DiffusionModel model, JsonElement item, long batch)
    {
        if (model.UNet.PooledWidth == 0) return null;
        var shape = item.GetProperty("latent_shape").EnumerateArray().Select(size => size.GetInt64()).ToArray();
        var (height, width) = (shape[2] * model.Vae.Factor, shape[3] * model.Vae.Factor);
        var sizes = new float[] { height, width, 0, 0, height, width };
        if (item.TryGetProperty("xl", out var xl))
        {
            var at = 0;
            foreach (var key in new[] { "original_size", "crops_coords_top_left", "target_size" })
            {
                if (xl.TryGetProperty(key, out var pair)) (sizes[at], sizes[at + 1]) = (pair[0].GetSingle(), pair[1].GetSingle());
                at += 2;
            }
        }

        return tensor(sizes).unsqueeze(0).repeat(batch, 1);
    }

    [return: System.Diagnostics.CodeAnalysis.NotNullIfNotNull(nameof(tensor))]
    private static Tensor? Repeat(Tensor? tensor, long batch)
    {
        if (tensor is null) return null;
        var times = new long[tensor.dim()];
        Array.Fill(times, 1);
        times[0] = batch;
        return tensor.repeat(times);
    }
}
