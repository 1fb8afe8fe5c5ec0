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
    public Task<ProgramResult?> RunAsync(string program, IReadOnlyList<string> arguments, CancellationToken cancellationToken) =>
        RunAsync(program, arguments, "", cancellationToken);

    /// <summary>Writes a file as this user, who alone may read it: what the user may not write, root does not write for it through a
    /// link.</summary>
    /// <param name="file">The file.</param>
    /// <param name="text">Its content.</param>
    /// <param name="append">Whether the text is put after what the file holds.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    public async Task WriteAsync(string file, string text, bool append, CancellationToken cancellationToken)
    {
        var script = append ? "cat >> \"$1\"" : "rm -f \"$1\" && cat > \"$1\"";
        var result = await RunAsync("sh", ["-c", "umask 077 && " + script, "sh", file], text, cancellationToken);
        if (result is { ExitCode: 0 }) return;
        throw new QueueException($"{file} cannot be written by the user as whom PostgreSQL runs: "
            + $"{result?.Error.Trim() ?? "there is no program sh"}. Check free space and permissions of its folder.");
    }

    /// <summary>Number of this user.</summary>
    public Task<string> IdAsync(CancellationToken cancellationToken) => IdAsync(Name, cancellationToken);

    /// <summary>Number of the user that runs this program.</summary>
    public static Task<string> CallerIdAsync(CancellationToken cancellationToken) => IdAsync(null, cancellationToken);

    /// <summary>True when this user can write into a folder.</summary>
    public async Task<bool> CanWriteAsync(string folder, CancellationToken cancellationToken) =>
        await RunAsync("test", ["-w", folder], cancellationToken) is { ExitCode: 0 };

    /// <summary>Makes this user the owner of a file or folder; a link itself, not what it leads to.</summary>
    public async Task OwnAsync(string path, CancellationToken cancellationToken)
    {
        if (Name is null) return;
        var owner = $"{Name}:{await GroupAsync(Name, cancellationToken)}";
        if (await Programs.TryRunAsync("chown", ["-h", owner, path], cancellationToken) is { ExitCode: 0 }) return;
        throw new QueueException($"User {Name}, as whom PostgreSQL runs, could not be made the owner of {path}. "
            + "Choose a folder on a file system with owners, or run batchgen as an ordinary user.");
    }

    private async Task<ProgramResult?> RunAsync(
        string program, IReadOnlyList<string> arguments, string input, CancellationToken cancellationToken)
    {
        if (Name is null) return await Programs.TryRunAsync(program, arguments, input, cancellationToken);
        string[] asUser = ["--reuid", Name, "--regid", await GroupAsync(Name, cancellationToken), "--clear-groups", "--", program];
        return await Programs.TryRunAsync("setpriv", [.. asUser, .. arguments], input, cancellationToken)
            ?? await Programs.TryRunAsync("runuser", ["-u", Name, "--", program, .. arguments], input, cancellationToken);
    }

    private static async Task<string> IdAsync(string? user, CancellationToken cancellationToken) =>
        (await Programs.TryRunAsync("id", user is null ? ["-u"] : ["-u", user], cancellationToken))?.Output.Trim() is { Length: > 0 } id
            ? id
            : throw new QueueException($"The program id, which tells the number of user {user ?? "that runs this"}, is missing.");

    private static async Task<string> GroupAsync(string user, CancellationToken cancellationToken) =>
        (await Programs.TryRunAsync("id", ["-g", user], cancellationToken))?.Output.Trim() is { Length: > 0 } group ? group : user;
}
