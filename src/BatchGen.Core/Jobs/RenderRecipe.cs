using System.Text.Json.Serialization;
using BatchGen.Core.Adapters;

namespace BatchGen.Core.Jobs;

/// <summary>Everything that decides one image's pixels and file format, as the job asks for it.</summary>
/// <remarks>
/// The typed form of the recipe part of <see cref="JobFields"/>, read and written by <see cref="RecipeJson"/>: property names are the
/// fields' names. A value that the stored recipe leaves out is the field's default.
/// </remarks>
public sealed record RenderRecipe
{
    /// <summary>
    /// Value of <see cref="PromptSyntax"/>: brackets weigh words, BREAK and long prompts make chunks, as in AUTOMATIC1111's web UI.
    /// </summary>
    public const string WeightedPrompts = "weighted";

    /// <summary>Value of <see cref="PromptSyntax"/>: brackets are text, and what is beyond 75 tokens is cut off, as in diffusers.</summary>
    public const string PlainPrompts = "plain";

    /// <summary>Value of <see cref="NoiseType"/>: a seed means the same image in every compute type.</summary>
    public const string Float32Noise = "float32";

    /// <summary>Value of <see cref="NoiseType"/>: as diffusers draws, whose float16 pipelines it repeats.</summary>
    public const string ComputeTypeNoise = "compute_type";

    /// <summary>Prompt, which says what to draw; empty is legal.</summary>
    public required string Prompt { get; init; }

    /// <summary>Negative prompt; empty is legal, null means not given (differs from empty for SDXL).</summary>
    public string? NegativePrompt { get; init; }

    /// <summary>Base model and adapters with strengths.</summary>
    [JsonIgnore]
    public AdapterSignature Signature { get; init; } = null!;

    /// <value>Pixels, a multiple of 8.</value>
    [JsonPropertyName("width")]
    public required int WidthPixels { get; init; }

    /// <value>Pixels, a multiple of 8.</value>
    [JsonPropertyName("height")]
    public required int HeightPixels { get; init; }

    /// <value>Number of denoising steps.</value>
    public required int Steps { get; init; }

    /// <summary>Sampler name, for example <c>ddim</c>, <c>euler</c> (<see cref="Rendering.SamplerNames"/>).</summary>
    public required string Sampler { get; init; }

    /// <value>Scale of classifier-free guidance; 1 means none.</value>
    public required double GuidanceScale { get; init; }

    /// <summary>Seed of the image's own noise generator, as <c>torch.Generator().manual_seed</c> takes it.</summary>
    public required long Seed { get; init; }

    /// <summary>File format of the image.</summary>
    public ImageFormat Format { get; init; } = ImageFormat.Png;

    /// <summary>Layers of the text encoder to leave out at its end; 0 uses all (diffusers' <c>clip_skip</c>).</summary>
    public int ClipSkip { get; init; }

    /// <summary>Image to start from: its path below the worker's folder of start images, with '/'; null starts from noise alone.</summary>
    [JsonPropertyName("start_image")]
    public string? StartImagePath { get; init; }

    /// <summary>How much of the start image is drawn anew, above 0 to 1 (diffusers' <c>strength</c>); null without a start image.</summary>
    public double? Strength { get; init; }

    /// <summary>
    /// Share of rescaled guidance, 0 to 1, against washed-out colours of velocity models (diffusers' <c>guidance_rescale</c>); 0 is none.
    /// </summary>
    public double GuidanceRescale { get; init; }

    /// <summary>Share of the noise that DDIM adds at each step, 0 to 1 (diffusers' <c>eta</c>); 0 adds none.</summary>
    public double Eta { get; init; }

    /// <summary>How the prompts are read: <see cref="WeightedPrompts"/> or <see cref="PlainPrompts"/>.</summary>
    public string PromptSyntax { get; init; } = WeightedPrompts;

    /// <summary>Number type that the noise is drawn in: <see cref="Float32Noise"/> or <see cref="ComputeTypeNoise"/>.</summary>
    public string NoiseType { get; init; } = Float32Noise;

    /// <summary>Fields that this program does not know; null once <see cref="RecipeJson.Read"/> has looked at them.</summary>
    [JsonExtensionData]
    [JsonInclude]
    internal Dictionary<string, System.Text.Json.JsonElement>? Unknown { get; set; }
}
