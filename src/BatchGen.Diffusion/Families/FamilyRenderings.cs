using BatchGen.Core.Families;
using BatchGen.Diffusion.Adapters;
using BatchGen.Diffusion.Families.StableDiffusion1;
using BatchGen.Diffusion.Families.StableDiffusion2;
using BatchGen.Diffusion.Families.StableDiffusionXl;
using BatchGen.Diffusion.Models;

namespace BatchGen.Diffusion.Families;

/// <summary>Every family of models that can be rendered.</summary>
internal static class FamilyRenderings
{
    /// <summary>The families, in the order of <see cref="ModelFamilies.All"/>.</summary>
    public static IReadOnlyList<FamilyRendering> All { get; } =
        [StableDiffusion1Rendering.Instance, StableDiffusion2Rendering.Instance, StableDiffusionXlRendering.Instance];

    /// <summary>Prefixes by which adapter files of any family name the component a key belongs to.</summary>
    public static IReadOnlyList<ComponentPrefix> AdapterPrefixes { get; } = [.. All.SelectMany(family => family.Adapters.Prefixes)
        .Distinct()];

    /// <summary>Every pipeline class that model_index.json may name.</summary>
    public static IReadOnlyList<string> Pipelines { get; } = [.. All.SelectMany(family => family.Pipelines)
        .Distinct(StringComparer.Ordinal)];

    /// <summary>The family with this code, or null.</summary>
    public static FamilyRendering? Find(string code) => All.FirstOrDefault(family => family.Facts.Code == code);

    /// <summary>The family whose cross-attention reads texts of this width, or null.</summary>
    public static FamilyRendering? OfContextWidth(long width) =>
        width == 0 ? null : All.FirstOrDefault(family => family.Adapters.ContextWidth == width);

    /// <summary>True for the component that is the denoiser in some family.</summary>
    public static bool IsDenoiser(string component) => All.Any(family => family.IsDenoiser(component));

    /// <summary>The family that a folder with this pipeline and these settings of its denoiser belongs to, or null.</summary>
    public static FamilyRendering? OfFolder(string pipeline, ConfigFile denoiser) =>
        All.FirstOrDefault(family => family.Pipelines.Contains(pipeline) && family.Owns(denoiser));
}
