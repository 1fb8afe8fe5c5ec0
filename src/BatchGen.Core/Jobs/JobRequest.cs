namespace BatchGen.Core.Jobs;

/// <summary>One job as a producer asks for it: a value for some of the <see cref="JobFields"/>.</summary>
/// <remarks>
/// Fields without a value are left out; the database fills in the defaults and checks every rule, so that all producers get the same. The
/// properties are short forms for fields that code here names; every field is reached through the indexer, a new one needs no property.
/// </remarks>
public sealed record JobRequest
{
    private readonly object?[] _values = new object?[JobFields.All.Count];

    /// <summary>A request without any value.</summary>
    public JobRequest()
    {
    }

    /// <summary>A copy whose fields can be changed without changing the original.</summary>
    public JobRequest(JobRequest original)
    {
        ArgumentNullException.ThrowIfNull(original);
        _values = [.. original._values];
    }

    /// <summary>Prompt, which says what to draw; empty is legal.</summary>
    public string Prompt
    {
        get => (string?)this[JobFields.Prompt] ?? "";
        init => this[JobFields.Prompt] = value;
    }

    /// <summary>Negative prompt, which says what to keep away from.</summary>
    public string? NegativePrompt
    {
        get => (string?)this[JobFields.NegativePrompt];
        init => this[JobFields.NegativePrompt] = value;
    }

    /// <summary>Registered name of the model.</summary>
    public string? Model
    {
        get => (string?)this[JobFields.Model];
        init => this[JobFields.Model] = value;
    }

    /// <summary>Adapters in any order; null or empty renders the plain model.</summary>
    public IReadOnlyList<JobRequestAdapter>? Adapters
    {
        get => (IReadOnlyList<JobRequestAdapter>?)this[JobFields.Adapters];
        init => this[JobFields.Adapters] = value;
    }

    /// <value>Width of the image in pixels.</value>
    public int? Width
    {
        get => (int?)this[JobFields.Width];
        init => this[JobFields.Width] = value;
    }

    /// <value>Height of the image in pixels.</value>
    public int? Height
    {
        get => (int?)this[JobFields.Height];
        init => this[JobFields.Height] = value;
    }

    /// <value>Number of denoising steps.</value>
    public int? Steps
    {
        get => (int?)this[JobFields.Steps];
        init => this[JobFields.Steps] = value;
    }

    /// <value>Name of the sampler.</value>
    public string? Sampler
    {
        get => (string?)this[JobFields.Sampler];
        init => this[JobFields.Sampler] = value;
    }

    /// <value>Scale of classifier-free guidance.</value>
    public double? GuidanceScale
    {
        get => (double?)this[JobFields.GuidanceScale];
        init => this[JobFields.GuidanceScale] = value;
    }

    /// <value>Share of rescaled guidance.</value>
    public double? GuidanceRescale
    {
        get => (double?)this[JobFields.GuidanceRescale];
        init => this[JobFields.GuidanceRescale] = value;
    }

    /// <summary>Path of the start image below the workers' folder of start images.</summary>
    public string? StartImage
    {
        get => (string?)this[JobFields.StartImage];
        init => this[JobFields.StartImage] = value;
    }

    /// <value>How much of the start image is drawn anew.</value>
    public double? Strength
    {
        get => (double?)this[JobFields.Strength];
        init => this[JobFields.Strength] = value;
    }

    /// <value>Noise seed; null draws one when the job is submitted.</value>
    public long? Seed
    {
        get => (long?)this[JobFields.Seed];
        init => this[JobFields.Seed] = value;
    }

    /// <value>File format of the image.</value>
    public string? Format
    {
        get => (string?)this[JobFields.Format];
        init => this[JobFields.Format] = value;
    }

    /// <value>Layers of the text encoder to leave out.</value>
    public int? ClipSkip
    {
        get => (int?)this[JobFields.ClipSkip];
        init => this[JobFields.ClipSkip] = value;
    }

