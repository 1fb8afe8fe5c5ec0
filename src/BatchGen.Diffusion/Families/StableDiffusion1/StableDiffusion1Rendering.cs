using System.Text.Json.Nodes;
using BatchGen.Core.Families;
using BatchGen.Core.Families.StableDiffusion1;
using BatchGen.Diffusion.Adapters;
using BatchGen.Diffusion.Families.StableDiffusion;
using BatchGen.Diffusion.Models;

namespace BatchGen.Diffusion.Families.StableDiffusion1;

/// <summary>Stable Diffusion 1.x: CLIP-L, eight attention heads everywhere, projections that are convolutions.</summary>
internal sealed class StableDiffusion1Rendering : StableDiffusionRendering
{
    private StableDiffusion1Rendering()
    {
    }

    public static StableDiffusion1Rendering Instance { get; } = new();

    public override ModelFamily Facts => StableDiffusion1Family.Instance;

    public override string Pipeline => "StableDiffusionPipeline";

    public override IReadOnlyList<FamilyNetwork> Networks { get; } =
        [StableDiffusionNetworks.UNet, StableDiffusionNetworks.Vae, StableDiffusionNetworks.TextEncoder];

    public override IReadOnlyList<FamilyTokenizer> Tokenizers { get; } = [new("tokenizer", PadsWithZero: false)];

    public override TextReading Text { get; } = new(LayersLeftOut: 0, UsesFinalNorm: true);

    public override AdapterNaming Adapters { get; } = new StableDiffusionAdapters(
        contextWidth: 768, wordWidth: 768, "sd_v1", "stable-diffusion-v1");

    public override double LatentScale => 0.18215;

    public override bool Owns(ConfigFile denoiser) =>
        !denoiser.Has("addition_embed_type") && !denoiser.Flag("use_linear_projection", false);

    public override bool Owns(CheckpointFile checkpoint) =>
        checkpoint.Has(StableDiffusionCheckpoint.UNetMark) && !checkpoint.Has(SecondEncoder) && !checkpoint.Has(OpenClipOnly);

    public override JsonNode Heads(IReadOnlyList<long> channels) => 8;

    public override Dictionary<string, JsonObject> PublishedConfigs() => new(StringComparer.Ordinal)
    {
        ["text_encoder"] = StableDiffusionSettings.TextEncoder(768, 12, 12, "quick_gelu"),
        ["unet"] = StableDiffusionSettings.UNet(
            [320, 640, 1280, 1280], [true, true, true, false], [8, 8, 8, 8], [1, 1, 1, 1], Adapters.ContextWidth, linear: false),
        ["vae"] = StableDiffusionSettings.Vae(LatentScale),
        ["scheduler"] = StableDiffusionSettings.Scheduler("PNDMScheduler", "epsilon"),
    };

    protected override IEnumerable<SourceComponent> ReadTextEncoders(StableDiffusionCheckpoint parts) =>
        [parts.ClipText("text_encoder", ClipPrefix)];
}
