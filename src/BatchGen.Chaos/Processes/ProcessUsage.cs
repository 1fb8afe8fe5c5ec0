using System.Globalization;

namespace BatchGen.Chaos.Processes;

/// <summary>What a process holds at one moment.</summary>
/// <param name="MemoryBytes">Memory that no other process shares.</param>
/// <param name="Threads">Its threads.</param>
/// <param name="Handles">Its open files and sockets.</param>
internal sealed record ProcessUsage(long MemoryBytes, int Threads, int Handles)
{
    /// <summary>Reads it from <c>/proc</c>; null when the process has ended.</summary>
    public static ProcessUsage? Read(int process)
    {
        try
        {
            var status = File.ReadLines($"/proc/{process}/status").Select(line => line.Split(':', 2))
                .Where(parts => parts.Length == 2).ToDictionary(parts => parts[0], parts => parts[1].Trim(), StringComparer.Ordinal);
            if (!status.TryGetValue("RssAnon", out var memory)) return null;
            return new ProcessUsage(
                Number(memory) * 1024, (int)Number(status["Threads"]), Directory.EnumerateFileSystemEntries($"/proc/{process}/fd").Count());
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static long Number(string text) => long.Parse(text.Split(' ')[0], CultureInfo.InvariantCulture);
}
