using System.Globalization;
using BatchGen.Core.Jobs;
using BatchGen.Core.Submitting;
using BatchGen.Queue.Reports;
using Microsoft.AspNetCore.Http;

namespace BatchGen.Dashboard.Pages.Enqueue;

/// <summary>What a person filled in, as text, and the jobs it stands for.</summary>
internal sealed record EnqueueForm
{
    /// <summary>Most jobs one form may stand for; more come from a file through the command line or the API.</summary>
    public const int MaxJobs = 100_000;

    private const string StrengthPrefix = "strength:";

    public string Model { get; init; } = "";

    public string Prompts { get; init; } = "";

    public string Negative { get; init; } = "";

    public IReadOnlyDictionary<string, string> Strengths { get; init; } = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);

    public string Width { get; init; } = "";

    public string Height { get; init; } = "";

    public string Steps { get; init; } = "";

    public string Sampler { get; init; } = "";

    public string Guidance { get; init; } = "";

    public string Rescale { get; init; } = "";

    public string ClipSkip { get; init; } = "";

    public string StartImage { get; init; } = "";

    public string Strength { get; init; } = "";

    public string Seeds { get; init; } = "";

    public string Count { get; init; } = "";

    public string Format { get; init; } = "";

    public string Priority { get; init; } = "";

    public string RunAt { get; init; } = "";

    public string Deadline { get; init; } = "";

    public string MaxAttempts { get; init; } = "";

    public string Tenant { get; init; } = "";

    public string Campaign { get; init; } = "";

    public string Tags { get; init; } = "";

    /// <summary>Reads the posted fields.</summary>
    public static EnqueueForm Of(IFormCollection form) => new()
    {
        Model = form["model"].ToString(),
        Prompts = form["prompts"].ToString(),
        Negative = form["negative"].ToString(),
        Strengths = form.Where(pair => pair.Key.StartsWith(StrengthPrefix, StringComparison.Ordinal) && pair.Value.ToString().Trim().Length > 0)
            .ToDictionary(pair => pair.Key[StrengthPrefix.Length..], pair => pair.Value.ToString().Trim(), StringComparer.OrdinalIgnoreCase),
        Width = form["width"].ToString(),
        Height = form["height"].ToString(),
        Steps = form["steps"].ToString(),
        Sampler = form["sampler"].ToString(),
        Guidance = form["guidance"].ToString(),
        Rescale = form["rescale"].ToString(),
        ClipSkip = form["clip_skip"].ToString(),
        StartImage = form["start_image"].ToString(),
        Strength = form["strength"].ToString(),
        Seeds = form["seeds"].ToString(),
        Count = form["count"].ToString(),
        Format = form["format"].ToString(),
        Priority = form["priority"].ToString(),
        RunAt = form["run_at"].ToString(),
        Deadline = form["deadline"].ToString(),
        MaxAttempts = form["max_attempts"].ToString(),
        Tenant = form["tenant"].ToString(),
        Campaign = form["campaign"].ToString(),
        Tags = form["tags"].ToString(),
    };

    /// <summary>Fills the form from a job.</summary>
    /// <param name="job">The job.</param>
    /// <param name="extras">More of it.</param>
    /// <param name="vary">Leaves the seed open, for four other pictures of the same recipe.</param>
    /// <param name="display">Writes its deadline; one that has passed would only be refused, and is left out.</param>
    public static EnqueueForm Of(JobDetails job, JobExtras? extras, bool vary, DisplayFormat display) => new()
    {
        Model = job.Recipe.Signature.Model,
        Prompts = PromptTemplate.Escape(job.Recipe.Prompt).ReplaceLineEndings(" "),
        Negative = job.Recipe.NegativePrompt ?? "",
        Strengths = job.Recipe.Signature.Adapters.ToDictionary(use => use.Name, AdapterText.StrengthsOf, StringComparer.OrdinalIgnoreCase),
        Width = job.Recipe.WidthPixels.ToString(CultureInfo.InvariantCulture),
        Height = job.Recipe.HeightPixels.ToString(CultureInfo.InvariantCulture),
        Steps = job.Recipe.Steps.ToString(CultureInfo.InvariantCulture),
        Sampler = job.Recipe.Sampler,
        Guidance = job.Recipe.GuidanceScale.ToString(CultureInfo.InvariantCulture),
        Rescale = job.Recipe.GuidanceRescale == 0 ? "" : job.Recipe.GuidanceRescale.ToString(CultureInfo.InvariantCulture),
        ClipSkip = job.Recipe.ClipSkip == 0 ? "" : job.Recipe.ClipSkip.ToString(CultureInfo.InvariantCulture),
        StartImage = job.Recipe.StartImagePath ?? "",
        Strength = job.Recipe.StartImagePath is null ? "" : job.Recipe.Strength.ToString(CultureInfo.InvariantCulture),
        Seeds = vary ? "" : job.Recipe.Seed.ToString(CultureInfo.InvariantCulture),
        Count = vary ? "4" : "",
        Format = job.Recipe.Format.ToCode(),
        Priority = job.Priority == 0 ? "" : job.Priority.ToString(CultureInfo.InvariantCulture),
        Deadline = extras?.Deadline is { } deadline && deadline > display.Now ? display.Exact(deadline) : "",
        MaxAttempts = job.MaxAttempts.ToString(CultureInfo.InvariantCulture),
        Tenant = extras?.Tenant ?? "",
        Campaign = job.Campaign ?? "",
        Tags = string.Join(", ", extras?.Tags ?? []),
    };

    /// <summary>The jobs.</summary>
    /// <param name="times">What short forms of times refer to.</param>
    /// <param name="problems">Gets a message for each field that cannot be read.</param>
    public IReadOnlyList<JobRequest> ToJobs(TimeReference times, Dictionary<string, string> problems)
    {
        var count = ReadWhole("count", Count, problems);
        var job = new JobRequest
        {
            Model = Text(Model),
            NegativePrompt = Text(Negative),
            Adapters = Read("adapters", problems, ReadAdapters),
            Width = ReadWhole("width", Width, problems),
            Height = ReadWhole("height", Height, problems),
            Steps = ReadWhole("steps", Steps, problems),
            Sampler = Text(Sampler),
            GuidanceScale = ReadNumber("guidance", Guidance, problems),
            GuidanceRescale = ReadNumber("rescale", Rescale, problems),
            ClipSkip = ReadWhole("clip_skip", ClipSkip, problems),
            StartImage = Text(StartImage),
            Strength = ReadNumber("strength", Strength, problems),
            Format = Text(Format),
            Priority = ReadWhole("priority", Priority, problems),
            RunAt = ReadTime("run_at", RunAt, times, problems),
            Deadline = ReadTime("deadline", Deadline, times, problems),
            MaxAttempts = ReadWhole("max_attempts", MaxAttempts, problems),
            Campaign = Text(Campaign),
            Tags = Text(Tags)?.Split([',', ';'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries),
        };
        var lines = ReadPrompts(new JobTemplate { Job = job, Seeds = Seeds, Count = count }, problems);
        if (problems.Count > 0) return [];
        var jobs = lines.Sum(line => (long)line.Count);
        if (jobs <= MaxJobs) return lines.SelectMany(line => line.Jobs()).ToArray();
        problems["prompts"] = string.Create(CultureInfo.InvariantCulture, $"expands to {jobs} jobs; the limit of the form is {MaxJobs}. Use a file with 'batchgen submit' or the API for more.");
        return [];
    }

    // One prompt a line; an empty box is one empty prompt, which is legal.
    private List<JobExpansion> ReadPrompts(JobTemplate template, Dictionary<string, string> problems)
    {
        var lines = Prompts.ReplaceLineEndings("\n").Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0);
        var expansions = new List<JobExpansion>();
        foreach (var line in lines.DefaultIfEmpty(""))
        {
            try
            {
                expansions.Add((template with { Job = template.Job with { Prompt = line } }).Expand());
            }
            catch (JobTemplateException failure)
            {
                problems[failure.Field == "prompt" ? "prompts" : failure.Field] = failure.Message;
                break;
            }
        }

        return expansions;
    }

    private JobRequestAdapter[]? ReadAdapters() => Strengths.Count == 0 ? null : Strengths.Select(pair => AdapterText.Parse($"{pair.Key}@{pair.Value}")[0]).ToArray();

    private static string? Text(string value) => value.Trim() is { Length: > 0 } text ? text : null;

    private static T? Read<T>(string field, Dictionary<string, string> problems, Func<T?> read)
        where T : class
    {
        try
        {
            return read();
        }
        catch (FormatException failure)
        {
            problems[field] = failure.Message;
            return null;
        }
    }

    private static DateTimeOffset? ReadTime(string field, string value, TimeReference times, Dictionary<string, string> problems) =>
        Text(value) is { } text ? Read(field, problems, () => (object)JobTimes.Parse(text, times)) as DateTimeOffset? : null;

    private static int? ReadWhole(string field, string value, Dictionary<string, string> problems)
    {
        if (Text(value) is not { } text) return null;
        if (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)) return number;
        problems[field] = $"expected a whole number, found '{DisplayFormat.Shorten(text, 40)}'";
        return null;
    }

    private static double? ReadNumber(string field, string value, Dictionary<string, string> problems)
    {
        if (Text(value) is not { } text) return null;
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number)) return number;
        problems[field] = $"expected a number such as 7.5, found '{DisplayFormat.Shorten(text, 40)}'";
        return null;
    }
}
