using BatchGen.Core.Failures;
using BatchGen.Core.Registry;
using BatchGen.Diffusion.Models;

namespace BatchGen.Diffusion.Rendering;

/// <summary>A model's files on disk, which are looked at before they are loaded.</summary>
internal static class MasterFiles
{
    /// <summary>Compares every file with the registry.</summary>
    /// <exception cref="ModelException">One is missing or changed.</exception>
    public static void Check(ModelRecord model, CancellationToken cancellationToken)
    {
        // A path that was registered as one kind and is now another fails here, before anything is hashed.
        foreach (var file in model.Files)
        {
            var path = file.RelativePath.Length == 0 ? model.Path : Path.Combine(model.Path, file.RelativePath);
            var info = new FileInfo(path);
            if (!info.Exists)
                throw new ModelException($"Model '{model.Name}': its file '{path}' is missing. "
                    + "Put it back, or register the model again with 'batchgen models add --replace'.");
            if (info.Length != file.SizeBytes)
                throw Changed(model, path, $"it has {info.Length} bytes, the registry says {file.SizeBytes}");
        }

        cancellationToken.ThrowIfCancellationRequested();
        var hashed = ModelInspector.Hash(model.Path, model.Files.Select(file => file.RelativePath).ToArray());
        foreach (var (known, now) in model.Files.Zip(hashed))
        {
            if (known.Sha256 != now.Sha256)
                throw Changed(
                    model, Path.Combine(model.Path, known.RelativePath), $"its SHA-256 is {now.Sha256}, the registry says {known.Sha256}");
        }
    }

    private static ModelException Changed(ModelRecord model, string path, string how) => new(
        $"Model '{model.Name}': its file '{path}' changed since it was registered: {how}. "
            + "Put the registered file back, or register the model again with 'batchgen models add --replace'.");
}
