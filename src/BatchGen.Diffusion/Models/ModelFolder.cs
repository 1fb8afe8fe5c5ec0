using System.Text.Json;
using BatchGen.Core.Failures;
using BatchGen.Core.Texts;
using BatchGen.Diffusion.Families;
using BatchGen.Diffusion.Safetensors;
using BatchGen.Diffusion.Text;

namespace BatchGen.Diffusion.Models;

/// <summary>
/// A model in the diffusers folder layout: which files make it up, checked to be of a kind that can be rendered. Needs no native torch.
/// </summary>
internal sealed class ModelFolder
{
    private ModelFolder(string path, ConfigFile index, FamilyRendering family, IReadOnlyList<FolderComponent> components)
    {
        Path = path;
        Index = index;
        Family = family;
        Components = components;
    }

    /// <summary>Path of the model folder.</summary>
    public string Path { get; }

    /// <summary>Content of model_index.json.</summary>
    public ConfigFile Index { get; }

    /// <summary>The family it belongs to.</summary>
    public FamilyRendering Family { get; }

    /// <summary>The networks, in ordinal order of name.</summary>
    public IReadOnlyList<FolderComponent> Components { get; }

    /// <summary>Names of the tokenizer folders, one for each text encoder.</summary>
    public IEnumerable<string> Tokenizers => Family.Tokenizers.Select(tokenizer => tokenizer.Folder);

    /// <summary>Every file that decides what the model draws, relative to the folder with '/', in ordinal order.</summary>
    public IReadOnlyList<string> Files => Components
        .SelectMany(component =>
            component.WeightFiles.Prepend(component.ConfigFile).Concat(component.IndexFile is null ? [] : [component.IndexFile]))
        .Concat(Tokenizers.SelectMany(TokenizerFiles)).Append("scheduler/scheduler_config.json").Append("model_index.json")
        .Order(StringComparer.Ordinal).ToArray();

    /// <summary>Reads the layout of a folder.</summary>
    /// <exception cref="ModelException">A file is missing, a pickle, or of an unknown kind.</exception>
    public static ModelFolder Read(string path)
    {
        if (!Directory.Exists(path)) throw new ModelException($"The model folder '{path}' does not exist.");
        var index = ReadIndex(path);
        var pipeline = index.Text("_class_name");
        // Families that share a pipeline differ in their denoiser's settings, and have it in the same folder.
        var denoiser = FamilyRenderings.All.FirstOrDefault(family => family.Pipelines.Contains(pipeline))?.Denoiser
            ?? throw new ModelException(
                $"'{index.Path}' names the pipeline '{pipeline}', which is not supported; "
                    + $"supported are {string.Join(", ", FamilyRenderings.Pipelines)}.");
        var found = Component(path, index, denoiser);
        var config = ConfigFile.Read(System.IO.Path.Combine(path, found.ConfigFile));
        var family = FamilyRenderings.OfFolder(pipeline, config)
            ?? throw new ModelException($"'{config.Path}' has settings that no known family with the pipeline '{pipeline}' has.");
        var components = family.Networks.Select(network => network == denoiser ? found : Component(path, index, network)).ToArray();
        foreach (var tokenizer in family.Tokenizers)
        {
            var named = index.Component(tokenizer.Folder) ?? throw Lacks(index, tokenizer.Folder);
            if (named.Class is not ("CLIPTokenizer" or "CLIPTokenizerFast"))
                throw new ModelException($"'{index.Path}' names the tokenizer class '{named.Class}'; known is CLIPTokenizer.");
        }

        _ = index.Component("scheduler") ?? throw Lacks(index, "scheduler");
        return new ModelFolder(path, index, family, components.OrderBy(component => component.Name, StringComparer.Ordinal).ToArray());
    }

    /// <summary>Opens the headers: where every tensor lies.</summary>
    /// <exception cref="ModelException">A config is missing or not JSON.</exception>
    /// <exception cref="SafetensorsException">A weights file is missing or corrupt.</exception>
    public ModelSource ToSource(string? vocabularyFolder = null) => new(
        Family,
        Path,
        Components.Select(component => new SourceComponent(
            component.Name, ConfigFile.Read(System.IO.Path.Combine(Path, component.ConfigFile)),
            component.WeightFiles.SelectMany(Tensors).ToArray())).ToArray(),
        Tokenizers.Select(name => (Func<ClipTokenizer>)(() => Tokenizer(name, vocabularyFolder))).ToArray(),
        ConfigFile.Read(System.IO.Path.Combine(Path, "scheduler", "scheduler_config.json")),
        Index.Flag("force_zeros_for_empty_prompt", Family.ZeroesAbsentNegative),
        Files);

    private IEnumerable<SourceTensor> Tensors(string relative)
    {
        using var file = SafetensorsFile.Open(System.IO.Path.Combine(Path, relative));
        // Positions counted from zero, which older files carry along, are no parameter.
        return file.Entries.Where(entry => !entry.Name.EndsWith(".position_ids", StringComparison.Ordinal))
            .Select(entry => new SourceTensor(entry.Name, relative, entry.Name)).ToArray();
    }

