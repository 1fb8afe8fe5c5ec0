using BatchGen.Core.Files;

namespace BatchGen.Queue.Embedded;

/// <summary>The log that the server writes, and what its lines say about a server that did not start.</summary>
/// <remarks>
/// What the server says before its own log is open goes to one file; after that it goes to a folder of files, of which the server begins a
/// new one each day and whenever one is full. Both are bounded: the one file begins anew when a server is started and it is large, and of
/// the others the newest few are kept.
/// </remarks>
/// <param name="home">The folder that the server's user owns.</param>
/// <param name="user">The server's user, who alone changes files there.</param>
internal sealed class ServerLog(string home, ServerUser user)
{
    private const int KeptFiles = 8;
    private const int FileMegabytes = 16;
    private const long LargestStartFile = 1 << 20;

    // More than a failed start says.
    private const int MostRead = 1 << 20;

    // The process that writes the log may be a moment behind the server that has ended.
    private static readonly TimeSpan LastLinesInterval = TimeSpan.FromMilliseconds(50);
    private const int MostLooksForLastLines = 40;
    private const string SignOfFolder = "redirecting log output";
    private const string SignOfEnd = "database system is shut down";

    // The programs are of the version that PG_VERSION names, so files they cannot read are damaged, not old.
    private static readonly string[] SignsOfDamage =
        ["incompatible with server", "invalid", "could not open", "could not read", "could not locate", "corrupt", "PANIC"];

    private static readonly string[] SignsOfTakenSocket = ["is already in use", "another postmaster", "could not create lock file"];

    private static readonly string[] SignsOfReason = ["FATAL:", "PANIC:", "DETAIL:", "could not"];

    /// <summary>Path of what the server says before its own log is open.</summary>
    public string StartFile { get; } = Path.Combine(home, "server.log");

    /// <summary>The folder of the log.</summary>
    public string Folder { get; } = Path.Combine(home, "log");

    /// <summary>Settings by which the server writes its log there.</summary>
    public string Settings => $"""
        logging_collector = on
        log_directory = '{Folder.Replace("'", "''", StringComparison.Ordinal)}'
        log_filename = 'server-%Y%m%d-%H%M%S.log'
        log_rotation_age = 1d
        log_rotation_size = {FileMegabytes}MB
        log_truncate_on_rotation = on
        log_file_mode = 0600

        """;

    /// <summary>Makes room before a server is started: what earlier starts said is kept once.</summary>
    public async Task RotateAsync(CancellationToken cancellationToken)
    {
        if (new FileInfo(StartFile) is { Exists: true, Length: > LargestStartFile })
            await user.RunAsync("mv", ["-f", "--", StartFile, StartFile + ".old"], cancellationToken);
        await PruneAsync(cancellationToken);
    }

    /// <summary>Removes all files of the log but the newest.</summary>
    public async Task PruneAsync(CancellationToken cancellationToken)
    {
        var old = ListFiles().SkipLast(KeptFiles).ToArray();
        // The server's user removes them: root must not follow a link that this user put in the place of the folder.
        if (old.Length > 0) await user.RunAsync("rm", ["-f", "--", .. old], cancellationToken);
    }

    /// <summary>How long each file is now.</summary>
    public IReadOnlyDictionary<string, long> Mark() =>
        ListFiles().Prepend(StartFile).Where(File.Exists).ToDictionary(file => file, file => new FileInfo(file).Length);

    /// <summary>What a start that failed wrote since the log was marked.</summary>
    public async Task<string> ReadSinceAsync(IReadOnlyDictionary<string, long> mark, CancellationToken cancellationToken)
    {
        for (var looks = 1; ; looks++)
        {
            var lines = "";
            foreach (var file in ListFiles().Prepend(StartFile))
                lines += await ReadFromAsync(file, mark.GetValueOrDefault(file), cancellationToken);
            var isWhole = !lines.Contains(SignOfFolder, StringComparison.Ordinal) || lines.Contains(SignOfEnd, StringComparison.Ordinal);
            if (isWhole || looks == MostLooksForLastLines) return lines;
            await Task.Delay(LastLinesInterval, cancellationToken);
        }
    }

    // By name, which is by time.
    private IEnumerable<string> ListFiles() => new DirectoryInfo(Folder) is { Exists: true, LinkTarget: null }
        ? Directory.EnumerateFiles(Folder, "server-*.log").Order(StringComparer.Ordinal) : [];

    private static async Task<string> ReadFromAsync(string file, long position, CancellationToken cancellationToken)
    {
        await using var stream = OpenOwn(file);
        if (stream is null) return "";
        var end = stream.Length;
        stream.Position = Math.Max(Math.Min(position, end), end - MostRead);
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync(cancellationToken);
    }

    // Root must not read through a link what the server's user may not read, and this user owns the folder.
    private static FileStream? OpenOwn(string file)
    {
        try
        {
            return RegularFile.OpenWithoutLinks(file);
        }
        catch (IOException failure) when (failure is FileNotFoundException or DirectoryNotFoundException or IrregularFileException)
        {
            return null;
        }
    }

    /// <summary>True when processes of a server that was killed still hold its memory; they take a moment to end.</summary>
    public static bool SaysMemoryInUse(string lines) => lines.Contains("is still in use", StringComparison.Ordinal);

    /// <summary>True when another server holds the socket, or it cannot be made.</summary>
    public static bool SaysSocketTaken(string lines) =>
        Array.Exists(SignsOfTakenSocket, sign => lines.Contains(sign, StringComparison.Ordinal));

    /// <summary>True when the server could not read its own files.</summary>
    public static bool SaysDamaged(string lines) => Array.Exists(SignsOfDamage, sign => lines.Contains(sign, StringComparison.Ordinal));

    /// <summary>The lines that name the reason of a failed start, as one line for a message.</summary>
    public static string Reason(string log)
    {
        var lines = log.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var reasons = lines.Where(line => Array.Exists(SignsOfReason, sign => line.Contains(sign, StringComparison.Ordinal)))
            .Take(2).ToArray();
        return string.Join("; ", reasons.Length > 0 ? reasons : lines.TakeLast(1)).TrimEnd('.');
    }

    /// <summary>The last error that a program printed, for a message.</summary>
    /// <param name="output">What the program printed; null when there is no such program.</param>
    public static string LastError(string? output) =>
        output?.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .LastOrDefault(line => line.Contains("error", StringComparison.OrdinalIgnoreCase))?.TrimEnd('.')
        ?? output?.Trim() ?? "the program is missing";
}
