using System.Security.Cryptography;
using System.Text.RegularExpressions;
using BatchGen.Core.Imaging;
using BatchGen.Core.Jobs;

namespace BatchGen.Core.Submitting;

/// <summary>
/// The folder that holds the start images of jobs. A file that is added is named by its SHA-256, so that the same image is kept once.
/// </summary>
/// <remarks>Thread safe, also between processes.</remarks>
public sealed partial class StartImageFolder
{
    /// <summary>Length of the longest file that is accepted.</summary>
    public const int MaxFileBytes = 32 << 20;

    // A lossless WebP image has at most 16,384 pixels a side; the limit of the area keeps a decoded image at about 200 MB.
    private const int MaxEdgePixels = 16_384;
    private const long MaxPixels = 1L << 26;
    private const int MinEdgePixels = 8;

    private readonly string _root;

    /// <summary>Opens the folder; it is created when the first image is added.</summary>
    /// <param name="folder">Path of the folder.</param>
    public StartImageFolder(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        _root = Path.GetFullPath(folder);
    }

    /// <summary>Whether a text may name a start image: a relative path below the folder.</summary>
    /// <remarks>
    /// The database checks the same rule in <c>db/functions/submit/is_start_image_name.sql</c>, for producers that never run this program;
    /// this check keeps a worker from reading outside of the folder. A test holds both equal: it asks both about the same names.
    /// </remarks>
    public static bool IsName(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name.Length is > 0 and <= 200 && !Unfit().IsMatch(name);
    }

    /// <summary>Checks that a file is an image that a job may start from, without decoding it.</summary>
    /// <param name="file">Content of the whole file.</param>
    /// <param name="name">Name of the file in messages.</param>
    /// <exception cref="StartImageException">The file is no such image; the message says why and what to do.</exception>
    public static ImageHeader Check(ReadOnlySpan<byte> file, string name)
    {
        if (file.Length > MaxFileBytes) throw TooLong(name);
        if (ImageHeader.FormatOf(file) is null)
            throw new StartImageException($"Start image '{name}' is not a PNG, WebP or JPEG image; convert it to one of them.");
        if (ImageHeader.Read(file) is not { } header)
            throw new StartImageException($"Start image '{name}' is damaged: it ends before its size is given. Save it again.");
        var (width, height) = (header.WidthPixels, header.HeightPixels);
        if (Math.Min(width, height) >= MinEdgePixels && Math.Max(width, height) <= MaxEdgePixels && (long)width * height <= MaxPixels)
            return header;
        throw new StartImageException(
            $"Start image '{name}' has {width} x {height} pixels; expected {MinEdgePixels} to {MaxEdgePixels} a side "
            + $"and at most {MaxPixels} in all. Resize it.");
    }

    /// <summary>Adds an image to the folder; an image that is there already stays as it is.</summary>
    /// <param name="file">Content of the whole file.</param>
    /// <param name="name">Name of the file in messages.</param>
    /// <returns>The name that jobs give as <c>start_image</c>.</returns>
    /// <exception cref="StartImageException">The file is not an image that a job may start from, or cannot be written.</exception>
    public string Add(byte[] file, string name)
    {
        ArgumentNullException.ThrowIfNull(file);
        var stored = Convert.ToHexStringLower(SHA256.HashData(file)) + Check(file, name).Format.Extension();
        var final = Path.Combine(_root, stored);
        // The length is compared too: after a crash a file of this name may be there of which not all was written.
        if (new FileInfo(final) is { Exists: true } there && there.Length == file.Length) return stored;
        var temporary = $"{final}.{Guid.NewGuid():N}.part";
        try
        {
            Directory.CreateDirectory(_root);
            using (var output = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0))
            {
                output.Write(file);
                output.Flush(flushToDisk: true);
            }

            File.Move(temporary, final, overwrite: true);
            return stored;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            RemoveIfPossible(temporary);
            throw new StartImageException(
                $"Start image '{name}' cannot be written into '{_root}': {failure.Message} Free space or allow writing there.", failure);
        }
    }

    /// <summary>Whether an image of this name is in the folder.</summary>
    public bool Has(string name) => IsName(name) && File.Exists(PathOf(name));

    /// <summary>Reads and checks an image that a job names.</summary>
    /// <exception cref="StartImageException">The file is missing, unreadable, or not an image that a job may start from.</exception>
    public byte[] Read(string name)
    {
        if (!IsName(name))
            throw new StartImageException($"'{name}' is not the name of an image below the start image folder, such as 'cats/1.png'.");
        var path = PathOf(name);
        try
        {
            if (new FileInfo(path) is { Exists: true, Length: > MaxFileBytes }) throw TooLong(name);
            var file = File.ReadAllBytes(path);
            Check(file, name);
            return file;
        }
        catch (Exception failure) when (failure is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new StartImageException(
                $"Start image '{name}' is not in '{_root}' on this machine. Put it there, then retry the job.", failure);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new StartImageException(
                $"Start image '{path}' cannot be read: {failure.Message} Allow reading it, then retry the job.", failure)
            {
                MayPass = true,
            };
        }
    }

    // A failure to remove is not reported: the failure to write, which came before it, is.
    private static void RemoveIfPossible(string path)
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

    private string PathOf(string name) => Path.Combine(_root, name.Replace('/', Path.DirectorySeparatorChar));

    private static StartImageException TooLong(string name) =>
        new($"Start image '{name}' has more than {MaxFileBytes >> 20} MB; save it smaller.");

    [GeneratedRegex(
        @"^[/ ]|[/ ]$|//|[\\:*?""<>|\p{Cc}]|(^|/)\.{1,2}(/|$)",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Unfit();
}

/// <summary>A start image cannot be used or kept; the message says which, why and what to do.</summary>
public sealed class StartImageException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>True when another attempt may succeed: the file is there and could not be read now.</summary>
    public bool MayPass { get; init; }
}