    private ClipTokenizer Tokenizer(string name, string? vocabularyFolder)
    {
        var folder = System.IO.Path.Combine(Path, name);
        return ClipTokenizer.Load(folder, File.Exists(System.IO.Path.Combine(folder, "vocab.json")) ? null : vocabularyFolder);
    }

    private static ConfigFile ReadIndex(string path)
    {
        var file = System.IO.Path.Combine(path, "model_index.json");
        if (File.Exists(file)) return ConfigFile.Read(file);
        var pickle = Directory.EnumerateFiles(path).FirstOrDefault(IsPickle);
        throw new ModelException(
            $"The folder '{path}' has no model_index.json, so it is not a model of the diffusers layout."
            + (pickle is null ? " Name the folder that holds unet, vae and text_encoder, or a single .safetensors checkpoint."
                : $" '{System.IO.Path.GetFileName(pickle)}' in it is a Python pickle, which can run code and is not read; "
                    + "get the .safetensors form of the model."));
    }

    private static ModelException Lacks(ConfigFile index, string component) =>
        new($"'{index.Path}' names no {component}, which a model to draw with needs.");

    private static FolderComponent Component(string path, ConfigFile index, FamilyNetwork network)
    {
        var name = network.Name;
        var named = index.Component(name) ?? throw Lacks(index, name);
        if (named.Class != network.ClassName)
            throw new ModelException($"'{index.Path}' names the class '{named.Class}' for {name}; known is {network.ClassName}.");
        var folder = System.IO.Path.Combine(path, name);
        if (!Directory.Exists(folder))
            throw new ModelException(
                $"The model folder '{path}' has no '{name}' folder, which its model_index.json names. Download the model again.");
        // Full precision first, as diffusers does; the fp16 variant where it alone is there.
        foreach (var variant in new[] { "", ".fp16" })
        {
            var whole = $"{network.FileStem}{variant}.safetensors";
            if (File.Exists(System.IO.Path.Combine(folder, whole)))
                return new FolderComponent(name, $"{name}/config.json", [$"{name}/{whole}"], null);
            var shardIndex = $"{network.FileStem}.safetensors.index{variant}.json";
            if (File.Exists(System.IO.Path.Combine(folder, shardIndex)))
                return new FolderComponent(name, $"{name}/config.json", Shards(folder, shardIndex, name), $"{name}/{shardIndex}");
        }

        var pickle = Directory.EnumerateFiles(folder).FirstOrDefault(IsPickle);
        throw new ModelException(
            $"The folder '{folder}' has no {network.FileStem}.safetensors"
            + (pickle is null ? ". Download the model again."
                : $"; its {System.IO.Path.GetFileName(pickle)} is a Python pickle, which can run code and is not read. "
                    + "Save the model again with safe_serialization=True."));
    }

    private static string[] Shards(string folder, string indexFile, string name)
    {
        var path = System.IO.Path.Combine(folder, indexFile);
        try
        {
            using var document = ForeignJson.Parse(File.ReadAllText(path));
            var files = document.RootElement.GetProperty("weight_map").EnumerateObject().Select(item => item.Value.GetString() ?? "")
                .Distinct().Order(StringComparer.Ordinal).ToArray();
            // A shard lies beside its index; anything else would read files that were never registered.
            var stranger = files.FirstOrDefault(file =>
                file.Length == 0 || file != System.IO.Path.GetFileName(file) || !file.EndsWith(".safetensors", StringComparison.Ordinal));
            if (stranger is not null)
                throw new ModelException($"'{path}' names the shard '{stranger}', which is not a .safetensors file beside it.");
            return files.Select(file => $"{name}/{file}").ToArray();
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new ModelException($"'{path}' is not an index of shards: {error.Message}", error);
        }
    }

    private static bool IsPickle(string path) => System.IO.Path.GetExtension(path) is ".bin" or ".ckpt" or ".pt" or ".pth";

    private IEnumerable<string> TokenizerFiles(string tokenizer)
    {
        yield return $"{tokenizer}/vocab.json";
        yield return $"{tokenizer}/merges.txt";
        foreach (var optional in new[] { "tokenizer_config.json", "special_tokens_map.json" })
        {
            if (File.Exists(System.IO.Path.Combine(Path, tokenizer, optional))) yield return $"{tokenizer}/{optional}";
        }
    }
}

/// <summary>One network of a model folder.</summary>
/// <param name="Name">Folder name.</param>
/// <param name="ConfigFile">Its config, relative to the model.</param>
/// <param name="WeightFiles">Its weights, relative to the model; several where they are sharded.</param>
/// <param name="IndexFile">The index of the shards, or null.</param>
internal sealed record FolderComponent(string Name, string ConfigFile, IReadOnlyList<string> WeightFiles, string? IndexFile);
