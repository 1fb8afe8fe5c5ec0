namespace BatchGen.Core.Jobs;

/// <summary>Type of the value that a job field holds.</summary>
public enum JobFieldType
{
    /// <summary>Text; an empty one is legal where <see cref="JobField.Minimum"/> is 0.</summary>
    Text,

    /// <summary>A whole number of 32 bits.</summary>
    Whole,

    /// <summary>A whole number of 64 bits, signed.</summary>
    Seed,

    /// <summary>A finite number of double precision.</summary>
    Number,

    /// <summary>One of <see cref="JobField.Choices"/>, in any case.</summary>
    Choice,

    /// <summary>An instant, with a time zone.</summary>
    Instant,

    /// <summary>A list of words.</summary>
    Words,

    /// <summary>Adapters with their strengths.</summary>
    Adapters,

    /// <summary>An image that workers find by its path below their folder of start images.</summary>
    Image,

    /// <summary>Several seeds, such as <c>1-10,20</c>.</summary>
    Seeds,
}

/// <summary>Part of a stored job that the value of a field goes into.</summary>
public enum JobFieldPart
{
    /// <summary>The recipe: one JSON value that says what is drawn. The database keeps it and hands it on whole.</summary>
    Recipe,

    /// <summary>The signature that jobs are sorted by.</summary>
    Signature,

    /// <summary>Columns that dispatch, search or limits ask for.</summary>
    Dispatch,

    /// <summary>No part: the field turns one row into several jobs before they are submitted.</summary>
    Expansion,
}

/// <summary>Where a form and a help text show a job field.</summary>
public enum JobFieldGroup
{
    /// <summary>The prompts: what to draw.</summary>
    Prompt,

    /// <summary>The model and its adapters.</summary>
    Model,

    /// <summary>How the image is drawn: size, sampler, seeds, file format.</summary>
    Rendering,

    /// <summary>How the image is drawn, in ways that most jobs do without.</summary>
    Advanced,

    /// <summary>When the job runs, and what it is for.</summary>
    Dispatch,
}

/// <summary>The ways of submitting that may set a job field.</summary>
[Flags]
public enum JobFieldWays
{
    /// <summary>No way of submitting.</summary>
    None = 0,

    /// <summary>SQL functions and the HTTP API, which take the same JSON object.</summary>
    Json = 1,

    /// <summary>Lists of jobs: CSV, JSON and JSON lines.</summary>
    Lists = 2,

    /// <summary>Flags of the command <c>batchgen submit</c>.</summary>
    Flags = 4,

    /// <summary>The form of the dashboard.</summary>
    Form = 8,

    /// <summary>Every way of submitting.</summary>
    All = Json | Lists | Flags | Form,
}

/// <summary>
/// The declaration of one field of a job. <see cref="JobFields"/> has all of them; every reader, check, form and document is derived from
/// it.
/// </summary>
public sealed record JobField
{
    /// <summary>Name in JSON, CSV and SQL, in snake_case.</summary>
    public required string Name { get; init; }

    /// <summary>Name that a form and a page show.</summary>
    public required string Label { get; init; }

    /// <summary>Type of the value.</summary>
    public required JobFieldType Type { get; init; }

    /// <summary>Part of a stored job that the value goes into.</summary>
    public required JobFieldPart Part { get; init; }

    /// <summary>Section of a form that shows the field.</summary>
    public required JobFieldGroup Group { get; init; }

    /// <summary>What the field means, in a sentence; limits and default are added where it is shown.</summary>
    public required string Help { get; init; }

    /// <summary>The ways of submitting that may set the field.</summary>
    public JobFieldWays Ways { get; init; } = JobFieldWays.All;

    /// <value>What a job that leaves the field out gets, as JSON text; null when that is no constant.</value>
    public string? Default { get; init; }

    /// <value>What a job that leaves the field out gets, in words, where that is no constant; null where there is nothing to say.</value>
    public string? DefaultInWords { get; init; }

