using System.Security.Cryptography;
using BatchGen.Core.Failures;
using BatchGen.Core.Registry;
using BatchGen.Diffusion.Models;
using BatchGen.Diffusion.Safetensors;

namespace BatchGen.Diffusion.Adapters;

/// <summary>An adapter file (or PEFT folder) in memory: its tensors grouped by module. Needs no native torch.</summary>
internal sealed class AdapterFile : IDisposable
{
    private const string ConfigName = "adapter_config.json";

    private AdapterFile(string path, SafetensorsFile tensors, string sha256, PeftConfig? config, bool isFolder)
    {
        Path = path;
        Tensors = tensors;
        Sha256 = sha256;
        Config = config;
        IsFolder = isFolder;
        (Modules, Embeddings, UnknownKeys) = Group(tensors);
    }

    /// <summary>The file or folder as named by the caller.</summary>
    public string Path { get; }

    public SafetensorsFile Tensors { get; }

    /// <summary>
    /// Lower-case hex SHA-256 of the weights file; of weights and config together where a PEFT folder has both, since both decide what is
    /// added.
    /// </summary>
    public string Sha256 { get; }

    public PeftConfig? Config { get; }

    public bool IsFolder { get; }

    /// <summary>The modules, in order of first appearance in the file.</summary>
    public IReadOnlyList<AdapterModule> Modules { get; }

    /// <summary>Learned words, bundled or the file's only content.</summary>
    public IReadOnlyList<EmbeddingKey> Embeddings { get; }

    /// <summary>Keys that belong to no known adapter format.</summary>
    public IReadOnlyList<string> UnknownKeys { get; }

    /// <summary>Reads a file, or the weights and config of a PEFT folder.</summary>
    /// <remarks>Nothing is made of bytes that are not those of the registry, so every other error is about what was registered.</remarks>
    /// <param name="path">The file or folder.</param>
    /// <param name="registered">The registry's entry of it; null takes any content.</param>
    /// <exception cref="AdapterException">Missing, corrupt, a pickle, or without anything to apply; it names what this machine lacks where
    /// the file is not what was registered.</exception>
    public static AdapterFile Load(string path, AdapterRecord? registered = null)
    {
        var (weights, configPath) = FilesOf(path, registered);
        SafetensorsFile? tensors = null;
        try
        {
            var configBytes = configPath is null ? null : PeftConfig.Read(configPath, registered);
            var sha256 = "";
            tensors = SafetensorsFile.Load(weights, out _, read =>
            {
                sha256 = configBytes is null ? read : ModelInspector.Combine(
                    [new MasterFile(ConfigName, 0, Convert.ToHexStringLower(SHA256.HashData(configBytes))),
                        new MasterFile(System.IO.Path.GetFileName(weights), 0, read)]);
                CheckRegistered(path, sha256, registered);
            });
            PeftConfig? config = null;
            if (configBytes is not null) config = PeftConfig.Parse(configBytes, configPath!);
            else if (tensors.Metadata.TryGetValue("lora_adapter_metadata", out var text)) config = PeftConfig.FromMetadata(text, weights);

            var file = new AdapterFile(path, tensors, sha256, config, isFolder: Directory.Exists(path));
            if (file.Modules.Count == 0 && file.Embeddings.Count == 0)
            {
                throw new AdapterException(
                    $"'{weights}' holds no adapter that BatchGen knows: none of its {tensors.Entries.Count} keys has a known form"
                    + (tensors.Entries.Count > 0 ? $" (the first is '{tensors.Entries[0].Name}')" : "")
                    + ". docs/adapter-formats.md lists the forms.");
            }

            tensors = null;
            return file;
        }
        catch (SafetensorsException error)
        {
            throw new AdapterException($"Adapter file {error.Message}", error) { Lack = error.IsUnreadable ? LackOf(registered) : null };
        }
        finally
        {
            tensors?.Dispose();
        }
    }

