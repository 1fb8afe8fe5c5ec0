using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using BatchGen.Core.Jobs;

namespace BatchGen.Core.Imaging;

/// <summary>Everything that decided how an image looks, saved inside its file and printed by <c>batchgen show</c>.</summary>
/// <remarks>
/// Serialised by <see cref="ImageRecipeJson"/> as one flat JSON object in snake_case: the fields of the job stand beside the properties
/// declared here.
/// </remarks>
public sealed record ImageRecipe
{
    /// <summary>
    /// Version of this layout: 2 names fields as jobs do; 1, of programs before 0.2.0, had <c>width_pixels</c> and
    /// <c>height_pixels</c>.
    /// </summary>
    public int Schema { get; init; } = 2;

    /// <summary>Id of the job that the image belongs to.</summary>
    public required long JobId { get; init; }

    /// <summary>Registered name of the model.</summary>
    public required string Model { get; init; }

    /// <summary>SHA-256 of the model's master files.</summary>
    public required string ModelSha256 { get; init; }

    /// <summary>The fused adapters, in the order in which they were summed.</summary>
    public required IReadOnlyList<ImageRecipeAdapter> Adapters { get; init; }

    /// <summary>Canonical text of model and adapters.</summary>
    public required string Signature { get; init; }

    /// <summary>SHA-256 of the start image's file; null without one.</summary>
    public string? StartImageSha256 { get; init; }

    /// <summary>Name of the device that rendered the image.</summary>
    public required string Device { get; init; }

    /// <summary>Number type that the model computed in, such as <c>float16</c>.</summary>
    public required string ComputeType { get; init; }

    /// <summary>Name of the processor or graphics card; null in files of programs before 0.3.0.</summary>
    public string? Processor { get; init; }

    /// <summary>Version of torch; null in files of programs before 0.3.0.</summary>
    public string? Torch { get; init; }

    /// <summary>Threads that torch computed with; null in files of programs before 0.3.0.</summary>
    public int? Threads { get; init; }

    /// <summary>Name and version of the program.</summary>
    public required string Program { get; init; }

    /// <summary>
    /// What the job asked for: the values of the recipe's fields (<see cref="JobFields.Recipe"/>), and fields that a newer program wrote.
    /// </summary>
    [JsonIgnore]
    public JsonObject Fields { get; init; } = [];

    /// <summary>The value of a field as text, as a person would type it; null where the image has none.</summary>
    public string? TextOf(JobField field) => RecipeJson.TextOf(Fields, field);
}

/// <summary>One adapter in an <see cref="ImageRecipe"/>.</summary>
/// <param name="Name">Registered name.</param>
/// <param name="Sha256">SHA-256 of its file.</param>
/// <param name="Strength">Strength in the UNet.</param>
/// <param name="TextEncoderStrength">Strength in the text encoders.</param>
/// <param name="BlockStrengths">Per-block strengths, or null.</param>
public sealed record ImageRecipeAdapter(
    string Name,
    string Sha256,
    decimal Strength,
    decimal TextEncoderStrength,
    IReadOnlyList<decimal>? BlockStrengths);
