using BatchGen.Core.Rendering;

namespace BatchGen.Core.Jobs;

/// <summary>Every field of a job, declared once. All code that reads, checks, shows or documents jobs goes through this list.</summary>
/// <remarks>
/// Derived at run time: lists (CSV, JSON), flags and their help, the dashboard's form, the OpenAPI document, the recipe inside an image.
/// Derived by tests, which write the files anew: the checks in <c>db/functions/submit/job_fields.sql</c> and the table in
/// <c>docs/sql-api.md</c>. A field of the recipe also has a property in <see cref="RenderRecipe"/>, through which the renderer reads it.
/// CONTRIBUTING.md lists the steps for a new field.
/// </remarks>
public static class JobFields
{
    private const int MaxPromptLength = 20_000;
    private const int MaxNameLength = 200;

    /// <summary>Prompt, which says what to draw.</summary>
    public static JobField Prompt { get; } = new()
    {
        Name = "prompt", Label = "Prompt", Type = JobFieldType.Text,
        Part = JobFieldPart.Recipe, Group = JobFieldGroup.Prompt,
        Help = "What to draw; <lora:name:0.8:0.5> in it moves to the adapters.",
        Default = "\"\"", DefaultInWords = "empty", Minimum = 0, Maximum = MaxPromptLength, ShortFlag = 'p',
    };

    /// <summary>Negative prompt, which says what to keep away from.</summary>
    public static JobField NegativePrompt { get; } = new()
    {
        Name = "negative_prompt", Label = "Negative prompt", Type = JobFieldType.Text,
        Part = JobFieldPart.Recipe, Group = JobFieldGroup.Prompt,
        Help = "What to keep away from.",
        DefaultInWords = "none", DefaultIsOff = true, Minimum = 0, Maximum = MaxPromptLength,
        FlagName = "negative", ShortFlag = 'n', Alias = "negative",
    };

    /// <summary>Name of the base model.</summary>
    public static JobField Model { get; } = new()
    {
        Name = "model", Label = "Model", Type = JobFieldType.Text,
        Part = JobFieldPart.Signature, Group = JobFieldGroup.Model,
        Help = "Name of a registered model, in any case.",
        DefaultInWords = "the only one registered", Minimum = 1, Maximum = 100, ShortFlag = 'm',
    };

    /// <summary>Adapters with their strengths.</summary>
    public static JobField Adapters { get; } = new()
    {
        Name = "adapters", Label = "Adapters", Type = JobFieldType.Adapters,
        Part = JobFieldPart.Signature, Group = JobFieldGroup.Model,
        Help = "Adapters as name, name@strength, name@unet:text_encoder or name@strength[block,block,...]; "
            + "their family must be the model's.",
        DefaultInWords = "none", Maximum = 32, FlagName = "adapter", ShortFlag = 'a', Alias = "adapter",
    };

    /// <summary>Width of the image.</summary>
    public static JobField Width { get; } = Side("width", "Width");

    /// <summary>Height of the image.</summary>
    public static JobField Height { get; } = Side("height", "Height");

    /// <summary>Number of denoising steps.</summary>
    public static JobField Steps { get; } = new()
    {
        Name = "steps", Label = "Steps", Type = JobFieldType.Whole,
        Part = JobFieldPart.Recipe, Group = JobFieldGroup.Rendering,
        Help = "Denoising steps.", Default = "20", Minimum = 1, Maximum = 1000,
    };

    /// <summary>Name of the sampler.</summary>
    public static JobField Sampler { get; } = new()
    {
        Name = "sampler", Label = "Sampler", Type = JobFieldType.Choice,
        Part = JobFieldPart.Recipe, Group = JobFieldGroup.Rendering,
        Help = "Sampler.", Default = "\"ddim\"", Choices = SamplerNames.All,
    };

    /// <summary>Scale of classifier-free guidance.</summary>
    public static JobField GuidanceScale { get; } = new()
    {
        Name = "guidance_scale", Label = "Guidance", Type = JobFieldType.Number,
        Part = JobFieldPart.Recipe, Group = JobFieldGroup.Rendering,
        Help = "Scale of classifier-free guidance; 1 means none.",
        Default = "7.5", Minimum = 0, Maximum = 100, FlagName = "guidance", Alias = "guidance",
    };

    /// <summary>File format of the image.</summary>
    public static JobField Format { get; } = new()
    {
        Name = "format", Label = "Format", Type = JobFieldType.Choice,
        Part = JobFieldPart.Recipe, Group = JobFieldGroup.Rendering,
        Help = "File format.", Default = "\"png\"", Choices = ImageFormats.Codes,
    };

    /// <summary>Seed of the image's noise.</summary>
    public static JobField Seed { get; } = new()
    {
        Name = "seed", Label = "Seed", Type = JobFieldType.Seed,
        Part = JobFieldPart.Recipe, Group = JobFieldGroup.Rendering,
        Help = "Seed of the noise.", DefaultInWords = "drawn below 2^32 for each job", Minimum = long.MinValue, Maximum = long.MaxValue,
        Ways = JobFieldWays.Json | JobFieldWays.Lists | JobFieldWays.Flags,
    };

