using BatchGen.Diffusion.Adapters;
using BatchGen.Diffusion.Families.StableDiffusion;

namespace BatchGen.Diffusion.Families.StableDiffusionXl;

/// <summary>How adapter files name the layers of SDXL: as in the other families, with two text encoders.</summary>
internal sealed class StableDiffusionXlAdapters() : StableDiffusionAdapters(
    contextWidth: 2048, wordWidth: 1280, "sdxl", "stable-diffusion-xl")
{
    /// <inheritdoc/>
    public override IReadOnlyList<ComponentPrefix> Prefixes { get; } =
    [
        .. CommonPrefixes,
        new("lora_te1_", "text_encoder"),
        new("lora_te2_", "text_encoder_2"),
        new("text_encoder_2.", "text_encoder_2"),
    ];
}
