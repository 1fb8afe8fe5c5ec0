using System.Security.Cryptography;
using BatchGen.Core.Failures;
using BatchGen.Core.Files;
using BatchGen.Core.Imaging;
using BatchGen.Core.Jobs;

namespace BatchGen.Imaging.Files;

/// <summary>Writes images so that a file under its final name is always whole, also after a power cut.</summary>
/// <remarks>Thread safe. No file that is there already is ever replaced, whoever wrote it.</remarks>
public sealed class ImageFileWriter
{
    // As long as a small image: an empty file fits a full disk.
    private const int LeastRoom = 64 * 1024;

    // Images that must fit before writing is said to be possible again.
    private const int RoomForImages = 16;

    private readonly string _root;
    private readonly FolderAccess _access;

    // Where the last image could not be written, and how long it was.
    private (string Folder, int Length)? _refused;

    /// <summary>Absolute path of the image folder.</summary>
    public string Folder => _root;

    /// <summary>Makes a writer.</summary>
    /// <param name="folder">The image folder; made when the first image is written.</param>
    /// <param name="access">Who may read the images.</param>
    public ImageFileWriter(string folder, FolderAccess access = FolderAccess.Private)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        _access = access;
        _root = Path.GetFullPath(folder);
    }

    /// <summary>Writes beside the final name, forces to disk, gives the file its name, and forces the folder to disk.</summary>
    /// <param name="jobId">The job.</param>
    /// <param name="epoch">Epoch of the batch that rendered it: another attempt has another name.</param>
    /// <param name="format">Decides the extension.</param>
    /// <param name="bytes">The file.</param>
    /// <exception cref="OutputException">Disk full, no permission, the name is taken, or another failure of the file system.</exception>
    public WrittenImage Write(long jobId, long epoch, ImageFormat format, byte[] bytes)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        var relative = ImagePaths.Of(jobId, epoch, format);
        var final = Path.Combine(_root, relative);
        var folder = Path.GetDirectoryName(final)!;
        var temporary = final + TemporaryNames.UnfinishedExtension;
        var made = false;
        try
        {
            if (!Directory.Exists(folder))
            {
                OwnFiles.CreateFolder(folder, _access);
                FolderSync.Flush(_root);
            }

            // A link that someone put under the name is not followed, and a file not emptied.
            using (var file = OwnFiles.Create(temporary, _access))
            {
                made = true;
                file.Write(bytes);
                file.Flush(flushToDisk: true);
            }

            FinalName.Take(temporary, final);
            FolderSync.Flush(folder);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            if (made) RemoveQuietly(temporary);
            _refused = (folder, bytes.Length);
            throw new OutputException(
                $"The image of job {jobId} cannot be written to '{final}': {Reason(failure)} Free space or give the worker's user write "
                    + "permission, then retry the job.", failure);
        }

        return new WrittenImage(relative, bytes.LongLength, Convert.ToHexStringLower(SHA256.HashData(bytes)));
    }

    /// <summary>
    /// Writes and removes a file of several images' length where the last image could not be written, to learn whether images can be
    /// written now.
    /// </summary>
    /// <exception cref="OutputException">Images cannot be written.</exception>
    public void Probe()
    {
        var (folder, length) = _refused ?? (_root, LeastRoom / RoomForImages);
        var path = Path.Combine(folder, TemporaryNames.NewProbe());
        try
        {
            OwnFiles.CreateFolder(folder, _access);
            using (var file = OwnFiles.Create(path, _access))
            {
                // A file without a name is gone when its process ends, however that ends. Windows keeps names of open files.
                if (!OperatingSystem.IsWindows()) File.Delete(path);
                var piece = new byte[Math.Max(length, LeastRoom / RoomForImages)];
                for (var i = 0; i < RoomForImages; i++) file.Write(piece);
                file.Flush(flushToDisk: true);
            }

            FolderSync.Flush(folder);
            File.Delete(path);
            _refused = null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            RemoveQuietly(path);
            throw new OutputException(
                $"Images cannot be written to '{folder}': {Reason(failure)} Free space or give the worker's user write permission.",
                failure);
        }
    }

    private static string Reason(Exception failure) => failure switch
    {
        UnauthorizedAccessException => "no write permission.",
        // ENOSPC and EDQUOT; .NET keeps the errno in the low word of HResult on Unix and ERROR_DISK_FULL on Windows.
        IOException { HResult: 28 or 122 or unchecked((int)0x80070070) } => "the disk is full.",
        _ => failure.Message.TrimEnd('.') + ".",
    };

    // The first failure is the one to report; upkeep removes what is left over.
    private static void RemoveQuietly(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return;
        }
    }
}

/// <summary>An image file as written.</summary>
/// <param name="RelativePath">Path below the image folder, with '/'.</param>
/// <param name="SizeBytes">Length of the file.</param>
/// <param name="Sha256">Lower-case hex SHA-256 of the file.</param>
public sealed record WrittenImage(string RelativePath, long SizeBytes, string Sha256);