    /// <summary>Several seeds, each for every prompt.</summary>
    public static JobField Seeds { get; } = new()
    {
        Name = "seeds", Label = "Seeds", Type = JobFieldType.Seeds,
        Part = JobFieldPart.Expansion, Group = JobFieldGroup.Rendering,
        Help = "Several seeds, each for every prompt, for example 1-10,20.", Example = "1-10 or 3,7,9",
        Ways = ~JobFieldWays.Json & JobFieldWays.All,
    };

    /// <summary>Number of images per prompt.</summary>
    public static JobField Count { get; } = new()
    {
        Name = "count", Label = "Images per prompt", Type = JobFieldType.Whole,
        Part = JobFieldPart.Expansion, Group = JobFieldGroup.Rendering,
        Help = "Images per prompt; a given seed counts up.", Default = "1", Minimum = 1, Maximum = Submitting.JobTemplate.MaxJobs,
        Ways = ~JobFieldWays.Json & JobFieldWays.All,
    };

    /// <summary>Image to start from.</summary>
    public static JobField StartImage { get; } = new()
    {
        Name = "start_image", Label = "Start image", Type = JobFieldType.Image,
        Part = JobFieldPart.Recipe, Group = JobFieldGroup.Advanced,
        Help = "Image to start from: a path below the workers' folder of start images, with '/'.",
        DefaultInWords = "none", DefaultIsOff = true, Minimum = 1, Maximum = MaxNameLength,
    };

    /// <summary>How much of the start image is drawn anew.</summary>
    public static JobField Strength { get; } = new()
    {
        Name = "strength", Label = "Drawn anew", Type = JobFieldType.Number,
        Part = JobFieldPart.Recipe, Group = JobFieldGroup.Advanced,
        Help = "How much of the start image is drawn anew; only with one, and times the steps at least 1.",
        Default = "0.8", Minimum = 0, MinimumExcluded = true, Maximum = 1, Requires = "start_image", ParametersName = "Denoising strength",
    };

    /// <summary>Share of rescaled guidance.</summary>
    public static JobField GuidanceRescale { get; } = new()
    {
        Name = "guidance_rescale", Label = "Guidance rescale", Type = JobFieldType.Number,
        Part = JobFieldPart.Recipe, Group = JobFieldGroup.Advanced,
        Help = "Share of rescaled guidance, against washed-out colours of velocity models.",
        Default = "0", DefaultIsOff = true, Minimum = 0, Maximum = 1, ParametersName = "CFG Rescale",
    };

    /// <summary>Share of the noise that DDIM adds at each step.</summary>
    public static JobField Eta { get; } = new()
    {
        Name = "eta", Label = "Eta", Type = JobFieldType.Number, Part = JobFieldPart.Recipe, Group = JobFieldGroup.Advanced,
        Help = "Share of noise that DDIM adds at each step; 1 adds as much as DDPM.",
        Default = "0", DefaultIsOff = true, Minimum = 0, Maximum = 1, Samplers = ["ddim", "ddim_trailing"], ParametersName = "Eta",
    };

    /// <summary>Layers of the text encoder to leave out.</summary>
    public static JobField ClipSkip { get; } = new()
    {
        Name = "clip_skip", Label = "Clip skip", Type = JobFieldType.Whole,
        Part = JobFieldPart.Recipe, Group = JobFieldGroup.Advanced,
        Help = "Layers of the text encoder to leave out at its end.",
        Default = "0", DefaultIsOff = true, Minimum = 0, Maximum = 11, Unit = "layers",
    };

    /// <summary>How the prompts are read.</summary>
    public static JobField PromptSyntax { get; } = new()
    {
        Name = "prompt_syntax", Label = "Prompt syntax", Type = JobFieldType.Choice,
        Part = JobFieldPart.Recipe, Group = JobFieldGroup.Advanced,
        Help = "How prompts are read: weighted gives brackets and BREAK a meaning, plain takes them as text and cuts long prompts.",
        Default = $"\"{RenderRecipe.WeightedPrompts}\"", DefaultIsOff = true,
        Choices = [RenderRecipe.WeightedPrompts, RenderRecipe.PlainPrompts],
    };

    /// <summary>Number type that the noise is drawn in.</summary>
    public static JobField NoiseType { get; } = new()
    {
        Name = "noise_type", Label = "Noise type", Type = JobFieldType.Choice,
        Part = JobFieldPart.Recipe, Group = JobFieldGroup.Advanced,
        Help = "Number type of the noise: float32 means the same image in every compute type, compute_type repeats images of diffusers' "
            + "float16 pipelines.",
        Default = $"\"{RenderRecipe.Float32Noise}\"", DefaultIsOff = true,
        Choices = [RenderRecipe.Float32Noise, RenderRecipe.ComputeTypeNoise],
    };

