using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;

namespace BatchGen.Queue.Embedded;

/// <summary>What lies where, for one cluster.</summary>
internal sealed class ClusterFolder
{
    // A socket's path must fit sockaddr_un.sun_path: 108 bytes on Linux, 104 on macOS, with a terminating zero.
    private const int LongestSocketPath = 103;
    private const string PidFileName = "postmaster.pid";

    private ClusterFolder(string folder, string home, int port)
    {
        Folder = folder;
        Home = home;
        SocketFolder = Encoding.UTF8.GetByteCount(Path.Combine(home, $".s.PGSQL.{port}.lock")) <= LongestSocketPath
            ? home
            : Path.Combine(Path.GetTempPath(), "batchgen-" + HashOf(home));
    }

    /// <summary>The folder the caller named: locks and password.</summary>
    public string Folder { get; }

    /// <summary>The folder the server's user owns: data, log, socket.</summary>
    public string Home { get; }

    public string SocketFolder { get; }

    public string Data => Path.Combine(Home, "data");

    public bool IsComplete => File.Exists(Path.Combine(Folder, "complete"));

    public int? Version
    {
        get
        {
            var file = Path.Combine(Data, "PG_VERSION");
            return File.Exists(file) && int.TryParse(File.ReadAllText(file).Split('.')[0], NumberStyles.Integer, CultureInfo.InvariantCulture, out var version) ? version : null;
        }
    }

    private string PidFile => Path.Combine(Data, PidFileName);

    public static async Task<ClusterFolder> OpenAsync(string folder, int port, ServerUser user, ILogger logger, CancellationToken cancellationToken)
    {
        var location = Path.Combine(folder, "LOCATION");
        var home = File.Exists(location) ? (await File.ReadAllTextAsync(location, cancellationToken)).Trim() : Path.Combine(folder, "server");
        await user.MakeFolderAsync(home, cancellationToken);
        if (user.Name is not null && !File.Exists(location) && await user.RunAsync("test", ["-w", home], cancellationToken) is not { ExitCode: 0 })
        {
            Directory.Delete(home);
            home = Path.Combine("/var/lib/batchgen", HashOf(folder));
            Directory.CreateDirectory("/var/lib/batchgen");
            await user.MakeFolderAsync(home, cancellationToken);
            if (await user.RunAsync("test", ["-w", home], cancellationToken) is not { ExitCode: 0 })
                throw new QueueException($"User {user.Name}, as whom PostgreSQL runs, can enter neither {folder} nor {home}. Choose a folder it can enter, or run batchgen as an ordinary user.");
            await File.WriteAllTextAsync(location, home + "\n", cancellationToken);
            Log.HomeMoved(logger, home, user.Name, folder);
        }

        var cluster = new ClusterFolder(folder, home, port);
        if (cluster.SocketFolder != home) await user.MakeFolderAsync(cluster.SocketFolder, cancellationToken);
        return cluster;
    }

    public string SocketFile(int port) => Path.Combine(SocketFolder, $".s.PGSQL.{port}");

    /// <summary>Process id of the server that runs on this data, or null.</summary>
    public int? RunningServer()
    {
        var text = File.Exists(PidFile) ? File.ReadLines(PidFile).FirstOrDefault() : null;
        if (!int.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var id) || id <= 0) return null;
        try
        {
            using var process = Process.GetProcessById(id);
            // The number may belong to any program by now.
            return process.ProcessName is "postgres" or "postmaster" && RunsOnThisData(id) ? id : null;
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    public void RemoveStalePidFile()
    {
        // The server would refuse to start when the old number belongs to some other program of the same user by now.
        if (File.Exists(PidFile)) File.Delete(PidFile);
    }

    public async Task WriteSettingsAsync(string settings, CancellationToken cancellationToken)
    {
        var file = Path.Combine(Data, "batchgen.conf");
        await File.WriteAllTextAsync(file, settings, cancellationToken);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        var main = Path.Combine(Data, "postgresql.conf");
        const string Include = "include = 'batchgen.conf'";
        if (!File.Exists(main))
            throw new QueueException($"The database in {Data} is damaged: it has no postgresql.conf. Restore the folder from a backup, or move {Folder} away to start with an empty database.");
        if (!(await File.ReadAllTextAsync(main, cancellationToken)).Contains(Include, StringComparison.Ordinal))
            await File.AppendAllTextAsync(main, "\n" + Include + "\n", cancellationToken);
    }

    public Task WritePasswordAsync(string password, CancellationToken cancellationToken) => WriteSecretAsync(Path.Combine(Folder, "password"), password, cancellationToken);

    public async Task<string> ReadPasswordAsync(CancellationToken cancellationToken)
    {
        var file = Path.Combine(Folder, "password");
        if (!File.Exists(file))
            throw new QueueException($"The password of the database in {Folder} is gone ({file}). Restore the file, or move the folder away to start with an empty database.");
        return (await File.ReadAllTextAsync(file, cancellationToken)).Trim();
    }

    public Task MarkCompleteAsync(CancellationToken cancellationToken) =>
        File.WriteAllTextAsync(Path.Combine(Folder, "complete"), "This database was created to the end. Without this file it is taken for unfinished and made anew.\n", cancellationToken);

    public static async Task WriteSecretAsync(string file, string text, CancellationToken cancellationToken)
    {
        File.Delete(file);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        await using var stream = new FileStream(file, options);
        await stream.WriteAsync(Encoding.UTF8.GetBytes(text + "\n"), cancellationToken);
    }

    // The server was started with "-D FOLDER", which may name this folder by another path, through a link. Not by its working folder: another user's may
    // not be looked up in containers. What cannot be known, as on systems without /proc, counts as ours: the file of a living server must not be deleted.
    private bool RunsOnThisData(int id)
    {
        try
        {
            var arguments = File.ReadAllText($"/proc/{id}/cmdline").Split('\0');
            var option = Array.IndexOf(arguments, "-D");
            return option >= 0 && option + 1 < arguments.Length && File.ReadAllText(Path.Combine(arguments[option + 1], PidFileName)) == File.ReadAllText(PidFile);
        }
        catch (Exception gone) when (gone is FileNotFoundException or DirectoryNotFoundException && Directory.Exists("/proc/self"))
        {
            // The process ended meanwhile, or its folder is no more.
            return false;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return true;
        }
    }

    private static string HashOf(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..12];
}
