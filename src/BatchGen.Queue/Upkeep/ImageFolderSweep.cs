using BatchGen.Core.Files;
using BatchGen.Core.Imaging;
using NpgsqlTypes;
using static BatchGen.Queue.QueueDatabase;

namespace BatchGen.Queue.Upkeep;

/// <summary>Removes what workers left behind in the image folder: files that were never finished, images that were never recorded (the
/// job was cancelled or failed while its image was being saved, or the worker had lost its lease), and probes.</summary>
/// <remarks>A file stays unless it is certain that a worker of this database wrote it and that no row names it: files of other databases
/// over the same folder, and whatever people put there, are never touched.</remarks>
public sealed class ImageFolderSweep(QueueDatabase database, TimeProvider clock)
{
    // Longer than what a worker writes as a probe; reading stops there.
    private const int MaxProbeBytes = 1 << 30;

    private static readonly EnumerationOptions WithoutLinks = new()
    {
        AttributesToSkip = FileAttributes.ReparsePoint, // A link may lead out of the folder.
        IgnoreInaccessible = true,
    };

    /// <summary>Looks through the whole folder once.</summary>
    /// <param name="folder">The image folder; one that is not there has nothing to remove.</param>
    /// <param name="grace">How long ago a file must have been written, and its batch have ended.</param>
    /// <param name="cancellationToken">Stops between two files.</param>
    /// <returns>Files removed.</returns>
    public async Task<int> SweepAsync(string folder, TimeSpan grace, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        var root = new DirectoryInfo(folder);
        if (!root.Exists) return 0;
        var removed = RemoveProbes(root, grace);
        foreach (var below in root.EnumerateDirectories("*", WithoutLinks))
        {
            cancellationToken.ThrowIfCancellationRequested();
            removed += RemoveProbes(below, grace) + await SweepImagesAsync(below, grace, cancellationToken);
        }

        return removed;
    }

    // At most a thousand jobs have their images in a folder, so one query for each is enough.
    private async Task<int> SweepImagesAsync(DirectoryInfo folder, TimeSpan grace, CancellationToken cancellationToken)
    {
        var files = folder.EnumerateFiles("*", WithoutLinks)
            .Select(file => (File: file, Name: ImagePaths.Read(file.Name)))
            .Where(found => found.Name is { } name && ImagePaths.FolderOf(name.JobId) == folder.Name && IsOld(found.File, grace))
            .ToDictionary(
                found => folder.Name + "/" + found.File.Name, found => (found.File, Name: found.Name!.Value), StringComparer.Ordinal);
        if (files.Count == 0) return 0;
        var leftovers = await database.ListAsync<string>("list_leftover_images",
        [
            Parameter("paths", NpgsqlDbType.Array | NpgsqlDbType.Text, files.Keys.ToArray()),
            Parameter("job_ids", NpgsqlDbType.Array | NpgsqlDbType.Bigint, files.Values.Select(found => found.Name.JobId).ToArray()),
            Parameter("epochs", NpgsqlDbType.Array | NpgsqlDbType.Bigint, files.Values.Select(found => found.Name.Epoch).ToArray()),
            Parameter("grace", NpgsqlDbType.Interval, grace),
        ], cancellationToken);
        return leftovers.Count(path => IsRemoved(files[path].File));
    }

    private int RemoveProbes(DirectoryInfo folder, TimeSpan grace) => folder.EnumerateFiles(TemporaryNames.ProbePattern, WithoutLinks)
        .Count(file => TemporaryNames.IsProbe(file.Name) && IsOld(file, grace) && IsBlank(file) && IsRemoved(file));

    private bool IsOld(FileInfo file, TimeSpan grace) => clock.GetUtcNow().UtcDateTime - file.LastWriteTimeUtc > grace;

    // Workers write nothing but zeros into a probe; a file with anything else in it is somebody's.
    private static bool IsBlank(FileInfo file)
    {
        if (file.Length > MaxProbeBytes) return false;
        try
        {
            using var input = RegularFile.Open(file.FullName);
            var piece = new byte[64 * 1024];
            for (int read; (read = input.Read(piece)) > 0;)
            {
                if (piece.AsSpan(0, read).ContainsAnyExcept((byte)0)) return false;
            }

            return true;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    // A file that cannot be removed now is tried again by the next run.
    private static bool IsRemoved(FileInfo file)
    {
        try
        {
            file.Delete();
            return true;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
