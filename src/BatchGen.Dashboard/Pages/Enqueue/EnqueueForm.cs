using System.Globalization;
using BatchGen.Core.Jobs;
using BatchGen.Core.Submitting;
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

    public string Seeds { get; init; } = "";

    public string Count { get; init; } = "";

    public string Format { get; init; } = "";

    public string Priority { get; init; } = "";

    public string RunAt { get; init; } = "";

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
        Seeds = form["seeds"].ToString(),
        Count = form["count"].ToString(),
        Format = form["format"].ToString(),
        Priority = form["priority"].ToString(),
        RunAt = form["run_at"].ToString(),
        Campaign = form["campaign"].ToString(),
        Tags = form["tags"].ToString(),
    };

    /// <summary>Fills the form from a job.</summary>
    /// <param name="job">The job.</param>
    /// <param name="tags">Its tags.</param>
    /// <param name="vary">Leaves the seed open, for four other pictures of the same recipe.</param>
    public static EnqueueForm Of(JobDetails job, IReadOnlyList<string>? tags, bool vary) => new()
    {
        Model = job.Recipe.Signature.Model,
        Prompts = Escape(job.Recipe.Prompt),
        Negative = job.Recipe.NegativePrompt ?? "",
        Strengths = job.Recipe.Signature.Adapters.ToDictionary(
            use => use.Name,
            use => use.Strength.ToString(CultureInfo.InvariantCulture) + (use.TextEncoderStrength is { } text ? ":" + text.ToString(CultureInfo.InvariantCulture) : ""), StringComparer.OrdinalIgnoreCase),
        Width = job.Recipe.WidthPixels.ToString(CultureInfo.InvariantCulture),
        Height = job.Recipe.HeightPixels.ToString(CultureInfo.InvariantCulture),
        Steps = job.Recipe.Steps.ToString(CultureInfo.InvariantCulture),
        Sampler = job.Recipe.Sampler,
        Guidance = job.Recipe.GuidanceScale.ToString(CultureInfo.InvariantCulture),
        Seeds = vary ? "" : job.Recipe.Seed.ToString(CultureInfo.InvariantCulture),
        Count = vary ? "4" : "",
        Format = job.Recipe.Format.ToCode(),
        Priority = job.Priority == 0 ? "" : job.Priority.ToString(CultureInfo.InvariantCulture),
        Campaign = job.Campaign ?? "",
        Tags = string.Join(", ", tags ?? []),
    };

    /// <summary>The jobs.</summary>
    /// <param name="clock">Gives the time and zone that short forms of times refer to.</param>
    /// <param name="problems">Gets a message for each field that cannot be read.</param>
    public IReadOnlyList<JobRequest> ToJobs(TimeProvider clock, Dictionary<string, string> problems)
    {
        var prompts = Read("prompts", problems, ReadPrompts) ?? [];
        var seeds = Read("seeds", problems, () => SeedList.Parse(Seeds, MaxJobs)) ?? [];
        var count = ReadWhole("count", Count, problems) ?? 1;
        if (count is < 1 or > MaxJobs) problems["count"] = $"expected 1 to {MaxJobs}";
        if (seeds.Count > 1 && count > 1) problems["count"] = "leave the count empty when several seeds are given";
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
            Format = Text(Format),
            Priority = ReadWhole("priority", Priority, problems),
            RunAt = Text(RunAt) is { } time ? Read("run_at", problems, () => (object)JobTimes.Parse(time, clock)) as DateTimeOffset? : null,
            Campaign = Text(Campaign),
            Tags = Text(Tags)?.Split([',', ';'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries),
        };
        if (problems.Count > 0) return [];
        if ((long)prompts.Count * Math.Max(1, seeds.Count) * count > MaxJobs)
        {
            problems["prompts"] = $"the form stands for more than {MaxJobs} jobs; use a file with 'batchgen submit' or the API for more";
            return [];
        }

        return prompts.SelectMany(prompt => seeds.Count > 1
            ? seeds.Select(seed => job with { Prompt = prompt, Seed = seed })
            : JobRepeat.Expand(job with { Prompt = prompt, Seed = seeds.Count == 1 ? seeds[0] : null }, count)).ToArray();
    }

    // One prompt a line; an empty box is one empty prompt, which is legal.
    private List<string> ReadPrompts()
    {
        var lines = Prompts.ReplaceLineEndings("\n").Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0).ToArray();
        var prompts = new List<string>();
        foreach (var line in lines.DefaultIfEmpty("")) prompts.AddRange(PromptTemplate.Expand(line, MaxJobs - prompts.Count));
        return prompts;
    }

    private JobRequestAdapter[]? ReadAdapters() => Strengths.Count == 0 ? null : Strengths.Select(pair => AdapterText.Parse($"{pair.Key}@{pair.Value}")[0]).ToArray();

    private static string Escape(string prompt) => prompt.Replace("\\", "\\\\").Replace("{", "\\{").Replace("}", "\\}").ReplaceLineEndings(" ");

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

    private static int? ReadWhole(string field, string value, Dictionary<string, string> problems)
    {
        if (Text(value) is not { } text) return null;
        if (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)) return number;
        problems[field] = $"expected a whole number, found '{Show.Short(text, 40)}'";
        return null;
    }

    private static double? ReadNumber(string field, string value, Dictionary<string, string> problems)
    {
        if (Text(value) is not { } text) return null;
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number)) return number;
        problems[field] = $"expected a number such as 7.5, found '{Show.Short(text, 40)}'";
        return null;
    }
}
