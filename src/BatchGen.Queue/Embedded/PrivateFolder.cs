using BatchGen.Core.Files;

namespace BatchGen.Queue.Embedded;

/// <summary>Looks at folders before secrets, locks or a socket are put into them: whoever else owns one, or can write to it, could put
/// something else there first.</summary>
internal static class PrivateFolder
{
    // Octal 022 and 002.
    private const int WritableByGroupOrOthers = 18, WritableByOthers = 2;

    /// <summary>Makes a folder that only its owner may enter, or checks the one that is there.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="user">Its owner.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="QueueException">It is a link, belongs to another user, or others can write to it.</exception>
    public static async Task EnsureAsync(string path, ServerUser user, CancellationToken cancellationToken)
    {
        if (await LookAsync(path, cancellationToken) is null)
        {
            // A folder that appears meanwhile is left as it is, and the look below refuses what somebody else made.
            Make(path);
            await user.OwnAsync(path, cancellationToken);
        }

        var found = await LookAsync(path, cancellationToken) ?? throw new QueueException($"The folder {path} could not be made.");
        RequireFolder(path, found);
        // Root made it and was interrupted before it gave it to the server's user.
        if (found.Owner == await ServerUser.CallerIdAsync(cancellationToken)) await user.OwnAsync(path, cancellationToken);
        else await RequireOwnerAsync(path, found, user, cancellationToken);
        RequireNotWritable(path, found, WritableByGroupOrOthers);
    }

    /// <summary>Makes the folder that the caller named, which holds locks and password, or checks the one that is there.</summary>
    /// <exception cref="QueueException">It is no folder, it or a link to it belongs to another user, or everybody can write to
    /// it.</exception>
    public static async Task EnsureOwnAsync(string path, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path) ?? path);
        if (!Directory.Exists(path)) Make(path, UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        // The caller may name its own folder through a link of its own; one of another user would choose which folder of the caller's.
        var entry = await LookAsync(path, cancellationToken) ?? throw new QueueException($"The folder {path} could not be made.");
        await RequireOwnerAsync(path, entry, new ServerUser((string?)null), cancellationToken);
        var target = new DirectoryInfo(path).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? path;
        var found = await LookAsync(target, cancellationToken) ?? throw new QueueException($"The folder {path} could not be made.");
        RequireFolder(path, found);
        await RequireOwnerAsync(path, found, new ServerUser((string?)null), cancellationToken);
        RequireNotWritable(path, found, WritableByOthers);
        // Where people share a primary group, a folder made by an older version may be writable for it.
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(target, File.GetUnixFileMode(target) & ~UnixFileMode.GroupWrite);
    }

    private static void Make(string path, UnixFileMode more = UnixFileMode.None)
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(path);
        else Directory.CreateDirectory(path, OwnFiles.PrivateFolder | more);
    }

    private static void RequireFolder(string path, Entry found)
    {
        if (found.IsFolder) return;
        throw new QueueException($"{path} is not a folder but a link or a file; the database's files and socket are put into "
            + "real folders only. Remove it, or choose another folder.");
    }

    private static async Task RequireOwnerAsync(string path, Entry found, ServerUser user, CancellationToken cancellationToken)
    {
        var expected = await user.IdAsync(cancellationToken);
        if (found.Owner == expected) return;
        throw new QueueException($"The folder {path} belongs to user {found.Owner} and not to user {expected}, so that another user "
            + "could replace the database's files and socket. Use the user that made it, remove it, or choose another folder.");
    }

    private static void RequireNotWritable(string path, Entry found, int bits)
    {
        if ((found.Mode & bits) == 0) return;
        throw new QueueException($"Other users can write to the folder {path} (mode {Convert.ToString(found.Mode, 8)}) and could replace "
            + $"the database's files and socket. Look what is in it, then run: chmod go-w {path}");
    }

    // The entry itself, not what a link leads to; null when there is none.
    private static async Task<Entry?> LookAsync(string path, CancellationToken cancellationToken)
    {
        // BSD's stat, which macOS has, takes another format.
        string[] arguments = OperatingSystem.IsMacOS() ? ["-f", "%u %Lp %HT", path] : ["-c", "%u %a %F", "--", path];
        if (await Programs.TryRunAsync("stat", arguments, cancellationToken) is not { ExitCode: 0 } answer) return null;
        var words = answer.Output.Trim().Split(' ', 3);
        return new Entry(
            words[0], Convert.ToInt32(words[1], 8), string.Equals(words[2], "directory", StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>An entry of the file system.</summary>
    /// <param name="Owner">Number of the user.</param>
    /// <param name="Mode">Permission bits.</param>
    /// <param name="IsFolder">False for links too.</param>
    private sealed record Entry(string Owner, int Mode, bool IsFolder);
}
