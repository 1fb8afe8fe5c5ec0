using System.Text.Json;
using BatchGen.Core.Registry;
using BatchGen.Diffusion.Models;
using static TorchSharp.torch;

namespace BatchGen.ReferenceCheck;

/// <summary>Where the models and adapters of a reference folder lie, and the models read so far.</summary>
/// <param name="folder">The reference folder.</param>
/// <param name="sets">Folders of named model sets; a set not named lies in the folder itself.</param>
internal sealed class ReferenceSets(string folder, IReadOnlyDictionary<string, string> sets) : IDisposable
{
    private readonly Dictionary<string, DiffusionModel> _models = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Dictionary<string, string>> _adapters = new(StringComparer.Ordinal);

    public string Folder => folder;

    public IReadOnlyDictionary<string, string> Sets => sets;

    /// <summary>The index of a part, or null when the folder does not have it.</summary>
    public JsonDocument? Index(params string[] path)
    {
        var file = Path.Combine([folder, .. path]);
        return File.Exists(file) ? JsonDocument.Parse(File.ReadAllText(file)) : null;
    }

    /// <summary>Folder of the set that a case names.</summary>
    public string SetFolder(JsonElement item, string key = "model_set") =>
        item.TryGetProperty(key, out var set) && set.GetString() is { } name && sets.TryGetValue(name, out var elsewhere) ? elsewhere
            : folder;

    /// <summary>The model of a case, in float32 on the CPU.</summary>
    public DiffusionModel Model(JsonElement item) => Model(Path.Combine(SetFolder(item), "models", item.GetProperty("model").GetString()!));

    /// <summary>The model in a folder, in float32 on the CPU.</summary>
    public DiffusionModel Model(string path)
    {
        if (_models.TryGetValue(path, out var model)) return model;
        // One model at a time is enough: cases come in the order of their models.
        Dispose();
        var record = new ModelRecord(Path.GetFileName(path), path, "", "", []);
        return _models[path] = DiffusionModel.Load(record, ScalarType.Float32, CPU, CancellationToken.None, VocabularyFolder(path));
    }

    /// <summary>File of an adapter by its id in a set's <c>lora/index.json</c>.</summary>
    public string Adapter(JsonElement use)
    {
        var set = SetFolder(use, "adapter_set");
        if (!_adapters.TryGetValue(set, out var files))
        {
            using var index = JsonDocument.Parse(File.ReadAllText(Path.Combine(set, "lora", "index.json")));
            _adapters[set] = files = index.RootElement.GetProperty("adapters").EnumerateArray()
                .ToDictionary(item => item.GetProperty("id").GetString()!, item => Path.Combine(set, item.GetProperty("file").GetString()!),
                    StringComparer.Ordinal);
        }

        return files[use.GetProperty("adapter").GetString()!];
    }

    /// <summary>The folder with vocab.json and merges.txt that a reference folder keeps once for all its models.</summary>
    public string? VocabularyFolder(string? modelPath = null) =>
        new[] { modelPath is null ? null : Path.GetDirectoryName(Path.GetDirectoryName(modelPath)), folder }.Concat(sets.Values)
            .OfType<string>().Select(root => Path.Combine(root, "tokenizer"))
            .FirstOrDefault(path => File.Exists(Path.Combine(path, "vocab.json")));

    public void Dispose()
    {
        foreach (var model in _models.Values) model.Dispose();
        _models.Clear();
    }
}
