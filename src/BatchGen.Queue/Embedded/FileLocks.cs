using System.Diagnostics;
using BatchGen.Core.Files;
using Microsoft.Extensions.Logging;

namespace BatchGen.Queue.Embedded;

/// <summary>Locks on files by which programs that use one cluster know of each other. The system drops a lock when its process
/// ends, however it ends.</summary>
/// <remarks>On Unix the share mode is an advisory flock: <see cref="FileShare.None"/> is exclusive,
/// <see cref="FileShare.Read"/> is shared.</remarks>
internal static class FileLocks
{
    // EWOULDBLOCK: another process holds the lock. .NET keeps the errno in the low word of HResult.
    private const int WouldBlockOnLinux = 11, WouldBlockOnMac = 35;

    private static readonly TimeSpan RetryInterval = TimeSpan.FromMilliseconds(50);

    // Five seconds of waiting are worth a line in the log.
    private const int TriesBeforeWarning = 100;

    /// <summary>Waits for an exclusive lock.</summary>
    /// <param name="file">The file.</param>
    /// <param name="limit">How long it may take.</param>
    /// <param name="logger">Where a long wait is logged.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="QueueException">Another process kept the lock all the time; says which, where it is known.</exception>
    public static async Task<FileStream> LockAsync(string file, TimeSpan limit, ILogger logger, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        for (var tries = 0; ; tries++)
        {
            if (TryLock(file, out var stream)) return stream!;
            if (Stopwatch.GetElapsedTime(started) >= limit) throw await KeptAsync(file, limit, cancellationToken);
            if (tries == TriesBeforeWarning) Log.WaitingForLock(logger, file);
            await Task.Delay(RetryInterval, cancellationToken);
        }
    }

    private static async Task<QueueException> KeptAsync(string file, TimeSpan limit, CancellationToken cancellationToken)
    {
        var holder = await LockHolder.FindAsync(file, cancellationToken);
        return new QueueException($"The lock {file}, under which one program at a time starts or stops the private database, was not free "
            + $"within {limit.TotalSeconds:0} s: {holder ?? "another program"} holds it. End that program if it hangs, and try again.");
    }

    /// <summary>Takes an exclusive lock when no other process holds a lock on the file.</summary>
    public static bool TryLock(string file, out FileStream? stream)
    {
        try
        {
            stream = Open(file, FileAccess.ReadWrite, FileShare.None);
            return true;
        }
        catch (IOException error) when ((error.HResult & 0xffff) is WouldBlockOnLinux or WouldBlockOnMac)
        {
            stream = null;
            return false;
        }
    }

    /// <summary>Takes a lock that several processes may hold at once.</summary>
    public static FileStream LockShared(string file)
    {
        if (!File.Exists(file)) Open(file, FileAccess.ReadWrite, FileShare.ReadWrite).Dispose();
        return Open(file, FileAccess.Read, FileShare.Read);
    }

    // Only the owner may open the file: whoever can open it can hold the lock, and nobody else could start or stop the server then.
    private static FileStream Open(string file, FileAccess access, FileShare share)
    {
        var options = new FileStreamOptions
        {
            Mode = access == FileAccess.Read ? FileMode.Open : FileMode.OpenOrCreate, Access = access, Share = share,
        };
        if (OperatingSystem.IsWindows()) return new FileStream(file, options);
        if (new FileInfo(file).LinkTarget is { } target) throw new IOException($"{file} is a link to {target}; remove it.");
        if (access != FileAccess.Read) options.UnixCreateMode = OwnFiles.PrivateFile;
        var stream = new FileStream(file, options);
        // An older version made it readable for everybody.
        if (File.GetUnixFileMode(stream.SafeFileHandle) != OwnFiles.PrivateFile)
            File.SetUnixFileMode(stream.SafeFileHandle, OwnFiles.PrivateFile);
        return stream;
    }
}
