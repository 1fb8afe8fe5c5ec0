using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using BatchGen.Core.Failures;
using BatchGen.Core.Texts;
using BatchGen.Diffusion.Adapters;
using BatchGen.Diffusion.Families;
using BatchGen.Diffusion.Safetensors;

namespace BatchGen.Diffusion.Models;

/// <summary>A single-file checkpoint while its family finds out where each tensor lies.</summary>
/// <remarks>
/// A metadata entry <c>batchgen.config</c> (JSON, settings by component) overrides the published settings for models of other sizes.
/// </remarks>
internal sealed class CheckpointFile
{
    private readonly SafetensorsFile _file;
    private readonly HashSet<string> _taken = new(StringComparer.Ordinal);
    private readonly JsonObject _overrides;

    private CheckpointFile(SafetensorsFile file)
    {
        _file = file;
        _overrides = ReadOverrides(file);
    }

    /// <summary>The file, for messages.</summary>
    public string Path => _file.Path;

    /// <summary>The file's own metadata.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _file.Metadata;

    /// <summary>Every tensor of the file.</summary>
    public IReadOnlyList<SafetensorsEntry> Entries => _file.Entries;

    /// <summary>Reads the header of a file.</summary>
    /// <exception cref="ModelException">A pickle, an adapter, a network alone, or of an unknown kind.</exception>
    /// <exception cref="SafetensorsException">Not a sound safetensors file.</exception>
    public static ModelSource Open(string path)
    {
        if (System.IO.Path.GetExtension(path).ToLowerInvariant() is ".ckpt" or ".pt" or ".pth" or ".bin")
        {
            throw new ModelException(
                $"'{path}' is a Python pickle, which can run code and is not read. Get the .safetensors form of the model, "
                + "or convert it on a machine that trusts its source.");
        }

        using var file = SafetensorsFile.Open(path);
        var checkpoint = new CheckpointFile(file);
        if (FamilyRenderings.All.Select(family => family.ReasonToRefuse(checkpoint)).OfType<string>().FirstOrDefault() is { } reason)
            throw new ModelException(reason);
        var family = FamilyRenderings.All.FirstOrDefault(family => family.Owns(checkpoint)) ?? throw checkpoint.OfUnknownKind();
        return family.Read(checkpoint);
    }

    /// <summary>True when the file has a tensor of this name.</summary>
    public bool Has(string name) => _file.Find(name) is not null;

    /// <summary>The tensor of this name, or null.</summary>
    public SafetensorsEntry? Find(string name) => _file.Find(name);

    /// <summary>Shape of a tensor.</summary>
    /// <exception cref="ModelException">The file does not have it.</exception>
    public long[] Shape(string name) =>
        _file.Find(name)?.Shape ?? throw new ModelException($"'{_file.Path}' has no tensor '{name}', which a checkpoint of its kind has.");

    /// <summary>How many consecutive numbers from 0 on stand between a prefix and a suffix.</summary>
    public int Count(string prefix, string suffix)
    {
        var count = 0;
        while (Has($"{prefix}{count.ToString(CultureInfo.InvariantCulture)}{suffix}")) count++;
        return count;
    }

    /// <summary>Says where one tensor of a network lies, and counts it as taken.</summary>
    /// <param name="key">Its name in diffusers spelling.</param>
    /// <param name="name">Its name in the file.</param>
    /// <param name="shape">The shape the network wants.</param>
    /// <exception cref="ModelException">The file does not have it.</exception>
    public SourceTensor Take(string key, string name, long[] shape)
    {
        var entry = _file.Find(name)
            ?? throw new ModelException(
                $"'{_file.Path}' has no tensor '{name}', which a model of its kind has. It may be pruned or of another kind.");
        _taken.Add(name);
        return new SourceTensor(key, "", name, entry.Shape.AsSpan().SequenceEqual(shape) ? null : shape);
    }

    /// <summary>Counts every tensor whose name starts like this as taken, although no network reads it.</summary>
    public void Ignore(string prefix) =>
        _taken.UnionWith(_file.Entries.Select(entry => entry.Name).Where(name => name.StartsWith(prefix, StringComparison.Ordinal)));

    /// <summary>Names of tensors that nothing took.</summary>
    public IEnumerable<string> Untaken() => _file.Entries.Select(entry => entry.Name).Where(name => !_taken.Contains(name));

    /// <summary>Settings of a component, those of the file's metadata put over the ones given.</summary>
    public ConfigFile Config(string component, JsonObject settings)
    {
        if (_overrides[component] is JsonObject own)
        {
            foreach (var (key, value) in own) settings[key] = value?.DeepClone();
        }

        return ConfigFile.Parse(settings.ToJsonString(), $"{_file.Path} ({component})");
    }

    /// <summary>Standard deviation of a tensor's numbers; 0 for types that hold no floating-point numbers.</summary>
    public double Deviation(SafetensorsEntry entry)
    {
        var bytes = _file.Bytes(entry);
        double[] values = entry.Type switch
        {
            SafetensorsType.F32 => MemoryMarshal.Cast<byte, float>(bytes).ToArray().Select(value => (double)value).ToArray(),
            SafetensorsType.F16 => MemoryMarshal.Cast<byte, Half>(bytes).ToArray().Select(value => (double)value).ToArray(),
            SafetensorsType.BF16 => MemoryMarshal.Cast<byte, ushort>(bytes).ToArray()
                .Select(code => (double)BitConverter.Int32BitsToSingle(code << 16)).ToArray(),
            _ => [],
        };
        if (values.Length == 0) return 0;
        var mean = values.Average();
        return Math.Sqrt(values.Average(value => (value - mean) * (value - mean)));
    }

    private static JsonObject ReadOverrides(SafetensorsFile file)
    {
        if (!file.Metadata.TryGetValue("batchgen.config", out var text)) return [];
        try
        {
            using var json = ForeignJson.Parse(text);
            return JsonNode.Parse(text) as JsonObject
                ?? throw new ModelException($"'{file.Path}' has metadata batchgen.config that is not a JSON object.");
        }
        catch (JsonException error)
        {
            throw new ModelException($"'{file.Path}' has metadata batchgen.config that is not valid JSON: {error.Message}", error);
        }
    }

    private ModelException OfUnknownKind()
    {
        var first = _file.Entries.Count > 0 ? $" (the first of its {_file.Entries.Count} keys is '{_file.Entries[0].Name}')" : "";
        if (_file.Entries.Any(entry => AdapterKey.Split(entry.Name) is not null))
            return new ModelException($"'{_file.Path}' is an adapter, not a checkpoint{first}. Register it with 'batchgen adapters add'.");
        return new ModelException(
            $"'{_file.Path}' is not a checkpoint of a known family{first}; "
                + $"known are {string.Join(", ", FamilyRenderings.All.Select(family => family.Facts.Title))}. "
            + "A folder of the diffusers layout is registered as a folder.");
    }
}
