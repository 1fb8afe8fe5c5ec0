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
        Patient patient, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        var folder = WorkerHost.ImageFolder(patient.Settings);
        string? problem = null;
        try
        {
            new ImageFileWriter(folder).Probe();
        }
        catch (OutputException error)
        {
            problem = error.Message;
        }

        yield return problem is null
            ? Ok("Images can be written.", folder)
            : Wrong(problem, folder, "Mend the folder, or name another one in BatchGen:Worker:ImageFolder.");
        var startImages = WorkerHost.StartImageFolder(patient.Settings);
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
}
