using System.Diagnostics;
using System.Globalization;

namespace BatchGen.Queue.Embedded;

/// <summary>Finds out which process holds a lock on a file, where the system tells (Linux, processes of the same container).</summary>
internal static class LockHolder
{
    private const string Locks = "/proc/locks";

    /// <summary>The process, such as "process 4711 (batchgen)"; null where it is not known.</summary>
    public static async Task<string?> FindAsync(string file, CancellationToken cancellationToken)
    {
        if (!File.Exists(Locks)) return null;
        if (await Programs.TryRunAsync("stat", ["-c", "%D %i", "--", file], cancellationToken) is not { ExitCode: 0 } answer) return null;
        // A line: "1: FLOCK  ADVISORY  WRITE 4711 08:01:131 0 EOF". On file systems that count devices in another way none fits.
        var place = PlaceOf(answer.Output.Trim());
        foreach (var line in await File.ReadAllLinesAsync(Locks, cancellationToken))
        {
            var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words.Length < 6 || words[1] != "FLOCK" || words[5] != place) continue;
            if (int.TryParse(words[4], NumberStyles.None, CultureInfo.InvariantCulture, out var id) && id > 0) return Describe(id);
        }

        return null;
    }

    // From the number of the device in hexadecimal and that of the file to what the list says: major and minor number, and file.
    private static string PlaceOf(string deviceAndFile)
    {
        var words = deviceAndFile.Split(' ');
        var device = ulong.Parse(words[0], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
        var (major, minor) = ((device >> 8) & 0xfff, (device & 0xff) | ((device >> 12) & 0xfff00));
        return string.Create(CultureInfo.InvariantCulture, $"{major:x2}:{minor:x2}:{words[1]}");
    }

    private static string Describe(int id)
    {
        try
        {
            using var process = Process.GetProcessById(id);
            return string.Create(CultureInfo.InvariantCulture, $"process {id} ({process.ProcessName})");
        }
        catch (Exception error) when (error is ArgumentException or InvalidOperationException)
        {
            return string.Create(CultureInfo.InvariantCulture, $"process {id}");
        }
    }
}
