using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using BatchGen.Core.Files;
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

    // How a message begins that an image cannot be read on this machine. The database tells by it that an attempt was put off because of a
    // start image (db/functions/lacks/could_not_begin.sql); a test holds both equal.
    private const string MessageStart = "Start image '";

    private const int MinEdgePixels = 8;

    // No usual file system holds a longer name.
    private const int MostNameBytes = 255;

    private readonly string _root;
    private readonly Action<byte[]>? _decode;
    private readonly FolderAccess _access;

    /// <summary>Opens the folder; it is created when the first image is added.</summary>
    /// <param name="folder">Path of the folder.</param>
    /// <param name="decode">Decodes an image that is to be added, and throws <see cref="InvalidDataException"/> where that is impossible;
    /// null for a folder that is only read, whose reader decodes anyway.</param>
    /// <param name="access">Who may read images that are added.</param>
    public StartImageFolder(string folder, Action<byte[]>? decode = null, FolderAccess access = FolderAccess.Private)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        _root = Path.GetFullPath(folder);
        _decode = decode;
        _access = access;
    }

    /// <summary>Whether a text may name a start image: a relative path below the folder.</summary>
    /// <remarks>
    /// The database checks the same rule in <c>db/functions/submit/is_start_image_name.sql</c>, for producers that never run this program;
    /// this check keeps a worker from reading outside of the folder. A test holds both equal: it asks both about the same names.
    /// </remarks>
    public static bool IsName(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        // Code points, as the database counts.
        return name.Length > 0 && name.EnumerateRunes().Count() <= 200 && !Unfit().IsMatch(name)
            && name.Split('/').All(part => Encoding.UTF8.GetByteCount(part) <= MostNameBytes);
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
        if (ImageContent.FindProblem(file) is { } problem) throw new StartImageException($"Start image '{name}' {problem}");
        if (Math.Min(header.WidthPixels, header.HeightPixels) >= MinEdgePixels) return header;
        throw new StartImageException(
            $"Start image '{name}' has {header.WidthPixels} x {header.HeightPixels} pixels; expected at least {MinEdgePixels} a side. "
            + "Resize it.");
    }

    /// <summary>Checks that a file may be added, decoding included, and says how it would be named.</summary>
    /// <param name="file">Content of the whole file.</param>
    /// <param name="name">Name of the file in messages.</param>
    /// <exception cref="StartImageException">The file is not an image that a job may start from.</exception>
    public AcceptedStartImage Accept(byte[] file, string name)
    {
        ArgumentNullException.ThrowIfNull(file);
        var header = Check(file, name);
        try
        {
            _decode?.Invoke(file);
        }
        catch (InvalidDataException failure)
        {
            throw new StartImageException(
                $"Start image '{name}' cannot be decoded: {failure.Message.TrimEnd('.')}. Save it again.", failure);
        }

        return new AcceptedStartImage(Convert.ToHexStringLower(SHA256.HashData(file)) + header.Format.Extension(), header, file.Length);
    }

    /// <summary>Adds an image to the folder; an image that is there already stays as it is.</summary>
    /// <param name="file">Content of the whole file.</param>
    /// <param name="name">Name of the file in messages.</param>
    /// <returns>The name that jobs give as <c>start_image</c>.</returns>
    /// <exception cref="StartImageException">The file is not an image that a job may start from, or cannot be written.</exception>
    public string Add(byte[] file, string name)
    {
        var accepted = Accept(file, name);
        Write(accepted, file, name);
        return accepted.Name;
    }

    /// <summary>Writes an accepted image into the folder; an image that is there already stays as it is.</summary>
    /// <param name="accepted">What <see cref="Accept"/> said about the file.</param>
    /// <param name="file">Content of the whole file.</param>
    /// <param name="name">Name of the file in messages.</param>
    /// <exception cref="StartImageException">The file is another one than was accepted, or cannot be written.</exception>
    public void Write(AcceptedStartImage accepted, byte[] file, string name)
    {
        ArgumentNullException.ThrowIfNull(accepted);
        ArgumentNullException.ThrowIfNull(file);
        var stored = accepted.Name;
        if (!stored.StartsWith(Convert.ToHexStringLower(SHA256.HashData(file)), StringComparison.Ordinal))
            throw new StartImageException($"Start image '{name}' changed while it was being submitted. Submit again.");
        var final = Path.Combine(_root, stored);
        // The length is compared too: after a crash a file of this name may be there of which not all was written.
        if (new FileInfo(final) is { Exists: true } there && there.Length == file.Length) return;
        var temporary = TemporaryNames.NewUnfinished(final);
        try
        {
            OwnFiles.CreateFolder(_root, _access);
            using (var output = OwnFiles.Create(temporary, _access))
            {
                output.Write(file);
                output.Flush(flushToDisk: true);
            }

            File.Move(temporary, final, overwrite: true);
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

    /// <summary>Checks an image in the folder that a job is to start from, decoding included.</summary>
    /// <exception cref="StartImageException">The file is missing, unreadable, or not an image that a job may start from.</exception>
    public void CheckKept(string name) => Accept(Read(name), name);

    /// <summary>Reads and checks an image that a job names.</summary>
    /// <exception cref="StartImageException">The file is missing, unreadable, or not an image that a job may start from.</exception>
    public byte[] Read(string name)
    {
        if (!IsName(name))
            throw new StartImageException($"'{name}' is not the name of an image below the start image folder, such as 'cats/1.png'.");
        var path = PathOf(name);
        try
        {
            var file = ReadFile(path, name);
            Check(file, name);
            return file;
        }
        catch (Exception failure) when (failure is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new StartImageException(
                $"{MessageStart}{name}' is not in '{_root}' on this machine. Put it there, then retry the job.", failure)
            {
                IsMissing = true,
            };
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            var remedy = failure is UnauthorizedAccessException ? "Allow reading it" : "Put an image file in its place";
            throw new StartImageException($"{MessageStart}{path}' cannot be read: {failure.Message} {remedy}, then retry the job.", failure)
            {
                MayPass = true,
            };
        }
    }

    /// <summary>Reads a file that is to become a start image.</summary>
    /// <param name="path">The file, or a link to it.</param>
    /// <param name="name">Name of the file in messages.</param>
    /// <exception cref="StartImageException">It is longer than any start image.</exception>
    /// <exception cref="IOException">It is missing, cannot be read, or is no regular file.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not read it.</exception>
    public static byte[] ReadFile(string path, string name)
    {
        if (new FileInfo(path) is { Exists: true, Length: > MaxFileBytes }) throw TooLong(name);
        return RegularFile.ReadAllBytes(path, MaxFileBytes);
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

/// <summary>An image that may be added to the folder.</summary>
/// <param name="Name">The name that jobs give as <c>start_image</c>: SHA-256 and extension.</param>
/// <param name="Header">Format and size.</param>
/// <param name="SizeBytes">Length of the file.</param>
public sealed record AcceptedStartImage(string Name, ImageHeader Header, long SizeBytes);

/// <summary>A start image cannot be used or kept; the message says which, why and what to do.</summary>
public sealed class StartImageException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>True when another attempt may succeed: the file is there and could not be read now.</summary>
    public bool MayPass { get; init; }

    /// <summary>True when there is no file of this name.</summary>
    public bool IsMissing { get; init; }
}
