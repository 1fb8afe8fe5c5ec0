using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using BatchGen.Core.Failures;
using BatchGen.Diffusion.Families;
using BatchGen.Diffusion.Safetensors;
using BatchGen.Diffusion.Text;

namespace BatchGen.Diffusion.Models;

/// <summary>
/// Writes models with random weights and the published dimensions, to measure speed and memory without the real ones. Needs no native
/// torch.
/// </summary>
public static class SyntheticModel
{
    private const int ChunkElements = 1 << 16;

    /// <summary>Codes of the families whose models can be written.</summary>
    public static IReadOnlyList<string> Families { get; } = [.. FamilyRenderings.All.Select(family => family.Facts.Code)];

    /// <summary>Writes a model folder of the diffusers layout with float16 weights (2 GB for sd15, 7 GB for sdxl).</summary>
    /// <param name="family">One of <see cref="Families"/>.</param>
    /// <param name="folder">Folder to make; must be empty or absent.</param>
    /// <param name="seed">Same seed, same bytes.</param>
    /// <param name="cancellationToken">Checked between tensors.</param>
    /// <exception cref="ModelException">The family is not known, or the folder holds something.</exception>
    public static void Write(string family, string folder, int seed, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        var known = FamilyRenderings.Find(family)
            ?? throw new ModelException($"Family '{family}' is not known; known are {string.Join(", ", Families)}.");
        if (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any())
            throw new ModelException($"The folder '{folder}' is not empty. Name a new one.");
        Write(folder, known, known.PublishedConfigs(), seed, cancellationToken);
    }

    /// <summary>Writes a model of any dimensions.</summary>
    /// <param name="folder">Folder to make.</param>
    /// <param name="family">Whose networks it is made of.</param>
    /// <param name="configs">Settings by component, among them <c>scheduler</c>.</param>
    /// <param name="seed">Same seed, same bytes.</param>
    /// <param name="cancellationToken">Checked between tensors.</param>
    internal static void Write(
        string folder, FamilyRendering family, IReadOnlyDictionary<string, JsonObject> configs, int seed,
        CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(folder);
        WriteIndex(folder, family, configs["scheduler"]["_class_name"]!.GetValue<string>());
        WriteJson(Path.Combine(folder, "scheduler", "scheduler_config.json"), configs["scheduler"]);
        foreach (var tokenizer in family.Tokenizers)
            ClipTokenizer.WritePublished(Path.Combine(folder, tokenizer.Folder), tokenizer.PadsWithZero);
        foreach (var network in family.Networks.OrderBy(network => network.Name, StringComparer.Ordinal))
        {
            var config = configs[network.Name];
            WriteJson(Path.Combine(folder, network.Name, "config.json"), config);
            WriteWeights(Path.Combine(folder, network.Name, network.FileStem + ".safetensors"), network, config, seed++, cancellationToken);
        }
    }

    private static void WriteIndex(string folder, FamilyRendering family, string scheduler)
    {
        var index = family.PublishedIndex();
        index["_class_name"] = family.Pipeline;
        index["scheduler"] = new JsonArray("diffusers", scheduler);
        foreach (var network in family.Networks) index[network.Name] = new JsonArray(network.Library, network.ClassName);
        foreach (var tokenizer in family.Tokenizers) index[tokenizer.Folder] = new JsonArray("transformers", "CLIPTokenizer");
        WriteJson(Path.Combine(folder, "model_index.json"), index);
    }

    private static void WriteJson(string path, JsonObject content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, content.ToJsonString(new JsonSerializerOptions { WriteIndented = true }) + "\n");
    }

    private static void WriteWeights(string path, FamilyNetwork network, JsonObject settings, int seed, CancellationToken cancellationToken)
    {
        var shapes = network.Shapes(ConfigFile.Parse(settings.ToJsonString(), path));
        var random = new Random(seed);
        var tensors = shapes.Select(item => (item.Key, SafetensorsType.F16, item.Shape)).ToArray();
        SafetensorsWriter.Write(path, tensors, (index, stream) =>
        {
            cancellationToken.ThrowIfCancellationRequested();
            Fill(stream, shapes[index].Key, shapes[index].Shape, random);
        });
    }

    // Norms start as the identity; matrices and kernels spread evenly, with the deviation that keeps a layer's output about as large as its
    // input.
    private static void Fill(Stream stream, string key, long[] shape, Random random)
    {
        var isWeight = key.EndsWith(".weight", StringComparison.Ordinal);
        var count = shape.Aggregate(1L, (product, size) => product * size);
        var deviation =
            shape.Length == 1 ? 0 : key.Contains("embeddings", StringComparison.Ordinal) ? 0.02 : 1 / Math.Sqrt((double)count / shape[0]);
        var centre = shape.Length == 1 && isWeight ? 1.0 : 0;
        // One value for each of the 65536 codes that two random bytes can be.
        var table = new Half[1 << 16];
        for (var code = 0; code < table.Length; code++) table[code] = (Half)(centre + (code / 32767.5 - 1) * Math.Sqrt(3) * deviation);
        var bytes = new byte[ChunkElements * sizeof(ushort)];
        var values = new Half[ChunkElements];
        for (long done = 0; done < count; done += ChunkElements)
        {
            var length = (int)Math.Min(ChunkElements, count - done);
            random.NextBytes(bytes.AsSpan(0, length * sizeof(ushort)));
            var codes = MemoryMarshal.Cast<byte, ushort>(bytes);
            for (var i = 0; i < length; i++) values[i] = table[codes[i]];
            stream.Write(MemoryMarshal.AsBytes(values.AsSpan(0, length)));
        }
    }
}
