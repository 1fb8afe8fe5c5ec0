using System.Text.Json.Nodes;
using BatchGen.Core.Families;
using BatchGen.Core.Families.StableDiffusion2;
using BatchGen.Diffusion.Adapters;
using BatchGen.Diffusion.Families.StableDiffusion;
using BatchGen.Diffusion.Models;

namespace BatchGen.Diffusion.Families.StableDiffusion2;

/// <summary>Stable Diffusion 2.x: OpenCLIP ViT-H without its last layer, heads of 64 channels, and velocity models among them.</summary>
internal sealed class StableDiffusion2Rendering : StableDiffusionRendering
{
    private const string LastNorm = StableDiffusionCheckpoint.UNetPrefix + "output_blocks.11.1.transformer_blocks.0.norm1.bias";

    private StableDiffusion2Rendering()
    {
    }

    public static StableDiffusion2Rendering Instance { get; } = new();

    public override ModelFamily Facts => StableDiffusion2Family.Instance;

    public override string Pipeline => "StableDiffusionPipeline";

    public override IReadOnlyList<FamilyNetwork> Networks { get; } =
        [StableDiffusionNetworks.UNet, StableDiffusionNetworks.Vae, StableDiffusionNetworks.TextEncoder];

    public override IReadOnlyList<FamilyTokenizer> Tokenizers { get; } = [new("tokenizer", PadsWithZero: true)];

    // Folders of the diffusers layout hold 23 of the 24 layers, so that nothing more is left out here.
    public override TextReading Text { get; } = new(LayersLeftOut: 0, UsesFinalNorm: true);

    public override AdapterNaming Adapters { get; } = new StableDiffusionAdapters(
        contextWidth: 1024, wordWidth: 1024, "sd_v2", "stable-diffusion-v2");

    public override double LatentScale => 0.18215;

    public override bool UpcastsAttention => true;

    public override bool Owns(ConfigFile denoiser) => !denoiser.Has("addition_embed_type") && denoiser.Flag("use_linear_projection", false);

    public override bool Owns(CheckpointFile checkpoint) =>
        checkpoint.Has(StableDiffusionCheckpoint.UNetMark) && !checkpoint.Has(SecondEncoder) && checkpoint.Has(OpenClipOnly);

    public override JsonNode Heads(IReadOnlyList<long> channels) => StableDiffusionCheckpoint.HeadsOf64Channels(channels);

    // Nothing in a plain SD 2.x file says what it predicts. The velocity models' last norm is spread wider (ComfyUI,
    // comfy/supported_models.py: over 0.09).
    public override string PredictionOf(CheckpointFile checkpoint) =>
        checkpoint.Find(LastNorm) is { } entry && checkpoint.Deviation(entry) > 0.09 ? "v_prediction" : "epsilon";

    public override Dictionary<string, JsonObject> PublishedConfigs() => new(StringComparer.Ordinal)
    {
        ["text_encoder"] = StableDiffusionSettings.TextEncoder(1024, 16, 23, "gelu"),
        ["unet"] = StableDiffusionSettings.UNet(
            [320, 640, 1280, 1280], [true, true, true, false], [5, 10, 20, 20], [1, 1, 1, 1], Adapters.ContextWidth, linear: true),
        ["vae"] = StableDiffusionSettings.Vae(LatentScale),
        ["scheduler"] = StableDiffusionSettings.Scheduler("DDIMScheduler", "v_prediction"),
    };

    // SD 2.x reads the last layer but one: the last one is left out.
    protected override IEnumerable<SourceComponent> ReadTextEncoders(StableDiffusionCheckpoint parts) =>
        [parts.OpenClipText("text_encoder", "cond_stage_model.model.", leavesOutLast: true, withProjection: false)];
}