    /// <value>Column of the model's row that has the default; null where it does not come from the model.</value>
    public string? DefaultFromModel { get; init; }

    /// <value>
    /// True when the default switches the field off. The value is then not stored, and a worker that does not know the field yet may draw
    /// the job. Such a default is 0, false, empty, nothing, or what every version before did.
    /// </value>
    public bool DefaultIsOff { get; init; }

    /// <value>Smallest number, or fewest characters of a text; null does not limit.</value>
    public decimal? Minimum { get; init; }

    /// <value>Whether <see cref="Minimum"/> itself is refused.</value>
    public bool MinimumExcluded { get; init; }

    /// <value>Largest number, or most characters of a text, or most words; null does not limit.</value>
    public decimal? Maximum { get; init; }

    /// <value>What a number must be a multiple of; null does not limit.</value>
    public int? MultipleOf { get; init; }

    /// <value>Most characters of each word of a list of words.</value>
    public int? MaxWordLength { get; init; }

    /// <value>The names that may be given, in the order they are listed in; null for fields that are no choice.</value>
    public IReadOnlyList<string>? Choices { get; init; }

    /// <value>Unit, such as <c>pixels</c>; null for numbers without one.</value>
    public string? Unit { get; init; }

    /// <value>Flag of <c>batchgen submit</c> without its dashes, where it is not the name with dashes.</value>
    public string? FlagName { get; init; }

    /// <value>One letter for the flag; null for none.</value>
    public char? ShortFlag { get; init; }

    /// <value>Another name that lists of jobs may use; null for none.</value>
    public string? Alias { get; init; }

    /// <value>Name of the field without which this one is refused; null for none.</value>
    public string? Requires { get; init; }

    /// <value>The samplers that use the field; with any other one it is refused. Null means all.</value>
    public IReadOnlyList<string>? Samplers { get; init; }

    /// <value>
    /// Name in the text that AUTOMATIC1111's web UI writes into images; null when that text says it in its own way or not at all.
    /// </value>
    public string? ParametersName { get; init; }

    /// <value>What a form shows in the empty box, where that is not the default.</value>
    public string? Example { get; init; }

    /// <summary>The flag of <c>batchgen submit</c>, with its dashes.</summary>
    public string Flag => "--" + (FlagName ?? Name.Replace('_', '-'));

    /// <summary>Whether the field belongs to the recipe.</summary>
    public bool IsInRecipe => Part == JobFieldPart.Recipe;

    /// <summary>The default in words: <c>20</c>, <c>the model's own</c>; null where there is none.</summary>
    public string? DefaultText => DefaultInWords ?? Default?.Trim('"');

    /// <summary>Whether a way of submitting may set the field.</summary>
    public bool IsSetBy(JobFieldWays way) => (Ways & way) != JobFieldWays.None;

    /// <summary>The help text with limits and default, for flags and pages.</summary>
    public string FullHelp => string.Concat(Help, Samplers is { } samplers ? $" Only with {string.Join(", ", samplers)}." : "",
        Limits is { } limits ? $" {char.ToUpperInvariant(limits[0])}{limits[1..]}." : "",
        DefaultText is { } text ? $" Default: {text}." : "");

    /// <summary>The limits in words, such as <c>1 to 1000</c>; null where there are none.</summary>
    public string? Limits => this switch
    {
        { Choices: { } choices } => "one of " + string.Join(", ", choices),
        { Type: JobFieldType.Words } => FormattableString.Invariant($"at most {Maximum} words of up to {MaxWordLength} characters"),
        { Type: JobFieldType.Text or JobFieldType.Image, Maximum: { } most } =>
            FormattableString.Invariant($"at most {most:N0} characters"),
        { Minimum: { } least, Maximum: { } most } => string.Concat(
            FormattableString.Invariant($"{(MinimumExcluded ? "above " : "")}{least} to {most}"),
            MultipleOf is { } step ? $", a multiple of {step}" : ""),
        _ => null,
    };
}
