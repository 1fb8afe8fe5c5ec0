using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using BatchGen.Core.Files;
using Microsoft.Extensions.Logging;

namespace BatchGen.Queue.Embedded;

/// <summary>Files and folders of one cluster.</summary>
internal sealed class ClusterFolder
{
    // A socket's path must fit sockaddr_un.sun_path: 108 bytes on Linux, 104 on macOS, with a terminating zero.
    private const int LongestSocketPath = 103;
    private const string PidFileName = "postmaster.pid";
    private const string HomesOfClosedFolders = "/var/lib/batchgen";

    private readonly ServerUser _user;

    // Where PostgreSQL begins to number what users make (access/transam.h); initdb's own databases have smaller numbers.
    private const uint FirstOwnId = 16384;

    private ClusterFolder(string folder, string home, int port, ServerUser user)
    {
        _user = user;
        Folder = folder;
        Home = home;
        SocketFolder = Encoding.UTF8.GetByteCount(Path.Combine(home, $".s.PGSQL.{port}.lock")) <= LongestSocketPath
            ? home
            : Path.Combine(Path.GetTempPath(), "batchgen-" + HashOf(home));
    }

    /// <summary>The folder that the caller named; it holds locks and password.</summary>
    public string Folder { get; }

    /// <summary>The folder that the server's user owns; it holds data, log and socket.</summary>
    public string Home { get; }

    /// <summary>Folder of the socket: the home, or one with a shorter path.</summary>
    public string SocketFolder { get; }

    /// <summary>Folder of the data files.</summary>
    public string Data => Path.Combine(Home, "data");

    /// <summary>True once the cluster was created with its database.</summary>
    public bool IsComplete => File.Exists(Path.Combine(Folder, "complete"));

    /// <summary>True once the data files hold a database besides those that every cluster begins with.</summary>
    public bool HoldsDatabase => Directory.Exists(Path.Combine(Data, "base")) && Directory.EnumerateDirectories(Path.Combine(Data, "base"))
        .Any(path => uint.TryParse(Path.GetFileName(path), NumberStyles.None, CultureInfo.InvariantCulture, out var id)
            && id >= FirstOwnId);

    /// <summary>Major version of PostgreSQL that made the data files, or null when there are none.</summary>
    public int? Version
    {
        get
        {
            var file = Path.Combine(Data, "PG_VERSION");
            if (!File.Exists(file)) return null;
            var major = File.ReadAllText(file).Split('.')[0];
            return int.TryParse(major, NumberStyles.Integer, CultureInfo.InvariantCulture, out var version) ? version : null;
        }
    }

    private string PidFile => Path.Combine(Data, PidFileName);

