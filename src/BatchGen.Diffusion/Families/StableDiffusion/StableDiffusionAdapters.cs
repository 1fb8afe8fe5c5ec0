using BatchGen.Diffusion.Adapters;

namespace BatchGen.Diffusion.Families.StableDiffusion;

/// <summary>How adapter files name the layers of a UNet and its CLIP text encoders (docs/adapter-formats.md sections 2 to 4).</summary>
/// <param name="contextWidth">Width of the texts that cross-attention reads.</param>
/// <param name="wordWidth">Width of learned words.</param>
/// <param name="baseModelMarks">How trainers name the base model.</param>
internal class StableDiffusionAdapters(long contextWidth, long wordWidth, params string[] baseModelMarks) : AdapterNaming
{
    private static readonly Dictionary<string, OriginalName> NoNames = [];

    /// <summary>Starts of keys in every family of Stable Diffusion.</summary>
    protected static IReadOnlyList<ComponentPrefix> CommonPrefixes { get; } =
    [
        new("lora_unet_", "unet"),
        new("oft_unet_", "unet"),
        new("lora_te_", "text_encoder"),
        new("lycoris_", ""),
        new("unet.", "unet"),
        new("text_encoder.", "text_encoder"),
        new("model.diffusion_model.", "unet"),
        new("diffusion_model.", "unet"),
        // diffusers' own names, written without the component.
        new("down_blocks.", "unet", IsPartOfName: true),
        new("mid_block.", "unet", IsPartOfName: true),
        new("up_blocks.", "unet", IsPartOfName: true),
    ];

    /// <inheritdoc/>
    public override IReadOnlyList<ComponentPrefix> Prefixes => CommonPrefixes;

    /// <inheritdoc/>
    public override long ContextWidth => contextWidth;

    /// <inheritdoc/>
    public override long WordWidth => wordWidth;

    /// <inheritdoc/>
    public override IReadOnlyList<string> BaseModelMarks => baseModelMarks;

    /// <inheritdoc/>
    public override bool IsOriginal(string flatPath) => SgmNames.IsOriginal(flatPath);

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, OriginalName> OriginalNames(string component, IReadOnlyCollection<string> modules) =>
        component == StableDiffusionNetworks.UNet.Name ? SgmNames.Of(modules) : NoNames;

    /// <inheritdoc/>
    public override IEnumerable<string> NumberedLayers(string component, IReadOnlyCollection<string> modules) =>
        component == StableDiffusionNetworks.UNet.Name ? NumberedLayersOf.UNet(modules) : NumberedLayersOf.TextEncoder(modules);
}
