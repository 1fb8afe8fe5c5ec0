namespace BatchGen.Core.Jobs;

/// <summary>One job as a producer asks for it: the JSON object that <c>submit_jobs</c> takes, in snake_case.</summary>
/// <remarks>Null fields are left out; the database fills in the defaults and checks every rule, so that all producers get the same.</remarks>
public sealed record JobRequest
{
    /// <summary>What to draw; empty is legal.</summary>
    public string Prompt { get; init; } = "";

    /// <summary>What to keep away from.</summary>
    public string? NegativePrompt { get; init; }

    /// <summary>Registered model name; null uses the only registered model.</summary>
    public string? Model { get; init; }

    /// <summary>Adapters in any order; null or empty renders the plain model.</summary>
    public IReadOnlyList<JobRequestAdapter>? Adapters { get; init; }

    /// <value>Pixels, a multiple of 8; null uses the model's native size.</value>
    public int? Width { get; init; }

    /// <value>Pixels, a multiple of 8; null uses the model's native size.</value>
    public int? Height { get; init; }

    /// <value>Denoising steps, 1 to 1000; null means 20.</value>
    public int? Steps { get; init; }

    /// <value>Sampler name; null means <c>ddim</c>.</value>
    public string? Sampler { get; init; }

    /// <value>Guidance scale, 0 to 100; null means 7.5.</value>
    public double? GuidanceScale { get; init; }

    /// <value>Share of rescaled guidance, 0 to 1; null means 0.</value>
    public double? GuidanceRescale { get; init; }

    /// <summary>Picture to start from: its path below the workers' start image folder, with '/'.</summary>
    public string? StartImage { get; init; }

    /// <value>How much of the start image is drawn anew, above 0 to 1; null means 0.8. Refused without a start picture.</value>
    public double? Strength { get; init; }

    /// <value>Noise seed; null draws one when the job is submitted.</value>
    public long? Seed { get; init; }

    /// <value><c>png</c>, <c>webp</c> or <c>jpeg</c>; null means <c>png</c>.</value>
    public string? Format { get; init; }

    /// <value>Text encoder layers to leave out, 0 to 11; null means 0.</value>
    public int? ClipSkip { get; init; }

    /// <value>-100 to 100, higher first; null means 0.</value>
    public int? Priority { get; init; }

    /// <summary>Not before this instant.</summary>
    public DateTimeOffset? RunAt { get; init; }

    /// <summary>Fail the job when it was not claimed by this instant.</summary>
    public DateTimeOffset? Deadline { get; init; }

    /// <summary>Name of the bulk request it belongs to.</summary>
    public string? Campaign { get; init; }

    /// <value>1 to 100; null means 3.</value>
    public int? MaxAttempts { get; init; }

    /// <summary>Free words to find the job by.</summary>
    public IReadOnlyList<string>? Tags { get; init; }

    /// <summary>Submitting the same key twice gives the first job's id.</summary>
    public string? IdempotencyKey { get; init; }
}

/// <summary>One adapter of a <see cref="JobRequest"/>.</summary>
/// <param name="Name">Registered name, in any case.</param>
/// <param name="Strength">Strength in the UNet; null means 1.</param>
/// <param name="TextEncoderStrength">Strength in the text encoders; null means the same.</param>
/// <param name="BlockStrengths">Per-block strengths; null means 1 everywhere.</param>
public sealed record JobRequestAdapter(
    string Name, decimal? Strength = null, decimal? TextEncoderStrength = null, IReadOnlyList<decimal>? BlockStrengths = null);
