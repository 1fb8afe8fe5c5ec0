using System.Text.Json;
using BatchGen.Diffusion.Models;
using BatchGen.Diffusion.Rendering;
using BatchGen.Diffusion.Safetensors;
using BatchGen.Diffusion.Sampling;
using BatchGen.Diffusion.Text;
using BatchGen.Testing;
using static TorchSharp.torch;

namespace BatchGen.ReferenceCheck;

/// <summary><c>demo-golden/index.json</c>: images of the trained demo model, from the seed on.</summary>
internal static class DemoCases
{
    // The index gives no tolerance. Latents are of size 1; fusing adapters instead of running them beside the weights moved the peer's own
    // by 5e-6 and its images by one level, another build of torch by as much again. Twenty times that is still invisible.
    private const double LatentTolerance = 1e-4;
    private const double ImageTolerance = 1;

    public static IEnumerable<(string Name, Func<CaseResult> Run)> All(ReferenceSets sets)
    {
        using var index = sets.Index("demo-golden", "index.json");
        if (index is null) yield break;
        var root = index.RootElement;
        foreach (var item in root.GetProperty("cases").EnumerateArray())
        {
            var name = "demo-golden/" + item.GetProperty("id").GetString();
            yield return (name, () => Run(sets, name, root, item));
        }
    }

    private static CaseResult Run(ReferenceSets sets, string name, JsonElement root, JsonElement item)
    {
        var id = item.GetProperty("id").GetString()!;
        if (Find(sets, "demo-model", "demo") is not { } modelPath)
            return CaseResult.Unsupported(name, "the demo model was not found; say --set demo-model=FOLDER");
        if (Find(sets, "demo-adapters", "demo-adapters") is not { } adapterPath)
            return CaseResult.Unsupported(name, "the demo adapters were not found; say --set demo-adapters=FOLDER");
        var model = sets.Model(modelPath);
        using var fused = new FusedAdapters(
            model, item.GetProperty("adapters").EnumerateArray()
                .Select(use => (Path.Combine(adapterPath, use.GetProperty("file").GetString()!), use.GetProperty("weight").GetDecimal())));
        using var file = SafetensorsFile.Open(Path.Combine(sets.Folder, "demo-golden", "golden.safetensors"));
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var comparison = new Comparison(name);
        using var noise = new JobNoise(item.GetProperty("seed").GetInt64());
        var latents = noise.Draw([1, 4, 16, 16]);
        comparison.Add("initial noise", latents, file, $"noise.{item.GetProperty("seed").GetInt64()}", 1e-6);
        using var encoder = new PromptEncoder(model) { IsPlain = true };
        var context = encoder.Encode(item.GetProperty("prompt").GetString()!, null, 0).Context.clone();
        var negative = encoder.Encode(root.GetProperty("negative_prompt").GetString()!, null, 0).Context.clone();
        var scheduler = root.GetProperty("schedulers").GetProperty(item.GetProperty("scheduler").GetString()!);
        using var sampler = SamplerCatalog.FromClass(
            scheduler.GetProperty("class").GetString()!, ConfigFile.Parse(scheduler.GetProperty("config").GetRawText(), name),
            root.GetProperty("num_inference_steps").GetInt32());
        if (sampler is null) return CaseResult.Unsupported(name, "there is no sampler for it");
        var final = new Denoiser(model).Run(
            latents * sampler.InitialScale, new Conditions(context, negative, null, null, null), sampler,
            root.GetProperty("guidance_scale").GetDouble(), 0, () => noise.Draw(latents.shape), 0, null, CancellationToken.None);
        comparison.Add("latents", final, file, id + ".latents", LatentTolerance);
        comparison.AtMost(
            "image", Pixels.ToBytes(model.Vae.Decode(final / model.Vae.ScalingFactor))[0], file.ReadTensor(id + ".image"), ImageTolerance);
        return comparison.Result();
    }

    private static string? Find(ReferenceSets sets, string set, string folder) => new[]
    {
        sets.Sets.GetValueOrDefault(set), Path.Combine(sets.Folder, "..", set), Path.Combine(sets.Folder, set),
        Path.Combine(RepositoryPaths.Models, folder),
    }.FirstOrDefault(Directory.Exists);
}
