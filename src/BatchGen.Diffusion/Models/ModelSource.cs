using BatchGen.Core.Failures;
using BatchGen.Diffusion.Families;
using BatchGen.Diffusion.Safetensors;
using BatchGen.Diffusion.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Models;

/// <summary>
/// A model on disk, whatever its form: its networks' settings, where each tensor lies, and its tokenizers. Needs no native torch.
/// </summary>
/// <param name="Family">Its family.</param>
/// <param name="Root">Folder, or the file of a single-file checkpoint.</param>
/// <param name="Components">The networks, in ordinal order of name.</param>
/// <param name="Tokenizers">One for each text encoder.</param>
/// <param name="Scheduler">Settings of the noise schedule.</param>
/// <param name="ZeroesAbsentNegative">True when a negative prompt not given stands for zeros.</param>
/// <param name="Files">Every file that decides what the model draws, relative to <paramref name="Root"/> with '/', in ordinal
/// order.</param>
internal sealed record ModelSource(
    FamilyRendering Family,
    string Root,
    IReadOnlyList<SourceComponent> Components,
    IReadOnlyList<Func<ClipTokenizer>> Tokenizers,
    ConfigFile Scheduler,
    bool ZeroesAbsentNegative,
    IReadOnlyList<string> Files)
{
    /// <summary>Reads the layout of a folder or a single file.</summary>
    /// <param name="path">The folder or file.</param>
    /// <param name="vocabularyFolder">Where vocab.json and merges.txt lie when not in the model's own tokenizer folders.</param>
    /// <exception cref="ModelException">Missing, a pickle, corrupt, or of an unknown kind.</exception>
    public static ModelSource Open(string path, string? vocabularyFolder = null)
    {
        try
        {
            if (File.Exists(path)) return CheckpointFile.Open(path);
            return ModelFolder.Read(path).ToSource(vocabularyFolder);
        }
        catch (SafetensorsException error)
        {
            throw new ModelException($"Model file {error.Message}", error);
        }
    }

    /// <summary>Full path of one of the files.</summary>
    public static string PathOf(string root, string relative) => relative.Length == 0 ? root : Path.Combine(root, relative);
}

/// <summary>One network of a model.</summary>
/// <param name="Name">Its component, for example <c>unet</c>.</param>
/// <param name="Config">Its settings.</param>
/// <param name="Tensors">Where its tensors lie, file by file.</param>
internal sealed record SourceComponent(string Name, ConfigFile Config, IReadOnlyList<SourceTensor> Tensors);

/// <summary>Where one tensor lies, and what makes it the one the network wants.</summary>
/// <param name="Key">Its name in diffusers spelling.</param>
/// <param name="File">The file, relative to the model.</param>
/// <param name="Name">Its name in the file.</param>
/// <param name="Shape">Shape to view it as; null keeps the file's.</param>
/// <param name="Part">Which of three equal parts along the first axis; null takes it whole.</param>
/// <param name="IsTransposed">True when rows and columns are exchanged in the file.</param>
internal sealed record SourceTensor(string Key, string File, string Name, long[]? Shape = null, int? Part = null, bool IsTransposed = false)
{
    /// <summary>Reads the tensor in the shape and type the network wants.</summary>
    public Tensor Read(SafetensorsFile file, ScalarType type, Device device)
    {
        using var scope = NewDisposeScope();
        var entry = file.Find(Name) ?? throw new SafetensorsException(file.Path, $"has no tensor '{Name}'.");
        if (!entry.Type.IsFloat())
            throw new ModelException(
                $"'{file.Path}' holds '{Name}' of type {entry.Type.ToName()}; a network has floating-point tensors only.");
        if (Shape is null && Part is null && !IsTransposed) return file.ReadTensor(entry, type, device).MoveToOuterDisposeScope();
        var tensor = file.ReadTensor(entry, type);
        if (Part is { } part)
        {
            var rows = tensor.shape[0] / 3;
            tensor = tensor.narrow(0, part * rows, rows);
        }

        if (IsTransposed) tensor = tensor.t();
        if (Shape is not null && tensor.numel() == Shape.Aggregate(1L, (product, size) => product * size)) tensor = tensor.reshape(Shape);
        // Never a view of something larger, which would keep all of it in memory.
        return tensor.contiguous().clone().to(device).MoveToOuterDisposeScope();
    }
}
