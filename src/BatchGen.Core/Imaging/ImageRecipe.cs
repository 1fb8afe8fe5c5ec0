namespace BatchGen.Core.Imaging;

/// <summary>The full recipe saved inside every picture and printed by <c>batchgen show</c>.</summary>
/// <remarks>Serialised as JSON with snake_case names; a schema number allows later fields.</remarks>
public sealed record ImageRecipe
{
    /// <summary>Version of this layout.</summary>
    public int Schema { get; init; } = 1;

    /// <summary>The job the picture belongs to.</summary>
    public required long JobId { get; init; }

    /// <summary>The prompt.</summary>
    public required string Prompt { get; init; }

    /// <summary>The negative prompt; null when not given.</summary>
    public string? NegativePrompt { get; init; }

    /// <summary>Noise seed.</summary>
    public required long Seed { get; init; }

    /// <summary>Sampler name.</summary>
    public required string Sampler { get; init; }

    /// <summary>Denoising steps.</summary>
    public required int Steps { get; init; }

    /// <summary>Guidance scale.</summary>
    public required double GuidanceScale { get; init; }

    /// <summary>Width in pixels.</summary>
    public required int WidthPixels { get; init; }

    /// <summary>Height in pixels.</summary>
    public required int HeightPixels { get; init; }

    /// <summary>Text encoder layers left out at the end.</summary>
    public int ClipSkip { get; init; }

    /// <summary>Share of rescaled guidance.</summary>
    public double GuidanceRescale { get; init; }

    /// <summary>Path of the start picture below the start image folder; null when it started from noise.</summary>
    public string? StartImage { get; init; }

    /// <summary>SHA-256 of the start picture's file.</summary>
    public string? StartImageSha256 { get; init; }

    /// <summary>How much of the start picture was drawn anew; null without one.</summary>
    public double? Strength { get; init; }

    /// <summary>Model name.</summary>
    public required string Model { get; init; }

    /// <summary>SHA-256 of the model's master files.</summary>
    public required string ModelSha256 { get; init; }

    /// <summary>The adapters fused, in summing order.</summary>
    public required IReadOnlyList<ImageRecipeAdapter> Adapters { get; init; }

    /// <summary>Canonical signature text.</summary>
    public required string Signature { get; init; }

    /// <summary>Device name.</summary>
    public required string Device { get; init; }

    /// <summary>Arithmetic type of the model.</summary>
    public required string ComputeType { get; init; }

    /// <summary>Program name and version.</summary>
    public required string Program { get; init; }
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