    /// <summary>What is read of an adapter: the file itself, or a PEFT folder's weights and, where it has one, its config.</summary>
    /// <param name="path">The file or folder.</param>
    /// <param name="registered">The registry's entry of it, or null.</param>
    /// <exception cref="AdapterException">The folder has no weights.</exception>
    public static (string Weights, string? Config) FilesOf(string path, AdapterRecord? registered = null)
    {
        if (!Directory.Exists(path)) return (path, null);
        var config = System.IO.Path.Combine(path, ConfigName);
        return (WeightsIn(path, registered), File.Exists(config) ? config : null);
    }

    /// <summary>What this machine lacks when the file of a registered adapter is not there as registered; null for one that is not
    /// registered.</summary>
    public static MachineLack? LackOf(AdapterRecord? registered) =>
        registered is null ? null : new MachineLack(LackKind.Adapter, registered.Name, registered.Sha256);

    public void Dispose() => Tensors.Dispose();

    private static void CheckRegistered(string path, string sha256, AdapterRecord? registered)
    {
        if (registered is null || string.Equals(sha256, registered.Sha256, StringComparison.OrdinalIgnoreCase)) return;
        throw new AdapterException(
            $"Adapter file '{path}' changed since it was registered: its SHA-256 is {sha256}, the registry says {registered.Sha256}. "
            + "Put the registered file back, or register the new one with 'batchgen adapters add --replace'.")
        {
            Lack = LackOf(registered),
        };
    }

    private static string WeightsIn(string folder, AdapterRecord? registered)
    {
        string[] names = ["adapter_model.safetensors", "pytorch_lora_weights.safetensors"];
        var found = names.Select(name => System.IO.Path.Combine(folder, name)).FirstOrDefault(File.Exists);
        if (found is not null) return found;
        var pickle = File.Exists(System.IO.Path.Combine(folder, "adapter_model.bin"));
        throw new AdapterException(
            $"Adapter folder '{folder}' has no adapter_model.safetensors"
            + (pickle ? "; its adapter_model.bin is a Python pickle, which can run code and is not read. "
            + "Save it again with safe_serialization=True." : "."))
        {
            Lack = LackOf(registered),
        };
    }

    private static (List<AdapterModule> Modules, List<EmbeddingKey> Embeddings, List<string> Unknown) Group(SafetensorsFile tensors)
    {
        var order = new List<(string Component, string Module)>();
        var groups =
            new Dictionary<(string Component, string Module), (KeySpelling Spelling, Dictionary<string, SafetensorsEntry> Leaves)>();
        var embeddings = new List<EmbeddingKey>();
        var unknown = new List<string>();
        foreach (var entry in tensors.Entries)
        {
            if (EmbeddingKey.Of(entry, tensors) is { } embedding)
            {
                embeddings.Add(embedding);
                continue;
            }

            if (AdapterKey.Split(entry.Name) is not { } key)
            {
                unknown.Add(entry.Name);
                continue;
            }

            var id = (key.Component, key.Module);
            if (!groups.TryGetValue(id, out var group))
            {
                groups[id] = group = (key.Spelling, new(StringComparer.Ordinal));
                order.Add(id);
            }

            if (!group.Leaves.TryAdd(key.Leaf, entry))
                throw new AdapterException(
                    $"'{tensors.Path}' has two keys for the same factor: '{group.Leaves[key.Leaf].Name}' and '{entry.Name}'.");
            // 'alpha' is spelled alike everywhere; the factor decides.
            if (key.Leaf is "up" or "down") groups[id] = (key.Spelling, group.Leaves);
        }

        var modules = new List<AdapterModule>();
        foreach (var id in order)
        {
            var module = new AdapterModule(id.Component, id.Module, groups[id].Spelling, groups[id].Leaves);
            if (module.Algorithm.Length > 0) modules.Add(module);
            else unknown.AddRange(module.Leaves.Values.Select(entry => entry.Name));
        }

        return (modules, embeddings, unknown);
    }
}