    /// <summary>Campaign that the job belongs to.</summary>
    public static JobField Campaign { get; } = new()
    {
        Name = "campaign", Label = "Campaign", Type = JobFieldType.Text,
        Part = JobFieldPart.Dispatch, Group = JobFieldGroup.Dispatch,
        Help = "Name of the bulk request the job belongs to; made when first named. It begins and ends with no blank.",
        DefaultInWords = "none", Minimum = 1, Maximum = MaxNameLength, ShortFlag = 'c',
    };

    /// <summary>Priority of the job; higher ones are dispatched first.</summary>
    public static JobField Priority { get; } = new()
    {
        Name = "priority", Label = "Priority", Type = JobFieldType.Whole,
        Part = JobFieldPart.Dispatch, Group = JobFieldGroup.Dispatch,
        Help = "Higher first.", Default = "0", Minimum = -100, Maximum = 100,
    };

    /// <summary>Earliest start of the job.</summary>
    public static JobField RunAt { get; } = new()
    {
        Name = "run_at", Label = "Not before", Type = JobFieldType.Instant,
        Part = JobFieldPart.Dispatch, Group = JobFieldGroup.Dispatch,
        Help = "Not before this instant; one in the past counts as now.", DefaultInWords = "now", Example = "22:00",
    };

    /// <summary>Latest start of the job.</summary>
    public static JobField Deadline { get; } = new()
    {
        Name = "deadline", Label = "Deadline", Type = JobFieldType.Instant,
        Part = JobFieldPart.Dispatch, Group = JobFieldGroup.Dispatch,
        Help = "The job fails if it was not started by then.", DefaultInWords = "none",
    };

    /// <summary>Attempts before a job fails for good.</summary>
    public static JobField MaxAttempts { get; } = new()
    {
        Name = "max_attempts", Label = "Attempts at most", Type = JobFieldType.Whole,
        Part = JobFieldPart.Dispatch, Group = JobFieldGroup.Dispatch,
        Help = "Attempts before the job fails for good.", Default = "3", Minimum = 1, Maximum = 100,
    };

    /// <summary>Words to find the job by.</summary>
    public static JobField Tags { get; } = new()
    {
        Name = "tags", Label = "Tags", Type = JobFieldType.Words,
        Part = JobFieldPart.Dispatch, Group = JobFieldGroup.Dispatch,
        Help = "Words to find the job by.", DefaultInWords = "none", Maximum = 32, MaxWordLength = 100,
        FlagName = "tag", Alias = "tag", Example = "cover, draft",
    };

    /// <summary>Key that makes submitting again harmless.</summary>
    public static JobField IdempotencyKey { get; } = new()
    {
        Name = "idempotency_key", Label = "Idempotency key", Type = JobFieldType.Text,
        Part = JobFieldPart.Dispatch, Group = JobFieldGroup.Dispatch,
        Help = "Submitting the same key of a tenant again gives the first job's id, whatever else the job says now.",
        DefaultInWords = "none", Minimum = 1, Maximum = MaxNameLength, Ways = ~JobFieldWays.Form & JobFieldWays.All,
    };

    /// <summary>All fields, in the order that documents and forms list them.</summary>
    public static IReadOnlyList<JobField> All { get; } =
    [
        Prompt, NegativePrompt, Model, Adapters, Width, Height, Steps, Sampler, GuidanceScale, Format, Seed, Seeds, Count,
        StartImage, Strength, GuidanceRescale, Eta, ClipSkip, PromptSyntax, NoiseType,
        Campaign, Priority, RunAt, Deadline, MaxAttempts, Tags, IdempotencyKey,
    ];

    /// <summary>The fields of the recipe.</summary>
    public static IReadOnlyList<JobField> Recipe { get; } = [.. All.Where(field => field.IsInRecipe)];

    private static readonly Dictionary<string, JobField> ByName = All.ToDictionary(field => field.Name, StringComparer.Ordinal);

    /// <summary>The field of a name, or null.</summary>
    public static JobField? Find(string name) => ByName.GetValueOrDefault(name);

    /// <summary>Place of a field in <see cref="All"/>.</summary>
    internal static int PlaceOf(JobField field)
    {
        for (var place = 0; place < All.Count; place++)
            if (ReferenceEquals(All[place], field)) return place;
        throw new ArgumentException($"'{field.Name}' is not in the list of job fields.", nameof(field));
    }

    private static JobField Side(string name, string label) => new()
    {
        Name = name, Label = label, Type = JobFieldType.Whole,
        Part = JobFieldPart.Recipe, Group = JobFieldGroup.Rendering,
        Help = label + " of the image in pixels.", DefaultInWords = "the model's native size", DefaultFromModel = "native_" + name,
        Minimum = 64, Maximum = 2048, MultipleOf = 8, Unit = "pixels",
    };
}
