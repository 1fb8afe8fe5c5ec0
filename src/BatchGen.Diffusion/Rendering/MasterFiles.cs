using BatchGen.Core.Failures;
using BatchGen.Core.Registry;
using BatchGen.Diffusion.Models;

namespace BatchGen.Diffusion.Rendering;

/// <summary>A model's files on disk, which are looked at before they are loaded, and again after.</summary>
/// <remarks>What is wrong with the files themselves is this machine's lack: the registry knows their bytes, and other machines may have
/// them.</remarks>
internal sealed class MasterFiles
{
    private readonly ModelRecord _model;
    private readonly (long Length, DateTime Written)[] _stamps;

    private MasterFiles(ModelRecord model)
    {
        _model = model;
        _stamps = Stamps(model);
    }

    /// <summary>Compares every file with the registry.</summary>
    /// <returns>The files as they were looked at, for <see cref="ThrowIfChanged"/>.</returns>
    /// <exception cref="ModelException">One is missing, unreadable or changed; it names what this machine lacks.</exception>
    public static MasterFiles Check(ModelRecord model, CancellationToken cancellationToken)
    {
        var files = new MasterFiles(model);
        // A path that was registered as one kind and is now another fails here, before anything is hashed.
        foreach (var file in model.Files)
        {
            var path = PathOf(model, file);
            var info = new FileInfo(path);
            if (!info.Exists)
                throw Lacking(model, $"Model '{model.Name}': its file '{path}' is missing. "
                    + "Put it back, or register the model again with 'batchgen models add --replace'.");
            if (info.Length != file.SizeBytes)
                throw Changed(model, path, $"it has {info.Length} bytes, the registry says {file.SizeBytes}");
        }

        cancellationToken.ThrowIfCancellationRequested();
        var hashed = Hash(model);
        foreach (var (known, now) in model.Files.Zip(hashed))
        {
            if (known.Sha256 != now.Sha256)
                throw Changed(model, PathOf(model, known), $"its SHA-256 is {now.Sha256}, the registry says {known.Sha256}");
        }

        return files;
    }

    /// <summary>Refuses what was read of the files since, where one of them was written to or became unreadable meanwhile.</summary>
    /// <param name="error">What reading them ended with; null when they were read.</param>
    /// <exception cref="ModelException">One changed while it was read, or the error is one of the file system; it names what this machine
    /// lacks.</exception>
    public void ThrowIfChanged(Exception? error)
    {
        if (!_stamps.SequenceEqual(Stamps(_model)))
            throw Lacking(_model, $"Model '{_model.Name}': a file of '{_model.Path}' was written to while it was read. "
                + "Let it be, or register the model again with 'batchgen models add --replace'.", error);
        if (FileErrorIn(error) is { } failure)
            throw Lacking(_model, $"Model '{_model.Name}': a file of '{_model.Path}' could not be read: {failure.Message}", error);
    }

    private static MasterFile[] Hash(ModelRecord model)
    {
        try
        {
            return ModelInspector.Hash(model.Path, model.Files.Select(file => file.RelativePath).ToArray());
        }
        catch (Exception error) when (error is ModelException || FileErrorIn(error) is not null)
        {
            throw Lacking(model, $"Model '{model.Name}': {error.Message}", error);
        }
    }

    // A parallel loop and the readers of files wrap what the file system said.
    private static Exception? FileErrorIn(Exception? error)
    {
        for (var cause = error; cause is not null; cause = cause.InnerException)
            if (cause is IOException or UnauthorizedAccessException) return cause;
        return null;
    }

    private static (long Length, DateTime Written)[] Stamps(ModelRecord model) => model.Files
        .Select(file => new FileInfo(PathOf(model, file)))
        .Select(info => info.Exists ? (info.Length, info.LastWriteTimeUtc) : default)
        .ToArray();

    private static string PathOf(ModelRecord model, MasterFile file) => ModelSource.PathOf(model.Path, file.RelativePath);

    private static ModelException Changed(ModelRecord model, string path, string how) => Lacking(
        model, $"Model '{model.Name}': its file '{path}' changed since it was registered: {how}. "
            + "Put the registered file back, or register the model again with 'batchgen models add --replace'.");

    private static ModelException Lacking(ModelRecord model, string message, Exception? error = null) =>
        new(message, error) { Lack = new MachineLack(LackKind.Model, model.Name, model.Sha256) };
}
