namespace BatchGen.Queue.Embedded;

/// <summary>The user as whom the server programs run: the caller, or an unprivileged user when the caller is root,
/// which PostgreSQL refuses.</summary>
/// <param name="Name">User name; null means the caller.</param>
internal sealed record ServerUser(string? Name)
{
    private static readonly string[] Preferred = ["postgres", "nobody"];

    /// <summary>Chooses the user.</summary>
    /// <exception cref="QueueException">The caller is root, and no other user can be used.</exception>
    public static async Task<ServerUser> ChooseAsync(CancellationToken cancellationToken)
    {
        if (!OperatingSystem.IsLinux() && !OperatingSystem.IsMacOS() || !Environment.IsPrivilegedProcess)
            return new ServerUser((string?)null);
        foreach (var name in Preferred)
        {
            var user = new ServerUser(name);
            if (await user.RunAsync("true", [], cancellationToken) is { ExitCode: 0 }) return user;
        }

        throw new QueueException(
            "PostgreSQL refuses to run as root, and no unprivileged user could be used instead (tried postgres and nobody, through setpriv "
                + "and runuser). Run batchgen as an ordinary user, or set ConnectionStrings__BatchGen to a server of your own.");
    }

    /// <summary>Runs a program as this user; null when there is no such program.</summary>
    public async Task<ProgramResult?> RunAsync(string program, IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        if (Name is null) return await Programs.TryRunAsync(program, arguments, cancellationToken);
        string[] asUser = ["--reuid", Name, "--regid", await GroupAsync(Name, cancellationToken), "--clear-groups", "--", program];
        return await Programs.TryRunAsync("setpriv", [.. asUser, .. arguments], cancellationToken)
            ?? await Programs.TryRunAsync("runuser", ["-u", Name, "--", program, .. arguments], cancellationToken);
    }

    /// <summary>True when this user can write into a folder.</summary>
    public async Task<bool> CanWriteAsync(string folder, CancellationToken cancellationToken) =>
        await RunAsync("test", ["-w", folder], cancellationToken) is { ExitCode: 0 };

    /// <summary>Makes a folder that only this user may enter.</summary>
    public async Task MakeFolderAsync(string folder, CancellationToken cancellationToken)
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(folder);
        else Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        await OwnAsync(folder, cancellationToken);
    }

    /// <summary>Makes this user the owner of a file or folder.</summary>
    public async Task OwnAsync(string path, CancellationToken cancellationToken)
    {
        if (Name is null) return;
        var owner = $"{Name}:{await GroupAsync(Name, cancellationToken)}";
        if (await Programs.TryRunAsync("chown", [owner, path], cancellationToken) is { ExitCode: 0 }) return;
        throw new QueueException($"User {Name}, as whom PostgreSQL runs, could not be made the owner of {path}. "
            + "Choose a folder on a file system with owners, or run batchgen as an ordinary user.");
    }

    private static async Task<string> GroupAsync(string user, CancellationToken cancellationToken) =>
        (await Programs.TryRunAsync("id", ["-g", user], cancellationToken))?.Output.Trim() is { Length: > 0 } group ? group : user;
}
