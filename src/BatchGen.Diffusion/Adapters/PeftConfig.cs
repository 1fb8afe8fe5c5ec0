using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using BatchGen.Core.Failures;
using BatchGen.Core.Registry;
using BatchGen.Core.Texts;

namespace BatchGen.Diffusion.Adapters;

/// <summary>The settings that PEFT keeps beside the tensors: alphas, and the rule that turns them into a scale.</summary>
/// <remarks>
/// From a folder's <c>adapter_config.json</c>, or from the <c>lora_adapter_metadata</c> entry of newer diffusers files, where every key
/// carries its component in front. huggingface/peft src/peft/tuners/lora: scale = alpha / r, or alpha / sqrt(r) when rank-stabilised.
/// </remarks>
internal sealed class PeftConfig
{
    private static readonly TimeSpan PatternTimeLimit = TimeSpan.FromMilliseconds(200);
    private readonly List<(string Component, JsonElement Values)> _parts = [];

    private PeftConfig()
    {
    }

    /// <summary>Reads the bytes of a folder's config file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="registered">The registry's entry of the adapter, or null.</param>
    /// <exception cref="AdapterException">The file cannot be read; it names what this machine lacks when the adapter is
    /// registered.</exception>
    public static byte[] Read(string path, AdapterRecord? registered)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new AdapterException($"'{path}' could not be read: {error.Message}", error) { Lack = AdapterFile.LackOf(registered) };
        }
    }

    /// <summary>Makes a config of the bytes of such a file.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <param name="path">The file, for messages.</param>
    /// <exception cref="AdapterException">Not JSON, or of a method this program does not know.</exception>
    public static PeftConfig Parse(byte[] bytes, string path)
    {
        try
        {
            using var json = ForeignJson.Parse(bytes);
            var root = json.RootElement.Clone();
            if (root.ValueKind != JsonValueKind.Object) throw new AdapterException($"'{path}' does not hold a JSON object.");
            var type =
                root.TryGetProperty("peft_type", out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : "LORA";
            if (type != "LORA")
                throw new AdapterException($"'{path}' says peft_type '{type}'; only LORA folders are read. Export the adapter as LoRA.");
            return Checked(new PeftConfig { _parts = { ("", root) } }, path);
        }
        catch (JsonException error)
        {
            throw new AdapterException($"'{path}' could not be read as JSON: {error.Message}", error);
        }
    }

    /// <summary>Reads the metadata entry of a diffusers file.</summary>
    /// <exception cref="AdapterException">Not JSON, or of the wrong shape.</exception>
    public static PeftConfig FromMetadata(string text, string path)
    {
        try
        {
            using var json = ForeignJson.Parse(text);
            if (json.RootElement.ValueKind != JsonValueKind.Object)
                throw new AdapterException($"'{path}': its metadata entry lora_adapter_metadata is not a JSON object.");
            var byComponent = new Dictionary<string, Dictionary<string, JsonElement>>(StringComparer.Ordinal);
            foreach (var property in json.RootElement.EnumerateObject())
            {
                var dot = property.Name.IndexOf('.', StringComparison.Ordinal);
                var (component, key) = dot < 0 ? ("", property.Name) : (property.Name[..dot], property.Name[(dot + 1)..]);
                if (!byComponent.TryGetValue(component, out var values)) byComponent[component] = values = new(StringComparer.Ordinal);
                values[key] = property.Value.Clone();
            }

            var config = new PeftConfig();
            foreach (var (component, values) in byComponent) config._parts.Add((component, JsonSerializer.SerializeToElement(values)));
            return Checked(config, path);
        }
        catch (JsonException error)
        {
            throw new AdapterException($"'{path}': its metadata entry lora_adapter_metadata is not valid JSON.", error);
        }
    }

    /// <summary>The scale of one module, or null when the config says nothing about its component.</summary>
    public double? Scale(string component, string module, int rank)
    {
        foreach (var (part, values) in _parts)
        {
            if (part.Length > 0 && part != component) continue;
            var alpha = Pattern(values, "alpha_pattern", module) ?? Number(values, "lora_alpha");
            if (alpha is null) continue;
            var stabilised = values.TryGetProperty("use_rslora", out var flag) && flag.ValueKind == JsonValueKind.True;
            return alpha / (stabilised ? Math.Sqrt(rank) : rank);
        }

        return null;
    }

    private static PeftConfig Checked(PeftConfig config, string path)
    {
        foreach (var (_, values) in config._parts)
        {
            if (values.TryGetProperty("fan_in_fan_out", out var swapped) && swapped.ValueKind == JsonValueKind.True)
                throw new AdapterException(
                    $"'{path}' says fan_in_fan_out, which no Stable Diffusion layer has. The adapter is for another kind of model.");
            if (values.TryGetProperty("alpha_pattern", out var pattern)
                && pattern.ValueKind is not (JsonValueKind.Object or JsonValueKind.Null))
                throw new AdapterException($"'{path}': alpha_pattern is not a JSON object.");
        }

        return config;
    }

    // PEFT takes the first pattern that is the whole name or its end after a dot; patterns are regular expressions.
    private static double? Pattern(JsonElement values, string name, string module)
    {
        if (!values.TryGetProperty(name, out var patterns) || patterns.ValueKind != JsonValueKind.Object) return null;
        foreach (var pattern in patterns.EnumerateObject())
        {
            if (!Matches(pattern.Name, module)) continue;
            if (pattern.Value.ValueKind == JsonValueKind.Number) return pattern.Value.GetDouble();
        }

        return null;
    }

    private static bool Matches(string pattern, string module)
    {
        if (module == pattern || module.EndsWith("." + pattern, StringComparison.Ordinal)) return true;
        try
        {
            return Regex.IsMatch(module, $@"^(?:.*\.)?(?:{pattern})$", RegexOptions.CultureInvariant, PatternTimeLimit);
        }
        catch (Exception error) when (error is RegexParseException or RegexMatchTimeoutException)
        {
            throw new AdapterException(
                $"The adapter's config has the pattern '{pattern}', which is not a usable regular expression.", error);
        }
    }

    private static double? Number(JsonElement values, string name) =>
        !values.TryGetProperty(name, out var value) ? null
        : value.ValueKind == JsonValueKind.Number ? value.GetDouble()
        : value.ValueKind == JsonValueKind.String
            && double.TryParse(value.GetString(), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number
        : null;
}
