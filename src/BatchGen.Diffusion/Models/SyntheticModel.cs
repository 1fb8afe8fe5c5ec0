using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using BatchGen.Core.Failures;
using BatchGen.Diffusion.Safetensors;
using BatchGen.Diffusion.Text;
using BatchGen.Diffusion.Weights;

namespace BatchGen.Diffusion.Models;

/// <summary>Writes models with random weights and the published dimensions, to measure speed and memory without the real ones. Needs no native torch.</summary>
public static class SyntheticModel
{
    private const int ChunkElements = 1 << 16;

    /// <summary>The families there are.</summary>
    public static IReadOnlyList<string> Families { get; } = ["sd15", "sd21", "sdxl"];

    /// <summary>Writes a model folder of the diffusers layout with float16 weights (2 GB for sd15, 7 GB for sdxl).</summary>
    /// <param name="family">One of <see cref="Families"/>.</param>
    /// <param name="folder">Folder to make; must be empty or absent.</param>
    /// <param name="seed">Same seed, same bytes.</param>
    /// <param name="cancellationToken">Checked between tensors.</param>
    /// <exception cref="ModelException">The family is not known, or the folder holds something.</exception>
    public static void Write(string family, string folder, int seed, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        if (!Families.Contains(family)) throw new ModelException($"Family '{family}' is not known; known are {string.Join(", ", Families)}.");
        if (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any()) throw new ModelException($"The folder '{folder}' is not empty. Name a new one.");
        Write(folder, PublishedConfigs.Of(family), seed, cancellationToken);
    }

    /// <summary>Writes a model of any dimensions.</summary>
    /// <param name="folder">Folder to make.</param>
    /// <param name="configs">Settings by component, among them <c>scheduler</c>.</param>
    /// <param name="seed">Same seed, same bytes.</param>
    /// <param name="cancellationToken">Checked between tensors.</param>
    internal static void Write(string folder, IReadOnlyDictionary<string, JsonObject> configs, int seed, CancellationToken cancellationToken)
    {
        var isXl = configs.ContainsKey("text_encoder_2");
        var padsWithZero = configs["unet"]["use_linear_projection"]?.GetValue<bool>() == true && !isXl;
        Directory.CreateDirectory(folder);
        WriteIndex(folder, configs["scheduler"]["_class_name"]!.GetValue<string>(), isXl);
        WriteJson(Path.Combine(folder, "scheduler", "scheduler_config.json"), configs["scheduler"]);
        ClipTokenizer.WritePublished(Path.Combine(folder, "tokenizer"), padsWithZero);
        if (isXl) ClipTokenizer.WritePublished(Path.Combine(folder, "tokenizer_2"), padWithZero: true);
        foreach (var (name, config) in configs.Where(pair => pair.Key != "scheduler").OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            WriteJson(Path.Combine(folder, name, "config.json"), config);
            WriteWeights(Path.Combine(folder, name, name is "unet" or "vae" ? "diffusion_pytorch_model.safetensors" : "model.safetensors"), name, config, seed++, cancellationToken);
        }
    }

    private static void WriteIndex(string folder, string scheduler, bool isXl)
    {
        var index = new JsonObject
        {
            ["_class_name"] = isXl ? "StableDiffusionXLPipeline" : "StableDiffusionPipeline",
            ["scheduler"] = new JsonArray("diffusers", scheduler),
            ["text_encoder"] = new JsonArray("transformers", "CLIPTextModel"),
            ["tokenizer"] = new JsonArray("transformers", "CLIPTokenizer"),
            ["unet"] = new JsonArray("diffusers", "UNet2DConditionModel"),
            ["vae"] = new JsonArray("diffusers", "AutoencoderKL"),
        };
        if (isXl)
        {
            index["force_zeros_for_empty_prompt"] = true;
            index["text_encoder_2"] = new JsonArray("transformers", "CLIPTextModelWithProjection");
            index["tokenizer_2"] = new JsonArray("transformers", "CLIPTokenizer");
        }

        WriteJson(Path.Combine(folder, "model_index.json"), index);
    }

    private static void WriteJson(string path, JsonObject content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, content.ToJsonString(new JsonSerializerOptions { WriteIndented = true }) + "\n");
    }

    private static void WriteWeights(string path, string component, JsonObject settings, int seed, CancellationToken cancellationToken)
    {
        var config = ConfigFile.Parse(settings.ToJsonString(), path);
        var recorder = ComponentWeights.Recorder(component);
        switch (component)
        {
            case "unet":
                _ = new UNetModel(config, recorder);
                break;
            case "vae":
                _ = new AutoencoderKl(config, recorder);
                break;
            default:
                _ = new ClipTextModel(config, recorder, hasProjection: component == "text_encoder_2");
                break;
        }

        var random = new Random(seed);
        var tensors = recorder.Recorded.Select(item => (item.Key, SafetensorsType.F16, item.Shape)).ToArray();
        SafetensorsWriter.Write(path, tensors, (index, stream) =>
        {
            cancellationToken.ThrowIfCancellationRequested();
            Fill(stream, recorder.Recorded[index].Key, recorder.Recorded[index].Shape, random);
        });
    }

    // Norms start as the identity; matrices and kernels spread evenly, with the deviation that keeps a layer's output about as large as its input.
    private static void Fill(Stream stream, string key, long[] shape, Random random)
    {
        var isWeight = key.EndsWith(".weight", StringComparison.Ordinal);
        var count = shape.Aggregate(1L, (product, size) => product * size);
        var deviation = shape.Length == 1 ? 0 : key.Contains("embeddings", StringComparison.Ordinal) ? 0.02 : 1 / Math.Sqrt((double)count / shape[0]);
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
