using System.Security.Cryptography;

namespace BatchGen.Backups;

/// <summary>Files and folders that only their owner may open.</summary>
internal static class PrivateFiles
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const int BlockBytes = 1 << 20;

    /// <summary>Makes a folder for the owner alone, and those above it that are missing.</summary>
    public static void CreateFolder(string path)
    {
        if (Path.GetDirectoryName(path) is { } parent && !Directory.Exists(parent)) CreateFolder(parent);
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(path);
        else Directory.CreateDirectory(path, OwnerOnly | UnixFileMode.UserExecute);
    }

    /// <summary>Opens a new file for the owner alone.</summary>
    /// <exception cref="IOException">There is a file of this name.</exception>
    public static FileStream Create(string path)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, BufferSize = 0 };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = OwnerOnly;
        return new FileStream(path, options);
    }

    /// <summary>Copies a file into a new one for the owner alone, and forces it to disk.</summary>
    /// <returns>Length and lower-case hex SHA-256 of what was copied.</returns>
    public static async Task<(long SizeBytes, string Sha256)> CopyAsync(string from, string to, CancellationToken cancellationToken)
    {
        const FileShare Shared = FileShare.ReadWrite | FileShare.Delete;
        await using var source = new FileStream(from, FileMode.Open, FileAccess.Read, Shared, bufferSize: 0);
        await using var target = Create(to);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var block = new byte[BlockBytes];
        long size = 0;
        while (await source.ReadAsync(block, cancellationToken) is > 0 and var read)
        {
            hash.AppendData(block, 0, read);
            await target.WriteAsync(block.AsMemory(0, read), cancellationToken);
            size += read;
        }

        target.Flush(flushToDisk: true);
        return (size, Convert.ToHexStringLower(hash.GetHashAndReset()));
    }

    /// <summary>Length and lower-case hex SHA-256 of a file.</summary>
    public static async Task<(long SizeBytes, string Sha256)> HashAsync(string path, CancellationToken cancellationToken)
    {
        await using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        var digest = await SHA256.HashDataAsync(stream, cancellationToken);
        return (stream.Length, Convert.ToHexStringLower(digest));
    }

    /// <summary>Takes a file that another program made from everybody but its owner, and forces it to disk.</summary>
    public static void Close(string path)
    {
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, OwnerOnly);
        using var stream = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read, bufferSize: 0);
        stream.Flush(flushToDisk: true);
    }
}
