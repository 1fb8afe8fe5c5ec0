using System.Text.Json.Nodes;
using BatchGen.Core.Families;
using BatchGen.Core.Families.StableDiffusionXl;
using BatchGen.Diffusion.Adapters;
using BatchGen.Diffusion.Families.StableDiffusion;
using BatchGen.Diffusion.Models;

namespace BatchGen.Diffusion.Families.StableDiffusionXl;

/// <summary>
/// Stable Diffusion XL: CLIP-L and OpenCLIP ViT-bigG side by side, and a UNet that reads sizes and one vector of the whole text.
/// </summary>
/// <remarks>Podell et al. 2023 (arXiv:2307.01952).</remarks>
internal sealed class StableDiffusionXlRendering : StableDiffusionRendering
{
    private StableDiffusionXlRendering()
    {
    }

    public static StableDiffusionXlRendering Instance { get; } = new();

    public override ModelFamily Facts => StableDiffusionXlFamily.Instance;

    public override string Pipeline => "StableDiffusionXLPipeline";

    public override IReadOnlyList<FamilyNetwork> Networks { get; } =
        [StableDiffusionNetworks.UNet, StableDiffusionNetworks.Vae, StableDiffusionNetworks.TextEncoder,
            StableDiffusionNetworks.SecondTextEncoder];

    public override IReadOnlyList<FamilyTokenizer> Tokenizers { get; } =
    [
        new("tokenizer", PadsWithZero: false), new("tokenizer_2", PadsWithZero: true),
    ];

    // Trained on the last layer but one, without the final norm (arXiv:2307.01952, section 2.1).
    public override TextReading Text { get; } = new(LayersLeftOut: 1, UsesFinalNorm: false);

    public override AdapterNaming Adapters { get; } = new StableDiffusionXlAdapters();

    public override bool ZeroesAbsentNegative => true;

    public override double LatentScale => 0.13025;

    public override bool Owns(ConfigFile denoiser) => denoiser.Has("addition_embed_type");

    public override bool Owns(CheckpointFile checkpoint) =>
        checkpoint.Has(StableDiffusionCheckpoint.UNetMark) && checkpoint.Has(SecondEncoder);

    public override JsonNode Heads(IReadOnlyList<long> channels) => StableDiffusionCheckpoint.HeadsOf64Channels(channels);

    // Original size, crop corner and target size, each height first (arXiv:2307.01952, section 2.2).
    public override float[]? SizeConditions(int heightPixels, int widthPixels) =>
        [heightPixels, widthPixels, 0, 0, heightPixels, widthPixels];

    public override void AddUNetSettings(CheckpointFile checkpoint, JsonObject settings)
    {
        settings["addition_embed_type"] = "text_time";
        settings["addition_time_embed_dim"] = 256;
        settings["projection_class_embeddings_input_dim"] = checkpoint.Shape(
            StableDiffusionCheckpoint.UNetPrefix + "label_emb.0.0.weight")[1];
    }

    public override void AddScheduleSettings(JsonObject settings) => settings["timestep_spacing"] = "leading";

    public override Dictionary<string, JsonObject> PublishedConfigs() => new(StringComparer.Ordinal)
    {
        ["text_encoder"] = StableDiffusionSettings.TextEncoder(768, 12, 12, "quick_gelu"),
        ["text_encoder_2"] = StableDiffusionSettings.TextEncoder(1280, 20, 32, "gelu", projection: 1280),
        ["unet"] = StableDiffusionSettings.UNet(
            [320, 640, 1280], [false, true, true], [5, 10, 20], [1, 2, 10], Adapters.ContextWidth, linear: true, sizeWidth: 256,
            pooledWidth: 1280),
        ["vae"] = StableDiffusionSettings.Vae(LatentScale),
        ["scheduler"] = StableDiffusionSettings.Scheduler("EulerDiscreteScheduler", "epsilon", "leading"),
    };

    public override JsonObject PublishedIndex() => new() { ["force_zeros_for_empty_prompt"] = true };

    protected override IEnumerable<SourceComponent> ReadTextEncoders(StableDiffusionCheckpoint parts) =>
    [
        parts.ClipText("text_encoder", "conditioner.embedders.0.transformer."),
        parts.OpenClipText("text_encoder_2", "conditioner.embedders.1.model.", leavesOutLast: false, withProjection: true),
    ];
}
