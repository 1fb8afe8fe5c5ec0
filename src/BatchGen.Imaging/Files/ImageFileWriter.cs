using System.Security.Cryptography;
using BatchGen.Core.Failures;
using BatchGen.Core.Jobs;

namespace BatchGen.Imaging.Files;

/// <summary>Writes pictures so that a file under its final name is always whole, also after a power cut.</summary>
/// <remarks>Thread safe for different jobs. Writing a job's picture again replaces the file in one step.</remarks>
public sealed class ImageFileWriter
{
    private readonly string _root;

    /// <summary>Makes a writer.</summary>
    /// <param name="folder">The image folder; made when the first picture is written.</param>
    public ImageFileWriter(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        _root = Path.GetFullPath(folder);
    }

    /// <summary>Writes beside the final name, forces to disk, renames, and forces the folder to disk.</summary>
    /// <exception cref="OutputException">Disk full, no permission, or another failure of the file system.</exception>
    public WrittenImage Write(long jobId, ImageFormat format, byte[] bytes)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        var relative = ImagePaths.Of(jobId, format);
        var final = Path.Combine(_root, relative);
        var folder = Path.GetDirectoryName(final)!;
        var temporary = final + ".part";
        try
        {
            if (!Directory.Exists(folder))
            {
                Directory.CreateDirectory(folder);
                FolderSync.Flush(_root);
            }

            using (var file = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0))
            {
                file.Write(bytes);
                file.Flush(flushToDisk: true);
            }

            File.Move(temporary, final, overwrite: true);
            FolderSync.Flush(folder);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            RemoveQuietly(temporary);
            throw new OutputException(
                $"The picture of job {jobId} cannot be written to '{final}': {Reason(failure)} Free space or give the worker's user write permission, then retry the job.", failure);
        }

        return new WrittenImage(relative, bytes.LongLength, Convert.ToHexStringLower(SHA256.HashData(bytes)));
    }

    /// <summary>Writes and removes a small file, to learn whether pictures could be written now.</summary>
    /// <exception cref="OutputException">They could not.</exception>
    public void Probe()
    {
        var path = Path.Combine(_root, $".probe-{Environment.ProcessId}");
        try
        {
            Directory.CreateDirectory(_root);
            using (var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0))
            {
                // As long as a small picture: an empty file fits a full disk.
                file.Write(new byte[64 * 1024]);
                file.Flush(flushToDisk: true);
            }

            File.Delete(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            RemoveQuietly(path);
            throw new OutputException($"Pictures cannot be written to '{_root}': {Reason(failure)} Free space or give the worker's user write permission.", failure);
        }
    }

    private static string Reason(Exception failure) => failure switch
    {
        UnauthorizedAccessException => "no write permission.",
        // ENOSPC and EDQUOT; .NET keeps the errno in the low word of HResult on Unix and ERROR_DISK_FULL on Windows.
        IOException { HResult: 28 or 122 or unchecked((int)0x80070070) } => "the disk is full.",
        _ => failure.Message.TrimEnd('.') + ".",
    };

    // The first failure is the one to report; a leftover is overwritten by the next attempt.
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

/// <summary>A picture file as written.</summary>
/// <param name="RelativePath">Path below the image folder, with '/'.</param>
/// <param name="SizeBytes">Length of the file.</param>
/// <param name="Sha256">Lower-case hex SHA-256 of the file.</param>
public sealed record WrittenImage(string RelativePath, long SizeBytes, string Sha256);
