using System.Runtime.CompilerServices;
using BatchGen.Composition;
using BatchGen.Core.Texts;
using BatchGen.Queue.Reports;

namespace BatchGen.Doctor;

/// <summary>Whether the newest images that the database names lie in the image folder, as they do not after a backup was restored
/// without them, or where another folder is mounted.</summary>
internal sealed class RecordedImagesCheck() : DoctorCheck("images", needsDatabase: true)
{
    // Enough to see a wrong folder; looking at every file would take minutes.
    private const int Newest = 100;

    /// <inheritdoc/>
    public override async IAsyncEnumerable<Finding> RunAsync(
        CheckContext context, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var folder = WorkerHost.ImageFolder(context.Settings);
        var recorded = await new ImageCatalog(context.OpenDatabase).ListNewestFilesAsync(Newest, cancellationToken);
        if (recorded.Count == 0) yield break;
        var lost = recorded.Where(image => !IsThere(folder, image)).ToArray();
        if (lost is [])
        {
            yield return Ok($"{Quantities.Count(recorded.Count, "newest image is", "newest images are")} in the image folder.", folder);
            yield break;
        }

        yield return Wrong(
            $"Of the {Quantities.Count(recorded.Count, "newest image", "newest images")} that the database names, {lost.Length} "
                + $"{(lost.Length == 1 ? "is" : "are")} missing in the image folder or {(lost.Length == 1 ? "has" : "have")} another size.",
            Path.Combine(folder, lost[0].Path),
            "Mount the folder that workers write to, or copy the images into it; a backup has them only with --images.");
    }

    private static bool IsThere(string folder, ImageFile image)
    {
        var file = new FileInfo(Path.Combine(folder, image.Path));
        return file.Exists && file.Length == image.SizeBytes;
    }
}
