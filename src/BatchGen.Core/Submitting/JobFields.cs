using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using BatchGen.Core.Jobs;

namespace BatchGen.Core.Submitting;

/// <summary>The fields a job may have in JSON, CSV and forms: their names, how each is read, and where it goes.</summary>
/// <remarks>Only the form of values is checked here; the rules (ranges, known names) are the database's, one place for all producers.</remarks>
internal static class JobFields
{
    private static readonly Dictionary<string, Func<JobRequest, FieldValue, JobRequest>> Setters = new(StringComparer.OrdinalIgnoreCase)
    {
        ["prompt"] = (job, value) => job with { Prompt = value.Text() },
        ["negative_prompt"] = (job, value) => job with { NegativePrompt = value.Text() },
        ["model"] = (job, value) => job with { Model = value.Text() },
        ["adapters"] = (job, value) => job with { Adapters = value.Adapters() },
        ["width"] = (job, value) => job with { Width = value.Whole() },
        ["height"] = (job, value) => job with { Height = value.Whole() },
        ["steps"] = (job, value) => job with { Steps = value.Whole() },
        ["sampler"] = (job, value) => job with { Sampler = value.Text() },
        ["guidance_scale"] = (job, value) => job with { GuidanceScale = value.Number() },
        ["guidance_rescale"] = (job, value) => job with { GuidanceRescale = value.Number() },
        ["start_image"] = (job, value) => job with { StartImage = value.Text() },
        ["strength"] = (job, value) => job with { Strength = value.Number() },
        ["seed"] = (job, value) => job with { Seed = value.Long() },
        ["format"] = (job, value) => job with { Format = value.Text() },
        ["clip_skip"] = (job, value) => job with { ClipSkip = value.Whole() },
        ["priority"] = (job, value) => job with { Priority = value.Whole() },
        ["run_at"] = (job, value) => job with { RunAt = value.Time() },
        ["deadline"] = (job, value) => job with { Deadline = value.Time() },
        ["campaign"] = (job, value) => job with { Campaign = value.Text() },
        ["max_attempts"] = (job, value) => job with { MaxAttempts = value.Whole() },
        ["tags"] = (job, value) => job with { Tags = value.Words() },
        ["idempotency_key"] = (job, value) => job with { IdempotencyKey = value.Text() },
    };

    // Fields of a row that stands for several jobs; no job has them.
    private static readonly Dictionary<string, Func<JobTemplate, FieldValue, JobTemplate>> TemplateSetters = new(StringComparer.OrdinalIgnoreCase)
    {
        ["seeds"] = (row, value) => row with { Seeds = value.Seeds() },
        ["count"] = (row, value) => row with { Count = value.Whole() },
    };

    // The short words of the command line's flags.
    private static readonly Dictionary<string, string> Aliases = new(StringComparer.OrdinalIgnoreCase)
    {
        ["negative"] = "negative_prompt",
        ["guidance"] = "guidance_scale",
        ["adapter"] = "adapters",
        ["tag"] = "tags",
    };

    private static readonly ImmutableDictionary<string, string> NoWords = ImmutableDictionary.Create<string, string>(StringComparer.OrdinalIgnoreCase);

    /// <summary>Every name, for messages.</summary>
    public static IReadOnlyCollection<string> Names { get; } = [.. Setters.Keys, .. TemplateSetters.Keys];

