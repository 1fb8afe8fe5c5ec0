using System.Globalization;
using System.Text.Json;
using BatchGen.Core.Jobs;
using BatchGen.Core.Texts;

namespace BatchGen.Core.Submitting;

/// <summary>The value of a job field as it was given: the text of a CSV cell, a flag or a form, or a JSON value.</summary>
/// <remarks>
/// Only the type of a value is checked here. The rules (ranges, known names) are checked by the database alone, for all producers: see
/// <c>db/functions/submit/check_job.sql</c>.
/// </remarks>
public sealed class FieldValue
{
    private static readonly string[] AdapterFields = ["name", "strength", "text_encoder_strength", "block_strengths"];

    private readonly string? _text;
    private readonly JsonElement _json;
    private readonly TimeReference _times;

    private FieldValue(string? text, JsonElement json, TimeReference times) => (_text, _json, _times) = (text, json, times);

    /// <summary>Makes a value of text that a person typed.</summary>
    public static FieldValue Of(string text, TimeReference times) => new(text, default, times);

    /// <summary>Makes a value of a JSON value other than null.</summary>
    public static FieldValue Of(JsonElement json, TimeReference times) => new(null, json, times);

    /// <summary>The name of a JSON property; as it is written there when it escapes what is no character.</summary>
    internal static string NameOf(JsonProperty property)
    {
        try
        {
            return property.Name;
        }
        catch (InvalidOperationException)
        {
            return Shorten(property.ToString());
        }
    }

    /// <summary>The value in the type that a <see cref="JobRequest"/> holds for the field.</summary>
    /// <exception cref="FormatException">
    /// The value is not of the field's type; the message says what was expected and what was found.
    /// </exception>
    public object Read(JobField field)
    {
        ArgumentNullException.ThrowIfNull(field);
        return field.Type switch
        {
            JobFieldType.Text or JobFieldType.Image => Text(),
            JobFieldType.Choice => Text().Trim(),
            JobFieldType.Whole => Whole(),
            JobFieldType.Seed => Long(),
            JobFieldType.Number => Number(),
            JobFieldType.Instant => Time(),
            JobFieldType.Words => Words(),
            JobFieldType.Adapters => Adapters(),
            JobFieldType.Seeds => Seeds(),
            _ => throw new ArgumentOutOfRangeException(nameof(field), field.Type, "unknown type of a job field"),
        };
    }

    internal string Text() => _text ?? (_json.ValueKind == JsonValueKind.String ? Content(_json) : throw Expected("text"));

    // JSON can escape half of a surrogate pair, which is no character.
    private static string Content(JsonElement json)
    {
        try
        {
            return json.GetString()!;
        }
        catch (InvalidOperationException failure)
        {
            throw new FormatException(
                $"expected text, found half of a surrogate pair (an escape from \\ud800 to \\udfff) in {Shown(json)}", failure);
        }
    }

    private int Whole() => Long() is var number and >= int.MinValue and <= int.MaxValue
        ? (int)number
        : throw Expected("a whole number of at most 32 bits");

    private long Long()
    {
        if (_text is not null)
        {
            return long.TryParse(_text.Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var parsed)
                ? parsed
                : throw Expected("a whole number");
        }

        return _json.ValueKind == JsonValueKind.Number && _json.TryGetInt64(out var number) ? number : throw Expected("a whole number");
    }

    private string Seeds()
    {
        if (_text is not null) return _text;
        return _json.ValueKind switch
        {
            JsonValueKind.String => Content(_json),
            JsonValueKind.Array or JsonValueKind.Number => _json.GetRawText().Trim('[', ']'),
            _ => throw Expected("seeds such as \"1-10,20\" or [1, 5, 9]"),
        };
    }

    private double Number()
    {
        if (_text is not null)
        {
            return double.TryParse(_text.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out var parsed)
                && double.IsFinite(parsed)
                ? parsed
                : throw Expected("a number such as 7.5");
        }

        return _json.ValueKind == JsonValueKind.Number ? _json.GetDouble() : throw Expected("a number such as 7.5");
    }

    private DateTimeOffset Time()
    {
        if (_text is not null) return JobTimes.Parse(_text, _times);
        return _json.ValueKind == JsonValueKind.String ? JobTimes.Parse(Content(_json), _times) : throw Expected("a time as text");
    }

    private string[] Words()
    {
        if (_text is not null) return _text.Split([',', ';', ' '], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (_json.ValueKind != JsonValueKind.Array) throw Expected("a list of words");
        return _json.EnumerateArray()
            .Select(item => item.ValueKind == JsonValueKind.String ? Content(item) : throw Expected("a list of words"))
            .ToArray();
    }

    private IReadOnlyList<JobRequestAdapter> Adapters()
    {
        if (_text is not null) return AdapterText.Parse(_text);
        return _json.ValueKind switch
        {
            JsonValueKind.String => AdapterText.Parse(Content(_json)),
            JsonValueKind.Array => _json.EnumerateArray().SelectMany(Adapter).ToArray(),
            _ => throw Expected("a list such as [{\"name\":\"style\",\"strength\":0.8}] or [\"style@0.8\"]"),
        };
    }

    private static IEnumerable<JobRequestAdapter> Adapter(JsonElement json)
    {
        if (json.ValueKind == JsonValueKind.String) return AdapterText.Parse(Content(json));
        if (json.ValueKind != JsonValueKind.Object)
            throw new FormatException($"expected an adapter such as {{\"name\":\"style\",\"strength\":0.8}}, found {Shown(json)}");
        var adapter = new JobRequestAdapter("");
        foreach (var property in json.EnumerateObject())
        {
            var name = NameOf(property);
            adapter = name switch
            {
                "name" when property.Value.ValueKind == JsonValueKind.String => adapter with { Name = Content(property.Value) },
                "strength" => adapter with { Strength = Strength(property.Value) },
                "text_encoder_strength" => adapter with { TextEncoderStrength = Strength(property.Value) },
                "block_strengths" when property.Value.ValueKind == JsonValueKind.Array =>
                    adapter with { BlockStrengths = property.Value.EnumerateArray().Select(item => Strength(item) ?? 1m).ToArray() },
                "block_strengths" when property.Value.ValueKind == JsonValueKind.Null => adapter,
                "name" or "block_strengths" =>
                    throw new FormatException($"the adapter's {name} cannot be {Shown(property.Value)}"),
                _ => throw new FormatException(
                    $"an adapter has no field '{ShortText.Of(name)}'. {NearestName.Hint(name, AdapterFields)}"),
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

    private FormatException Expected(string what) =>
        new($"expected {what}, found {(_text is null ? Shown(_json) : $"'{Shorten(_text)}'")}");
}
