using BatchGen.Core.Adapters;
using BatchGen.Core.Jobs;
using BatchGen.Core.Registry;
using BatchGen.Core.Rendering;
using BatchGen.Diffusion.Adapters;
using BatchGen.Diffusion.Models;
using BatchGen.Diffusion.Rendering;
using BatchGen.Testing;
using TorchSharp;

namespace BatchGen.TorchTests;

/// <summary>The trained demo model and its adapters, and jobs for them.</summary>
internal static class DemoModel
{
    public static string Path => System.IO.Path.Combine(RepositoryPaths.Models, "demo");

    public static ModelRecord Record { get; } = ModelInspector.Inspect(Path, "demo");

    public static IReadOnlyList<AdapterRecord> Adapters { get; } = Directory.EnumerateFiles(
        System.IO.Path.Combine(RepositoryPaths.Models, "demo-adapters"), "*.safetensors")
        .Order(StringComparer.Ordinal)
        .Select(path => AdapterInspector.Inspect(path).ToRecord(System.IO.Path.GetFileNameWithoutExtension(path))).ToArray();

    public static DiffusionRenderer Renderer() => new(new DiffusionOptions { Device = "cpu" });

    public static AdapterSignature Signature(params (string Name, decimal Strength)[] adapters) =>
        AdapterSignature.Create("demo", adapters.Select(adapter => new AdapterUse(adapter.Name, adapter.Strength)));

    public static ClaimedJob Job(
        long id, string prompt = "a big red circle on a blue background", long seed = 1, AdapterSignature? signature = null, int steps = 4,
        string sampler = "ddim", int size = 64, double guidance = 4.5) =>
        new(id, 1, new RenderRecipe
        {
            Prompt = prompt,
            NegativePrompt = "",
            Signature = signature ?? Signature(),
            WidthPixels = size,
            HeightPixels = size,
            Steps = steps,
            Sampler = sampler,
            GuidanceScale = guidance,
            Seed = seed,
        });

    public static IReadOnlyList<RenderedImage> Draw(this DiffusionRenderer renderer, params ClaimedJob[] jobs) =>
        renderer.Render(jobs, new NoProgress(), TestContext.Current.CancellationToken);

    /// <summary>Tensors alive in the whole process.</summary>
    public static long LiveTensors() => torch.Tensor.TotalCount;

    /// <summary>The same after a collection: tensors that earlier tests left to the finalizer must not go while a test counts.</summary>
    public static long SettledTensors()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return LiveTensors();
    }

    internal sealed class NoProgress : IProgress<StepProgress>
    {
        public void Report(StepProgress value)
        {
        }
    }
}
