using System.Security.Cryptography;
using System.Text.RegularExpressions;
using BatchGen.Core.Imaging;
using BatchGen.Core.Jobs;

namespace BatchGen.Core.Submitting;

/// <summary>The one folder that jobs name their start pictures in. What is put there gets its SHA-256 as name, so the same picture is kept once.</summary>
/// <remarks>Thread safe, also between processes.</remarks>
public sealed partial class StartImageFolder
{
    /// <summary>Longest file taken.</summary>
    public const int MaxFileBytes = 32 << 20;

    // A side of 16,384 is what the file forms themselves allow at most; the area keeps a decoded picture below 200 MB.
    private const int MaxEdgePixels = 16_384;
    private const long MaxPixels = 1L << 26;
    private const int MinEdgePixels = 8;

    private readonly string _root;

    /// <summary>Opens the folder; it is made when the first picture is put there.</summary>
    /// <param name="folder">Its path.</param>
    public StartImageFolder(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        _root = Path.GetFullPath(folder);
    }

    /// <summary>Whether a text may name a start picture: the rule of the database's <c>is_start_image_name</c>.</summary>
    public static bool IsName(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name.Length is > 0 and <= 200 && !Unfit().IsMatch(name);
    }

    /// <summary>Checks that bytes are a picture that a job may start from, without decoding them.</summary>
    /// <param name="file">The whole file.</param>
    /// <param name="name">What messages call it.</param>
    /// <exception cref="StartImageException">They are not; the message says why and what to do.</exception>
    public static ImageHeader Check(ReadOnlySpan<byte> file, string name)
    {
        if (file.Length > MaxFileBytes) throw TooLong(name);
        if (ImageHeader.FormatOf(file) is null) throw new StartImageException($"Start picture '{name}' is not a PNG, WebP or JPEG picture; convert it to one of them.");
        if (ImageHeader.Read(file) is not { } header) throw new StartImageException($"Start picture '{name}' is damaged: it ends before its size is told. Save it again.");
        var (width, height) = (header.WidthPixels, header.HeightPixels);
        return Math.Min(width, height) >= MinEdgePixels && Math.Max(width, height) <= MaxEdgePixels && (long)width * height <= MaxPixels
            ? header
            : throw new StartImageException(
                $"Start picture '{name}' has {width} x {height} pixels; expected {MinEdgePixels} to {MaxEdgePixels} a side and at most {MaxPixels} in all. Resize it.");
    }

    /// <summary>Puts a picture into the folder; one that is there already stays as it is.</summary>
    /// <param name="file">The whole file.</param>
    /// <param name="name">What messages call it.</param>
    /// <returns>Its name: what a job gives as <c>start_image</c>.</returns>
    /// <exception cref="StartImageException">Not a picture that a job may start from, or it cannot be written.</exception>
    public string Add(byte[] file, string name)
    {
        ArgumentNullException.ThrowIfNull(file);
        var stored = Convert.ToHexStringLower(SHA256.HashData(file)) + Check(file, name).Format.Extension();
        var final = Path.Combine(_root, stored);
        // The length too: a name says what should be in a file, not that all of it was written.
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
            RemoveQuietly(temporary);
            throw new StartImageException($"Start picture '{name}' cannot be put into '{_root}': {failure.Message} Free space or allow writing there.", failure);
        }
    }

    /// <summary>Whether a picture of this name is in the folder.</summary>
    public bool Has(string name) => IsName(name) && File.Exists(PathOf(name));

    /// <summary>Reads a picture that a job names, and checks it.</summary>
    /// <exception cref="StartImageException">Missing, unreadable, or not a picture that a job may start from.</exception>
    public byte[] Read(string name)
    {
        if (!IsName(name)) throw new StartImageException($"'{name}' is not the name of a picture below the start image folder, such as 'cats/1.png'.");
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
            throw new StartImageException($"Start picture '{name}' is not in '{_root}' on this machine. Put it there, then retry the job.", failure);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new StartImageException($"Start picture '{path}' cannot be read: {failure.Message} Allow reading it, then retry the job.", failure) { MayPass = true };
        }
    }

    // The first failure is the one to report.
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

    private string PathOf(string name) => Path.Combine(_root, name.Replace('/', Path.DirectorySeparatorChar));

    private static StartImageException TooLong(string name) => new($"Start picture '{name}' has more than {MaxFileBytes >> 20} MB; save it smaller.");

    [GeneratedRegex(@"^[/ ]|[/ ]$|//|[\\:*?""<>|\p{Cc}]|(^|/)\.{1,2}(/|$)", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Unfit();
}

/// <summary>A start picture cannot be used or kept; the message says which, why and what to do.</summary>
public sealed class StartImageException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>True when another attempt may succeed: the file is there and could not be read now.</summary>
    public bool MayPass { get; init; }
}