    /// <value>How the prompts are read: <see cref="RenderRecipe.WeightedPrompts"/> or <see cref="RenderRecipe.PlainPrompts"/>.</value>
    public string? PromptSyntax
    {
        get => (string?)this[JobFields.PromptSyntax];
        init => this[JobFields.PromptSyntax] = value;
    }

    /// <value>Number type of the noise: <see cref="RenderRecipe.Float32Noise"/> or <see cref="RenderRecipe.ComputeTypeNoise"/>.</value>
    public string? NoiseType
    {
        get => (string?)this[JobFields.NoiseType];
        init => this[JobFields.NoiseType] = value;
    }

    /// <value>Priority; higher ones are dispatched first.</value>
    public int? Priority
    {
        get => (int?)this[JobFields.Priority];
        init => this[JobFields.Priority] = value;
    }

    /// <summary>Earliest start; the job is not claimed before this instant.</summary>
    public DateTimeOffset? RunAt
    {
        get => (DateTimeOffset?)this[JobFields.RunAt];
        init => this[JobFields.RunAt] = value;
    }

    /// <summary>Latest start; the job fails when it was not claimed by this instant.</summary>
    public DateTimeOffset? Deadline
    {
        get => (DateTimeOffset?)this[JobFields.Deadline];
        init => this[JobFields.Deadline] = value;
    }

    /// <summary>Name of the campaign (bulk request) that the job belongs to.</summary>
    public string? Campaign
    {
        get => (string?)this[JobFields.Campaign];
        init => this[JobFields.Campaign] = value;
    }

    /// <value>Attempts before the job fails for good.</value>
    public int? MaxAttempts
    {
        get => (int?)this[JobFields.MaxAttempts];
        init => this[JobFields.MaxAttempts] = value;
    }

    /// <summary>Words to find the job by.</summary>
    public IReadOnlyList<string>? Tags
    {
        get => (IReadOnlyList<string>?)this[JobFields.Tags];
        init => this[JobFields.Tags] = value;
    }

    /// <summary>Key that makes submitting again harmless: the same key gives the first job's id.</summary>
    public string? IdempotencyKey
    {
        get => (string?)this[JobFields.IdempotencyKey];
        init => this[JobFields.IdempotencyKey] = value;
    }

    /// <summary>
    /// The value of a field, or null: <see cref="string"/>, <see cref="int"/>, <see cref="long"/> for seeds, <see cref="double"/>,
    /// <see cref="DateTimeOffset"/>, a list of <see cref="string"/> for words, a list of <see cref="JobRequestAdapter"/>.
    /// </summary>
    public object? this[JobField field]
    {
        get => _values[JobFields.PlaceOf(field)];
        private init => _values[JobFields.PlaceOf(field)] = value;
    }

    /// <summary>The request with another value of a field; null takes the value away.</summary>
    public JobRequest With(JobField field, object? value) => new(this) { [field] = value };

    /// <summary>The request, with the fields that it leaves out taken from another one.</summary>
    public JobRequest FillIn(JobRequest defaults)
    {
        ArgumentNullException.ThrowIfNull(defaults);
        var filled = new JobRequest(this);
        for (var place = 0; place < _values.Length; place++) filled._values[place] ??= defaults._values[place];
        return filled;
    }

    /// <summary>Whether both requests ask for the same, which is so when their JSON is the same.</summary>
    public bool Equals(JobRequest? other) => other is not null && JobRequestJson.Write([this]) == JobRequestJson.Write([other]);

    /// <inheritdoc/>
    public override int GetHashCode() => Prompt.GetHashCode(StringComparison.Ordinal);
}

/// <summary>One adapter of a <see cref="JobRequest"/>.</summary>
/// <param name="Name">Registered name, in any case.</param>
/// <param name="Strength">Strength in the UNet; null means 1.</param>
/// <param name="TextEncoderStrength">Strength in the text encoders; null means the UNet's.</param>
/// <param name="BlockStrengths">Per-block strengths; null means 1 everywhere.</param>
public sealed record JobRequestAdapter(
    string Name, decimal? Strength = null, decimal? TextEncoderStrength = null, IReadOnlyList<decimal>? BlockStrengths = null);
