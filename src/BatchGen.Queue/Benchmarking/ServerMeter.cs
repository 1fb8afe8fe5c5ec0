using System.Globalization;

namespace BatchGen.Queue.Benchmarking;

/// <summary>Processor time of a PostgreSQL server on this machine: the server process, its living children, and those that ended.</summary>
internal sealed class ServerMeter
{
    private const double TicksPerSecond = 100; // sysconf(_SC_CLK_TCK) is 100 on every Linux this runs on.

    private readonly int? _server;

    private ServerMeter(int? server) => _server = server;

    /// <summary>Finds the server whose session runs as a process; measures nothing when that process is not on this machine.</summary>
    public static ServerMeter Of(int sessionProcess) => new(Read(sessionProcess) is { } session ? (int)session[1] : null);

    /// <summary>Processor seconds used so far, or null where they cannot be seen.</summary>
    public double? Seconds()
    {
        if (_server is not { } server || Read(server) is not { } own) return null;
        // Fields of /proc/PID/stat after the name, from 0: 1 parent, 11 user, 12 system, 13 and 14 the same of
        // children that ended (proc(5)).
        var ticks = own[11] + own[12] + own[13] + own[14];
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var id)) continue;
            if (Read(id) is { } child && child[1] == server) ticks += child[11] + child[12];
        }

        return ticks / TicksPerSecond;
    }

    private static double[]? Read(int process)
    {
        try
        {
            var text = File.ReadAllText($"/proc/{process}/stat");
            var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
            return [.. fields.Take(15).Select((field, i) => i == 0 ? 0 : double.Parse(field, CultureInfo.InvariantCulture))];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null; // The process ended meanwhile, or there is no /proc.
        }
    }
}