    /// <summary>Finds or makes the folders of a cluster.</summary>
    /// <param name="folder">The folder that the caller named.</param>
    /// <param name="port">Number in the name of the socket file.</param>
    /// <param name="user">The server's user.</param>
    /// <param name="logger">Where it is logged that the cluster is kept elsewhere.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    public static async Task<ClusterFolder> OpenAsync(
        string folder, int port, ServerUser user, ILogger logger, CancellationToken cancellationToken)
    {
        var home = await FindHomeAsync(folder, user, logger, cancellationToken);
        var cluster = new ClusterFolder(folder, home, port, user);
        if (cluster.SocketFolder != home) await PrivateFolder.EnsureAsync(cluster.SocketFolder, user, cancellationToken);
        return cluster;
    }

    /// <summary>Finds the folders of a cluster that was created to its end, and makes and changes nothing; null where there is
    /// none.</summary>
    /// <param name="folder">The folder that the caller named.</param>
    /// <param name="port">Number in the name of the socket file.</param>
    public static ClusterFolder? Find(string folder, int port)
    {
        var location = LocationOf(folder);
        var home = File.Exists(location) ? File.ReadAllText(location).Trim() : NearHomeOf(folder);
        var cluster = new ClusterFolder(folder, home, port, new ServerUser((string?)null));
        return cluster.IsComplete ? cluster : null;
    }

    private static string LocationOf(string folder) => Path.Combine(folder, "LOCATION");

    private static string NearHomeOf(string folder) => Path.Combine(folder, "server");

    // Below the folder if the server's user can enter it; else under /var/lib/batchgen, and a file in the folder says where.
    private static async Task<string> FindHomeAsync(string folder, ServerUser user, ILogger logger, CancellationToken cancellationToken)
    {
        var location = LocationOf(folder);
        if (File.Exists(location))
        {
            var known = (await File.ReadAllTextAsync(location, cancellationToken)).Trim();
            await PrivateFolder.EnsureAsync(known, user, cancellationToken);
            return known;
        }

        var near = NearHomeOf(folder);
        await PrivateFolder.EnsureAsync(near, user, cancellationToken);
        if (user.Name is null || await user.CanWriteAsync(near, cancellationToken)) return near;
        Directory.Delete(near);
        var elsewhere = Path.Combine(HomesOfClosedFolders, HashOf(folder));
        Directory.CreateDirectory(HomesOfClosedFolders);
        await PrivateFolder.EnsureAsync(elsewhere, user, cancellationToken);
        if (!await user.CanWriteAsync(elsewhere, cancellationToken))
        {
            throw new QueueException($"User {user.Name}, as whom PostgreSQL runs, can enter neither {folder} nor {elsewhere}. "
                + "Choose a folder it can enter, or run batchgen as an ordinary user.");
        }

        await WriteSecretAsync(location, elsewhere, cancellationToken);
        Log.HomeMoved(logger, elsewhere, user.Name, folder);
        return elsewhere;
    }

    /// <summary>Path of the socket.</summary>
    public string SocketFile(int port) => Path.Combine(SocketFolder, $".s.PGSQL.{port}");

    /// <summary>Whether the process that the socket's lock file names has ended.</summary>
    /// <remarks>
    /// The server takes a killed predecessor for alive as long as that one's parent has not looked for it: in containers this takes
    /// seconds.
    /// </remarks>
    public bool SocketHolderHasEnded(int port)
    {
        var file = SocketFile(port) + ".lock";
        try
        {
            if (!OperatingSystem.IsLinux() || !File.Exists(file)) return false;
            if (!int.TryParse(File.ReadLines(file).FirstOrDefault(), CultureInfo.InvariantCulture, out var holder)) return false;
            if (!Directory.Exists($"/proc/{holder}")) return true;
            var status = File.ReadAllText($"/proc/{holder}/stat");
            // proc(5): the state follows the name, which stands in parentheses.
            return status[status.LastIndexOf(')') + 2] is 'Z' or 'X';
        }
        catch (Exception unknown) when (unknown is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Process id of the server that runs on this data, or null.</summary>
    public int? RunningServer()
    {
        var text = File.Exists(PidFile) ? File.ReadLines(PidFile).FirstOrDefault() : null;
        if (!int.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var id) || id <= 0) return null;
        try
        {
            using var process = Process.GetProcessById(id);
            // The id may belong to any other program by now.
            return process.ProcessName is "postgres" or "postmaster" && RunsOnThisData(id) ? id : null;
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    /// <summary>Removes the file with the process id of a server that no longer runs.</summary>
    public void RemoveStalePidFile()
    {
        // The server would refuse to start if the old process id belonged to another program of the same user by now.
        if (File.Exists(PidFile)) File.Delete(PidFile);
    }

    /// <summary>Writes the settings of the server into a file that its own configuration includes.</summary>
    public async Task WriteSettingsAsync(string settings, CancellationToken cancellationToken)
    {
        await _user.WriteAsync(Path.Combine(Data, "batchgen.conf"), settings, append: false, cancellationToken);
        var main = Path.Combine(Data, "postgresql.conf");
        const string Include = "include = 'batchgen.conf'";
        if (!File.Exists(main))
        {
            throw new QueueException($"The database in {Data} is damaged: it has no postgresql.conf. "
                + $"Restore the folder from a backup, or move {Folder} away to start with an empty database.");
        }

        if (!(await File.ReadAllTextAsync(main, cancellationToken)).Contains(Include, StringComparison.Ordinal))
            await _user.WriteAsync(main, "\n" + Include + "\n", append: true, cancellationToken);
    }

    // The password of the server's superuser, which nothing but the creation of the database uses; and the one that replaces it.
    private string SuperUserPasswordFile => Path.Combine(Folder, "superuser.password");

    private string NextSuperUserPasswordFile => SuperUserPasswordFile + ".next";

    /// <summary>The password of the server's superuser; null in a folder of version 0.2.0, where it is that of the database.</summary>
    public string? FindSuperUserPassword() => File.Exists(SuperUserPasswordFile) ? File.ReadAllText(SuperUserPasswordFile).Trim() : null;

    /// <summary>Stores the password of the server's superuser.</summary>
    public Task WriteSuperUserPasswordAsync(string password, CancellationToken cancellationToken) =>
        WriteSecretAsync(SuperUserPasswordFile, password, cancellationToken);

    /// <summary>The password that the superuser is to get: that of a start that was interrupted, or the one given, which is
    /// stored.</summary>
    public async Task<string> NextSuperUserPasswordAsync(string password, CancellationToken cancellationToken)
    {
        if (File.Exists(NextSuperUserPasswordFile))
            return (await File.ReadAllTextAsync(NextSuperUserPasswordFile, cancellationToken)).Trim();
        await WriteSecretAsync(NextSuperUserPasswordFile, password, cancellationToken);
        return password;
    }

    /// <summary>Records that the superuser has its next password.</summary>
    public void KeepNextSuperUserPassword() => File.Move(NextSuperUserPasswordFile, SuperUserPasswordFile, overwrite: true);

    /// <summary>Stores the password of the database.</summary>
    public Task WritePasswordAsync(string password, CancellationToken cancellationToken) =>
        WriteSecretAsync(Path.Combine(Folder, "password"), password, cancellationToken);

    /// <summary>Reads the password of the database.</summary>
    public async Task<string> ReadPasswordAsync(CancellationToken cancellationToken)
    {
        var file = Path.Combine(Folder, "password");
        if (!File.Exists(file))
        {
            throw new QueueException($"The password of the database in {Folder} is gone ({file}). "
                + "Restore the file, or move the folder away to start with an empty database.");
        }

        if ((await File.ReadAllTextAsync(file, cancellationToken)).Trim() is { Length: > 0 } password) return password;
        throw new QueueException($"The password of the database in {Folder} is missing: the file {file} is empty. "
            + "Put the file back from a copy, or move the folder away to start with an empty database.");
    }

    /// <summary>Records that the cluster was created with its database.</summary>
    public Task MarkCompleteAsync(CancellationToken cancellationToken) => WriteSecretAsync(Path.Combine(Folder, "complete"),
        "This cluster was created to the end. Without this file, one that holds no database yet is made anew.", cancellationToken);

    /// <summary>Writes a file that only its owner may read.</summary>
    public static async Task WriteSecretAsync(string file, string text, CancellationToken cancellationToken)
    {
        File.Delete(file);
        await using var stream = OwnFiles.Create(file, FolderAccess.Private);
        await stream.WriteAsync(Encoding.UTF8.GetBytes(text + "\n"), cancellationToken);
    }

    // The server was started with "-D FOLDER", which may be another path to this folder, through a link. Its working folder would not do,
    // because in containers that of another user's process may not be read. When nothing can be read, as on systems without /proc, the
    // process counts as this cluster's server: the file of a living server must not be deleted.
    private bool RunsOnThisData(int id)
    {
        try
        {
            var arguments = File.ReadAllText($"/proc/{id}/cmdline").Split('\0');
            var option = Array.IndexOf(arguments, "-D");
            return option >= 0 && option + 1 < arguments.Length
                && File.ReadAllText(Path.Combine(arguments[option + 1], PidFileName)) == File.ReadAllText(PidFile);
        }
        catch (Exception gone) when (gone is FileNotFoundException or DirectoryNotFoundException && Directory.Exists("/proc/self"))
        {
            // The process ended meanwhile, or its folder was deleted.
            return false;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return true;
        }
    }

    private static string HashOf(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..12];
}
