using System.Globalization;

namespace BatchGen.Chaos.Processes;

/// <summary>Finds bytes in a running process and flips a bit of them, as bad memory does.</summary>
/// <remarks>Linux lets the user of a process write its memory (<c>/proc/PID/mem</c>), on most systems only from its parent.</remarks>
internal static class ProcessMemory
{
    // A piece at a time; a pattern that lies across two pieces is found because each piece begins with the end of the one before.
    private const int PieceBytes = 8 << 20;

    /// <summary>Addresses where the process holds these bytes in memory of its own.</summary>
    public static IReadOnlyList<long> Find(int process, byte[] pattern)
    {
        var found = new List<long>();
        using var memory = Open(process, FileAccess.Read);
        var piece = new byte[PieceBytes + pattern.Length];
        foreach (var (from, to) in Regions(process))
        {
            for (var at = from; at < to; at += PieceBytes)
            {
                var length = (int)Math.Min(piece.Length, to - at);
                if (!TryRead(memory, at, piece.AsSpan(0, length))) continue;
                for (var start = 0; piece.AsSpan(start, length - start).IndexOf(pattern) is var index and >= 0; start += index + 1)
                    found.Add(at + start + index);
            }
        }

        return [.. found.Distinct()];
    }

    /// <summary>Flips bits of one byte.</summary>
    /// <param name="process">The process.</param>
    /// <param name="address">Where the byte lies.</param>
    /// <param name="bits">The bits to flip.</param>
    public static void Flip(int process, long address, byte bits)
    {
        using var memory = Open(process, FileAccess.ReadWrite);
        Span<byte> one = stackalloc byte[1];
        memory.Position = address;
        memory.ReadExactly(one);
        one[0] ^= bits;
        memory.Position = address;
        memory.Write(one);
    }

    private static FileStream Open(int process, FileAccess access) =>
        new($"/proc/{process}/mem", FileMode.Open, access, FileShare.ReadWrite, bufferSize: 0);

    // Memory without a file behind it, which the process may write.
    private static IEnumerable<(long From, long To)> Regions(int process)
    {
        foreach (var line in File.ReadLines($"/proc/{process}/maps"))
        {
            var parts = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (!parts[1].StartsWith("rw", StringComparison.Ordinal) || parts[4] != "0") continue;
            var range = parts[0].Split('-');
            yield return (long.Parse(range[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture),
                long.Parse(range[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture));
        }
    }

    // Regions may vanish between being listed and being read, and some that are listed cannot be read.
    private static bool TryRead(FileStream memory, long at, Span<byte> into)
    {
        try
        {
            memory.Position = at;
            memory.ReadExactly(into);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }
}
