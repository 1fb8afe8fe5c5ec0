using System.Text.Json;
using System.Text.Json.Nodes;
using BatchGen.Core.Failures;
using BatchGen.Core.Texts;

namespace BatchGen.Diffusion.Models;

/// <summary>
/// A config.json of the diffusers layout, read with one clear error for every value that is missing or of the wrong form.
/// </summary>
internal sealed class ConfigFile
{
    private readonly JsonElement _root;

    private ConfigFile(string path, JsonElement root)
    {
        Path = path;
        _root = root;
    }

    /// <summary>The file, for messages.</summary>
    public string Path { get; }

    /// <summary>Reads a file.</summary>
    /// <exception cref="ModelException">Missing, or not a JSON object.</exception>
    public static ConfigFile Read(string path)
    {
        try
        {
            return Parse(File.ReadAllText(path), path);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new ModelException(
                $"'{path}' does not exist. A model folder of the diffusers layout has it; download the model again.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ModelException($"'{path}' could not be read: {error.Message}", error);
        }
    }

    /// <summary>Reads a JSON text.</summary>
    /// <param name="json">The text.</param>
    /// <param name="path">Its name in messages.</param>
    /// <exception cref="ModelException">Not a JSON object.</exception>
    public static ConfigFile Parse(string json, string path)
    {
        try
        {
            using var document = ForeignJson.Parse(json, byPeople: true);
            if (document.RootElement.ValueKind != JsonValueKind.Object) throw new ModelException($"'{path}' does not hold a JSON object.");
            return new ConfigFile(path, document.RootElement.Clone());
        }
        catch (JsonException error)
        {
            throw new ModelException($"'{path}' is not valid JSON: {error.Message}", error);
        }
    }

    /// <summary>A JSON list, for settings that are made here.</summary>
    public static JsonArray List<T>(IEnumerable<T> items) => new(items.Select(item => (JsonNode?)JsonValue.Create(item)).ToArray());

    /// <summary>The same settings with others put over them.</summary>
    /// <param name="overrides">A JSON object; its keys win.</param>
    public ConfigFile With(string overrides)
    {
        using var document = JsonDocument.Parse(overrides);
        var merged = _root.EnumerateObject().ToDictionary(item => item.Name, item => item.Value, StringComparer.Ordinal);
        foreach (var item in document.RootElement.EnumerateObject()) merged[item.Name] = item.Value;
        return new ConfigFile(Path, JsonSerializer.SerializeToElement(merged));
    }

    /// <summary>True when the key is there with a value other than null.</summary>
    public bool Has(string key) => Find(key) is not null;

    /// <summary>Reads a whole number.</summary>
    public long Integer(string key, long? fallback = null)
    {
        if (Find(key) is not { } value) return fallback ?? throw Missing(key);
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) ? number
            : throw Wrong(key, value, "a whole number");
    }

    /// <summary>Reads a number.</summary>
    public double Number(string key, double? fallback = null)
    {
        if (Find(key) is not { } value) return fallback ?? throw Missing(key);
        return value.ValueKind == JsonValueKind.Number ? value.GetDouble() : throw Wrong(key, value, "a number");
    }

    /// <summary>Reads true or false.</summary>
    public bool Flag(string key, bool fallback)
    {
        if (Find(key) is not { } value) return fallback;
        return value.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => throw Wrong(key, value, "true or false"),
        };
    }

    /// <summary>Reads a text setting.</summary>
    public string Text(string key, string? fallback = null)
    {
        if (Find(key) is not { } value) return fallback ?? throw Missing(key);
        return value.ValueKind == JsonValueKind.String ? value.GetString()! : throw Wrong(key, value, "a text");
    }

    /// <summary>Reads a list of whole numbers.</summary>
    public long[] Integers(string key)
    {
        var value = Find(key) ?? throw Missing(key);
        if (value.ValueKind != JsonValueKind.Array) throw Wrong(key, value, "a list of whole numbers");
        return value.EnumerateArray().Select(item => item.ValueKind == JsonValueKind.Number && item.TryGetInt64(out var number) ? number
            : throw Wrong(key, value, "a list of whole numbers")).ToArray();
    }

    /// <summary>Reads a list of whole numbers, or one number that holds for every place.</summary>
    public long[] IntegerPerBlock(string key, int blocks, long? fallback = null)
    {
        if (Find(key) is not { ValueKind: JsonValueKind.Array }) return Enumerable.Repeat(Integer(key, fallback), blocks).ToArray();
        var list = Integers(key);
        return list.Length == blocks ? list
            : throw new ModelException($"'{Path}' has {list.Length} numbers in '{key}', but {blocks} blocks.");
    }

    /// <summary>Reads a list of texts.</summary>
    public string[] Texts(string key)
    {
        var value = Find(key) ?? throw Missing(key);
        if (value.ValueKind != JsonValueKind.Array) throw Wrong(key, value, "a list of texts");
        return value.EnumerateArray().Select(
            item => item.ValueKind == JsonValueKind.String ? item.GetString()! : throw Wrong(key, value, "a list of texts")).ToArray();
    }

    /// <summary>Reads a list of numbers, or null when the key is absent or null.</summary>
    public double[]? NumbersOrNull(string key)
    {
        if (Find(key) is not { } value) return null;
        if (value.ValueKind != JsonValueKind.Array) throw Wrong(key, value, "a list of numbers");
        return value.EnumerateArray().Select(
            item => item.ValueKind == JsonValueKind.Number ? item.GetDouble() : throw Wrong(key, value, "a list of numbers")).ToArray();
    }

    /// <summary>Refuses a setting that would change the arithmetic in a way this program does not have.</summary>
    /// <exception cref="ModelException">The key has a value other than those named.</exception>
    public void Require(string key, string fallback, params ReadOnlySpan<string> allowed)
    {
        var actual =
            Find(key) is { } value ? (value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText()) : fallback;
        if (!allowed.Contains(actual))
            throw new ModelException(
                $"'{Path}' has \"{key}\": {actual}, which is not supported; supported: {string.Join(", ", allowed.ToArray())}.");
    }

    /// <summary>The pair of library and class that model_index.json has for a component, or null where there is none.</summary>
    public (string Library, string Class)? Component(string key)
    {
        if (Find(key) is not { } value) return null;
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() != 2) throw Wrong(key, value, "a pair of library and class");
        return value[0].ValueKind == JsonValueKind.String && value[1].ValueKind == JsonValueKind.String
            ? (value[0].GetString()!, value[1].GetString()!)
            : null;
    }

    private JsonElement? Find(string key) =>
        _root.TryGetProperty(key, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private ModelException Missing(string key) => new($"'{Path}' lacks \"{key}\".");

    private ModelException Wrong(string key, JsonElement value, string expected)
    {
        var text = value.GetRawText();
        return new ModelException($"'{Path}' has \"{key}\": {(text.Length > 60 ? text[..60] + "…" : text)}; expected {expected}.");
    }
}
