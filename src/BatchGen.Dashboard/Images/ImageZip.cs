using System.Globalization;
using System.IO.Compression;
using BatchGen.Core.Files;
using BatchGen.Queue.Reports;

namespace BatchGen.Dashboard.Images;

/// <summary>All images of a list in one zip file.</summary>
internal static class ImageZip
{
    /// <summary>Most images of one file: enough for a night's campaign; a larger set is better copied from the image folder.</summary>
    public const int MaxImages = 20_000;

    /// <summary>Entry that says which images are not in the file; only there when some are not.</summary>
    public const string MissingEntry = "NOT-ALL-IMAGES.txt";

    private const int PageSize = 500;
    private const int MaxNamed = 100;

    /// <summary>Writes the images, newest first, while they are found.</summary>
    public static async Task WriteAsync(
        Stream output,
        ImageFilter filter,
        int maxImages,
        ImageCatalog catalog,
        DashboardFolders folders,
        CancellationToken cancellationToken)
    {
        await using var zip = new ZipArchive(output, ZipArchiveMode.Create, leaveOpen: true);
        var (written, full) = (0, false);
        var withoutFile = new List<long>();
        for (ImagePage? page = null; !full && page is not { Next: null };)
        {
            page = await catalog.ListAsync(filter with { Before = page?.Next, Limit = PageSize }, cancellationToken);
            foreach (var card in page.Images)
            {
                if (full = written == maxImages) break;
                if (await FindFileAsync(card.JobId, catalog, folders, cancellationToken) is not { } path)
                {
                    withoutFile.Add(card.JobId);
                    continue;
                }

                await AddAsync(zip, path, cancellationToken);
                written++;
            }
        }

        // The browser has the first bytes long before the end is known: only the file itself can still say what it lacks.
        if (full || withoutFile.Count > 0) await AddNoteAsync(zip, full ? maxImages : null, withoutFile, cancellationToken);
    }

    private static async Task<string?> FindFileAsync(
        long jobId, ImageCatalog catalog, DashboardFolders folders, CancellationToken cancellationToken) =>
            await catalog.FindAsync(jobId, cancellationToken) is { } image ? ImageFiles.Locate(folders, image.Path) : null;

    // Stored as it is: images are compressed already, and so the stream starts at once.
    private static async Task AddAsync(ZipArchive zip, string path, CancellationToken cancellationToken)
    {
        await using var target = await zip.CreateEntry(Path.GetFileName(path), CompressionLevel.NoCompression).OpenAsync(cancellationToken);
        await using var source = RegularFile.Open(path);
        await source.CopyToAsync(target, cancellationToken);
    }

    private static async Task AddNoteAsync(ZipArchive zip, int? limit, List<long> withoutFile, CancellationToken cancellationToken)
    {
        await using var note = new StreamWriter(await zip.CreateEntry(MissingEntry).OpenAsync(cancellationToken));
        if (limit is not null)
        {
            await note.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
                $"This file holds the newest {limit} images of the list; there are older ones. ")
                + "Narrow the list by campaign, signature or day, or copy the image folder.");
        }

        if (withoutFile.Count > 0)
        {
            var named = string.Join(", ", withoutFile.Take(MaxNamed).Select(id => id.ToString(CultureInfo.InvariantCulture)));
            var more = withoutFile.Count > MaxNamed ? ", ..." : "";
            await note.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
                $"{withoutFile.Count} images are recorded, but their files are not in the image folder of this machine. "
                    + $"Jobs: {named}{more}"));
        }
    }
}
