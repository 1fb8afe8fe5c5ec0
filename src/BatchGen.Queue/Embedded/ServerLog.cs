namespace BatchGen.Queue.Embedded;

/// <summary>The log that the server writes, and what its lines say about a server that did not start.</summary>
internal sealed class ServerLog(string file)
{
    // The programs are of the version that PG_VERSION names, so files they cannot read are damaged, not old.
    private static readonly string[] SignsOfDamage =
        ["incompatible with server", "invalid", "could not open", "could not read", "could not locate", "corrupt", "PANIC"];

    private static readonly string[] SignsOfTakenSocket = ["is already in use", "another postmaster", "could not create lock file"];

    private static readonly string[] SignsOfReason = ["FATAL:", "PANIC:", "DETAIL:", "could not"];

    /// <summary>Path of the log.</summary>
    public string File { get; } = file;

    /// <summary>Bytes written so far.</summary>
    public long Length => System.IO.File.Exists(File) ? new FileInfo(File).Length : 0;

    /// <summary>What was written since the log had a length.</summary>
    public async Task<string> ReadFromAsync(long position, CancellationToken cancellationToken)
    {
        // Root must not read through a link what the server's user may not read.
        if (new FileInfo(File) is not { Exists: true, LinkTarget: null }) return "";
        await using var stream = new FileStream(File, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        stream.Position = Math.Min(position, stream.Length);
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync(cancellationToken);
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
