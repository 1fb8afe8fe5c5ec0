using System.Globalization;
using BatchGen.Core.Files;

namespace BatchGen.Dashboard.Images;

/// <summary>Makes a small image file of a large one.</summary>
/// <param name="file">A PNG, WebP or JPEG file.</param>
/// <param name="edgePixels">The longer edge of the small one.</param>
/// <returns>A WebP file.</returns>
/// <exception cref="InvalidDataException">The file is not such an image.</exception>
public delegate byte[] ThumbnailEncoder(byte[] file, int edgePixels);

/// <summary>Small images for grids, each made once and kept on disk; the folder may be deleted at any time.</summary>
internal sealed class ThumbnailStore(DashboardFolders folders, ThumbnailEncoder encode, TimeProvider clock) : IDisposable
{
    /// <summary>Longer edge in pixels, enough for a grid on a screen of double density.</summary>
    public const int EdgePixels = 320;

    private const int PerFolder = 1000;

    // Longer than any image that a worker writes.
    private const long MaxImageBytes = 512L << 20;

    // Each decodes a whole image: more at once would only take the processor from the workers on this machine.
    private readonly SemaphoreSlim _gate = new(2);

    /// <summary>The file of a job's thumbnail, made now when it is not there.</summary>
    /// <param name="jobId">The job.</param>
    /// <param name="sha256">SHA-256 of the image file: an image rendered again gets another thumbnail.</param>
    /// <param name="image">Path of the image file.</param>
    /// <param name="cancellationToken">Ends the wait for a free place among the encoders.</param>
    /// <returns>The path; null when the image cannot be read.</returns>
    public async Task<string?> FindAsync(long jobId, string sha256, string image, CancellationToken cancellationToken)
    {
        var folder = (jobId / PerFolder).ToString(CultureInfo.InvariantCulture);
        var path = Path.Combine(folders.Thumbnails, folder, string.Create(CultureInfo.InvariantCulture, $"{jobId}-{sha256[..16]}.webp"));
        if (File.Exists(path)) return path;
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (File.Exists(path)) return path;
            var small = encode(RegularFile.ReadAllBytes(image, MaxImageBytes), EdgePixels);
            OwnFiles.CreateFolder(Path.GetDirectoryName(path)!, FolderAccess.Private);
            // Another process may make the same thumbnail: each writes a file of its own first and renames it then.
            var draft = Path.ChangeExtension(path, Guid.NewGuid().ToString("N"));
            await OwnFiles.WriteAsync(draft, small, FolderAccess.Private, cancellationToken);
            File.Move(draft, path, overwrite: true);
            return path;
        }
        catch (Exception failure) when (failure is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            // A grid that lacks one thumbnail is better than none: the image itself is shown, or its absence.
            return null;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Deletes thumbnails made longer ago; one that is asked for later is made again.</summary>
    /// <returns>How many were deleted.</returns>
    public int DeleteOlderThan(TimeSpan age, CancellationToken cancellationToken)
    {
        if (!Directory.Exists(folders.Thumbnails)) return 0;
        var before = (clock.GetUtcNow() - age).UtcDateTime;
        var deleted = 0;
        foreach (var file in new DirectoryInfo(folders.Thumbnails).EnumerateFiles("*", SearchOption.AllDirectories))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (file.LastWriteTimeUtc >= before) continue;
            file.Delete();
            deleted++;
        }

        return deleted;
    }

    /// <inheritdoc/>
    public void Dispose() => _gate.Dispose();
}
