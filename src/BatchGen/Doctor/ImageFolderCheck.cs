using System.Runtime.CompilerServices;
using BatchGen.Composition;
using BatchGen.Core.Failures;
using BatchGen.Imaging.Files;

namespace BatchGen.Doctor;

/// <summary>Whether images can be written, and start images be read.</summary>
internal sealed class ImageFolderCheck() : DoctorCheck("images", needsDatabase: false)
{
    /// <inheritdoc/>
    public override async IAsyncEnumerable<Finding> RunAsync(
        CheckContext context, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        var folder = WorkerHost.ImageFolder(context.Settings);
        // A worker makes the folder for its first image. So would the probe, and hide a path that is mistyped or not mounted.
        yield return Directory.Exists(folder)
            ? Probe(context, folder)
            : Warning("The image folder is missing.", folder,
                "Mount it if it lies elsewhere, or mend BatchGen:Worker:ImageFolder; where no image was written yet, a worker makes it.");
        var startImages = WorkerHost.StartImageFolder(context.Settings);
        if (!Directory.Exists(startImages)) yield break;
        var readable = true;
        try
        {
            _ = Directory.EnumerateFileSystemEntries(startImages).Any();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            readable = false;
        }

        if (!readable)
            yield return Wrong("Start images cannot be read.", startImages, "Give the worker's user the right to read the folder.");
    }

    private Finding Probe(CheckContext context, string folder)
    {
        try
        {
            new ImageFileWriter(folder, context.Settings.Options.Worker.ImageFolderAccess).Probe();
            return Ok("Images can be written.", folder);
        }
        catch (OutputException error)
        {
            return Wrong(error.Message, folder, "Mend the folder, or name another one in BatchGen:Worker:ImageFolder.");
        }
    }
}
