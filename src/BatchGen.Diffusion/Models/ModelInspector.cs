using System.Security.Cryptography;
using System.Text;
using BatchGen.Core.Failures;
using BatchGen.Core.Registry;
using BatchGen.Diffusion.Families;
using BatchGen.Diffusion.Safetensors;

namespace BatchGen.Diffusion.Models;

/// <summary>Reads what a base model is and hashes its files, without native torch.</summary>
public static class ModelInspector
{
    // Along a side, in every published model.
    private const int PixelsPerLatent = 8;

    /// <summary>The predictions that may be named when a model is registered.</summary>
    public static IReadOnlyList<string> Predictions { get; } = ["epsilon", "v_prediction"];

    /// <summary>Reads a model's layout, checks that all its parts are there and of known kinds, and hashes every file.</summary>
    /// <param name="path">Folder of the diffusers layout, or a single-file .safetensors checkpoint.</param>
    /// <param name="name">Name to register it under.</param>
    /// <param name="prediction">What the network predicts, one of <see cref="Predictions"/>; null leaves it to the files.</param>
    /// <exception cref="ModelException">A part is missing, corrupt, a pickle, or of an unknown kind; the message says which and what to
    /// do.</exception>
    public static ModelRecord Inspect(string path, string name, string? prediction = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (prediction is not null && !Predictions.Contains(prediction))
            throw new ModelException(
                $"'{prediction}' is nothing that a network predicts here; known are {string.Join(" and ", Predictions)}.");
        var full = Path.GetFullPath(path);
        var source = ModelSource.Open(full);
        // Built without tensors: config and weights must agree before anything is registered.
        foreach (var component in source.Components) CheckShapes(source, component);
        var files = Hash(full, source.Files);
        var native = NativeEdge(source);
        return new ModelRecord(name, full, source.Family.Facts.Code, Combine(files, prediction), files, native, native, prediction);
    }

    /// <summary>
    /// SHA-256 over the sorted list of relative path and file hash, and what the network was said to predict: the model's identity.
    /// </summary>
    internal static string Combine(IEnumerable<MasterFile> files, string? prediction = null)
    {
        var list = new StringBuilder();
        foreach (var file in files.OrderBy(file => file.RelativePath, StringComparer.Ordinal))
            list.Append(file.RelativePath).Append(' ').Append(file.Sha256).Append('\n');
        // The same file read in another way draws other images.
        if (prediction is not null) list.Append("prediction ").Append(prediction).Append('\n');
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(list.ToString())));
    }

    /// <summary>Size and SHA-256 of files, several read at a time.</summary>
    /// <exception cref="ModelException">One is missing or cannot be read.</exception>
    internal static MasterFile[] Hash(string root, IReadOnlyList<string> relativePaths)
    {
        var files = new MasterFile[relativePaths.Count];
        try
        {
            Parallel.For(0, files.Length, i =>
            {
                var path = relativePaths[i].Length == 0 ? root : Path.Combine(root, relativePaths[i]);
                var sha256 = SafetensorsFile.HashFile(path);
                files[i] = new MasterFile(relativePaths[i], new FileInfo(path).Length, sha256);
            });
        }
        catch (AggregateException error) when (error.InnerExceptions.OfType<SafetensorsException>().FirstOrDefault() is { } first)
        {
            throw new ModelException($"Model file {first.Message}", first);
        }

        return files;
    }

    // The UNet's config names the size of the latents it was trained on; where it does not, the size the family was published with.
    private static int NativeEdge(ModelSource source)
    {
        ConfigFile ConfigOf(FamilyNetwork network) => source.Components.First(component => component.Name == network.Name).Config;
        var latents = ConfigOf(source.Family.Denoiser).Integer("sample_size", source.Family.Facts.NativeSizePixels / PixelsPerLatent);
        var blocks = ConfigOf(source.Family.Autoencoder).Integers("block_out_channels").Length;
        // Jobs are 64 to 2048 pixels wide; a config outside of that says nothing useful.
        return (int)Math.Clamp(latents << (blocks - 1), 64, 2048) / 8 * 8;
    }

    private static void CheckShapes(ModelSource source, SourceComponent component)
    {
        var wanted = source.Family.Network(component.Name).Shapes(component.Config, component.Tensors.Select(tensor => tensor.Key))
            .ToDictionary(item => item.Key, item => item.Shape, StringComparer.Ordinal);
        foreach (var group in component.Tensors.GroupBy(tensor => tensor.File))
        {
            using var file = SafetensorsFile.Open(ModelSource.PathOf(source.Root, group.Key));
            foreach (var tensor in group)
            {
                if (!wanted.Remove(tensor.Key, out var shape))
                    throw new ModelException($"The {component.Name} weights hold '{tensor.Key}', which its config.json has no place for. "
                        + "Check that config and weights belong together.");
                var entry = file.Find(tensor.Name)!;
                var count = shape.Aggregate(1L, (product, size) => product * size) * (tensor.Part is null ? 1 : 3);
                var same = tensor.Shape is null && tensor.Part is null && !tensor.IsTransposed ? entry.Shape.AsSpan().SequenceEqual(shape)
                    : entry.Count == count;
                if (!same)
                {
                    throw new ModelException(
                        $"{component.Name} tensor '{tensor.Key}' has shape {entry.ShapeText}, but its config.json calls for "
                            + $"[{string.Join(", ", shape)}]. Check that config and weights belong together.");
                }
            }
        }

        if (wanted.Count > 0)
            throw new ModelException($"The {component.Name} weights have no tensor '{wanted.Keys.First()}', which its config.json calls "
                + "for. Check that config and weights belong together.");
    }
}
