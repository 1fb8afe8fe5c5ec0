using System.Text.Json.Nodes;
using BatchGen.Core.Failures;
using BatchGen.Diffusion.Models;
using BatchGen.Diffusion.Text;

namespace BatchGen.Diffusion.Families.StableDiffusion;

/// <summary>
/// What SD 1.x, 2.x and XL have in common: a UNet with cross-attention, CLIP text encoders, and latents of four channels.
/// </summary>
internal abstract class StableDiffusionRendering : FamilyRendering
{
    /// <summary>Key of the text encoder by which a single file of SD 2.x is recognised.</summary>
    protected const string OpenClipOnly = "cond_stage_model.model.ln_final.weight";

    /// <summary>Key of the second text encoder, by which a single file of SDXL is recognised.</summary>
    protected const string SecondEncoder = "conditioner.embedders.1.model.ln_final.weight";

    /// <summary>Where SD 1.x keeps its text encoder in a single file.</summary>
    protected const string ClipPrefix = "cond_stage_model.transformer.";

    private const string RefinerEncoder = "conditioner.embedders.0.model.ln_final.weight";

    // One list for all three: pipelines for latent consistency models and older img2img folders name SD 1.x for any of them.
    private static readonly string[] AllPipelines =
    [
        "StableDiffusionPipeline", "StableDiffusionXLPipeline", "StableDiffusionImg2ImgPipeline", "StableDiffusionXLImg2ImgPipeline",
        "LatentConsistencyModelPipeline",
    ];

    // Marks of models for continuous noise levels (ComfyUI, comfy/supported_models.py: Playground v2.5 and similar models).
    private static readonly string[] ContinuousMarks = ["edm_mean", "edm_std", "edm_vpred.sigma_max"];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Pipelines => AllPipelines;

    /// <inheritdoc/>
    public override bool ZeroesAbsentNegative => false;

    /// <summary>Factor between the autoencoder's numbers and the latents of the published model.</summary>
    public abstract double LatentScale { get; }

    /// <summary>True when the published UNet computes its attention scores in float32.</summary>
    public virtual bool UpcastsAttention => false;

    /// <inheritdoc/>
    public override string? ReasonToRefuse(CheckpointFile checkpoint)
    {
        if (ContinuousMarks.FirstOrDefault(checkpoint.Has) is { } mark)
        {
            return $"'{checkpoint.Path}' has the key '{mark}', the mark of a model for continuous noise levels (EDM), "
                + "which no sampler here draws with. "
                + "Choose a model for the levels of Stable Diffusion.";
        }

        if (!checkpoint.Has(StableDiffusionCheckpoint.UNetMark)) return null;
        if (!checkpoint.Has(StableDiffusionCheckpoint.VaeMark))
            return $"'{checkpoint.Path}' holds a UNet but no autoencoder (first_stage_model). Get the full checkpoint; "
                + "a UNet alone cannot draw.";
        if (checkpoint.Has(OpenClipOnly) || checkpoint.Has(SecondEncoder)
            || StableDiffusionCheckpoint.TextPrefix(checkpoint, ClipPrefix) is not null)
            return null;
        return $"'{checkpoint.Path}' has no text encoder that is known here"
            + (checkpoint.Has(RefinerEncoder) ? "; it looks like the SDXL refiner, which is not supported."
                : " (cond_stage_model or conditioner). Get the full checkpoint.");
    }

    /// <inheritdoc/>
    public override ModelSource Read(CheckpointFile checkpoint)
    {
        var parts = new StableDiffusionCheckpoint(checkpoint, this);
        SourceComponent[] components = [.. ReadTextEncoders(parts), parts.UNet(), parts.Vae()];
        parts.CheckNothingIsLeft();
        var tokenizers =
            Tokenizers.Select(tokenizer => (Func<ClipTokenizer>)(() => ClipTokenizer.Published(tokenizer.PadsWithZero))).ToArray();
        return new ModelSource(this, checkpoint.Path, components, tokenizers, parts.Scheduler(), ZeroesAbsentNegative, [""]);
    }

    /// <inheritdoc/>
    public override float[]? SizeConditions(int heightPixels, int widthPixels) => null;

    /// <inheritdoc/>
    public override JsonObject PublishedIndex() => [];

    /// <summary>The text encoders of a single file.</summary>
    /// <exception cref="ModelException">A tensor is missing.</exception>
    protected abstract IEnumerable<SourceComponent> ReadTextEncoders(StableDiffusionCheckpoint parts);

    /// <summary>What the UNet's settings say of attention heads.</summary>
    /// <param name="channels">Channels of each level of the UNet.</param>
    public abstract JsonNode Heads(IReadOnlyList<long> channels);

    /// <summary>Adds settings of the UNet that only this family has.</summary>
    public virtual void AddUNetSettings(CheckpointFile checkpoint, JsonObject settings)
    {
    }

    /// <summary>Adds settings of the noise schedule that only this family has.</summary>
    public virtual void AddScheduleSettings(JsonObject settings)
    {
    }

    /// <summary>What the network of a single file predicts, where neither a marker nor metadata says.</summary>
    public virtual string PredictionOf(CheckpointFile checkpoint) => "epsilon";
}