    /// <summary>The field a name stands for (any case, blanks and '-' for '_'), <c>{name}</c> for a word of prompts, or null.</summary>
    public static string? Resolve(string name)
    {
        if (WordOf(name.Trim()) is { } word) return $"{{{word.ToLowerInvariant()}}}";
        var plain = name.Trim().Replace(' ', '_').Replace('-', '_');
        if (Aliases.TryGetValue(plain, out var full)) return full;
        return Names.FirstOrDefault(key => key.Equals(plain, StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>Whether a field may be given as an empty text: a word of prompts may be empty.</summary>
    public static bool MayBeEmpty(string field) => WordOf(field) is not null;

    /// <summary>Sets a field.</summary>
    /// <exception cref="FormatException">The value has not the field's form.</exception>
    public static JobTemplate Set(JobTemplate row, string field, FieldValue value) =>
        WordOf(field) is { } word ? row with { Words = (row.Words ?? NoWords).SetItem(word, value.Text()) }
        : TemplateSetters.TryGetValue(field, out var set) ? set(row, value)
        : row with { Job = Setters[field](row.Job, value) };

    // The name between the braces of a column such as {colour}.
    private static string? WordOf(string name) =>
        name is ['{', .. var word, '}'] && word.Trim() is { Length: > 0 } plain && plain.AsSpan().IndexOfAny("{}|\\") < 0 ? plain : null;
}

/// <summary>A value as it was found: text of a CSV cell or form, or a JSON value.</summary>
internal sealed class FieldValue
{
    private readonly string? _text;
    private readonly JsonElement _json;
    private readonly TimeReference _times;

    private FieldValue(string? text, JsonElement json, TimeReference times) => (_text, _json, _times) = (text, json, times);

    public static FieldValue Of(string text, TimeReference times) => new(text, default, times);

    public static FieldValue Of(JsonElement json, TimeReference times) => new(null, json, times);

    public string Text() => _text ?? (_json.ValueKind == JsonValueKind.String ? _json.GetString()! : throw Expected("text"));

    public int Whole() => Long() is var number and >= int.MinValue and <= int.MaxValue ? (int)number : throw Expected("a whole number of at most 32 bits");

    public long Long()
    {
        if (_text is not null)
            return long.TryParse(_text.Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var parsed) ? parsed : throw Expected("a whole number");
        return _json.ValueKind == JsonValueKind.Number && _json.TryGetInt64(out var number) ? number : throw Expected("a whole number");
    }

    public string Seeds()
    {
        if (_text is not null) return _text;
        return _json.ValueKind switch
        {
            JsonValueKind.String => _json.GetString()!,
            JsonValueKind.Array or JsonValueKind.Number => _json.GetRawText().Trim('[', ']'),
            _ => throw Expected("seeds such as \"1-10,20\" or [1, 5, 9]"),
        };
    }

    public double Number()
    {
        if (_text is not null)
        {
            return double.TryParse(_text.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out var parsed) && double.IsFinite(parsed)
                ? parsed
                : throw Expected("a number such as 7.5");
        }

        return _json.ValueKind == JsonValueKind.Number ? _json.GetDouble() : throw Expected("a number such as 7.5");
    }

    public DateTimeOffset Time() => JobTimes.Parse(_text ?? (_json.ValueKind == JsonValueKind.String ? _json.GetString()! : throw Expected("a time as text")), _times);

    public IReadOnlyList<string> Words()
    {
        if (_text is not null) return _text.Split([',', ';', ' '], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (_json.ValueKind != JsonValueKind.Array) throw Expected("a list of words");
        return _json.EnumerateArray().Select(item => item.ValueKind == JsonValueKind.String ? item.GetString()! : throw Expected("a list of words")).ToArray();
    }

    public IReadOnlyList<JobRequestAdapter> Adapters()
    {
        if (_text is not null) return AdapterText.Parse(_text);
        return _json.ValueKind switch
        {
            JsonValueKind.String => AdapterText.Parse(_json.GetString()!),
            JsonValueKind.Array => _json.EnumerateArray().SelectMany(Adapter).ToArray(),
            _ => throw Expected("a list such as [{\"name\":\"style\",\"strength\":0.8}] or [\"style@0.8\"]"),
        };
    }

    private static IEnumerable<JobRequestAdapter> Adapter(JsonElement json)
    {
        if (json.ValueKind == JsonValueKind.String) return AdapterText.Parse(json.GetString()!);
        if (json.ValueKind != JsonValueKind.Object) throw new FormatException($"expected an adapter such as {{\"name\":\"style\",\"strength\":0.8}}, found {Shown(json)}");
        var adapter = new JobRequestAdapter("");
        foreach (var property in json.EnumerateObject())
        {
            adapter = property.Name switch
            {
                "name" when property.Value.ValueKind == JsonValueKind.String => adapter with { Name = property.Value.GetString()! },
                "strength" => adapter with { Strength = Strength(property.Value) },
                "text_encoder_strength" => adapter with { TextEncoderStrength = Strength(property.Value) },
                "block_strengths" when property.Value.ValueKind == JsonValueKind.Array =>
                    adapter with { BlockStrengths = property.Value.EnumerateArray().Select(item => Strength(item) ?? 1m).ToArray() },
                "block_strengths" when property.Value.ValueKind == JsonValueKind.Null => adapter,
                "name" or "block_strengths" => throw new FormatException($"the adapter's {property.Name} cannot be {Shown(property.Value)}"),
                _ => throw new FormatException(
                    $"an adapter has no field '{property.Name}'. {NearestName.Hint(property.Name, ["name", "strength", "text_encoder_strength", "block_strengths"])}"),
            };
        }

        return adapter.Name.Length > 0 ? [adapter] : throw new FormatException("an adapter has no name");
    }

    private static decimal? Strength(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Null => null,
        JsonValueKind.Number when json.TryGetDecimal(out var number) => number,
        _ => throw new FormatException($"expected a strength such as 0.8, found {Shown(json)}"),
    };

    private static string Shown(JsonElement json) => Shorten(json.GetRawText());

    private static string Shorten(string text) => text.Length <= 60 ? text : text[..57] + "...";

    private FormatException Expected(string what) => new($"expected {what}, found {(_text is null ? Shown(_json) : $"'{Shorten(_text)}'")}");
}
