using System.Globalization;

namespace BatchGen.Chaos.Servers;

/// <summary>The clock that the database servers see: that of the machine, and as many seconds beside it as a file says (libfaketime, from
/// the Debian package of that name).</summary>
internal sealed class ServerClock
{
    private const string Library = "libfaketime.so.1";
    private const UnixFileMode ReadableByAll =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private static readonly EnumerationOptions Nearby = new()
    {
        RecurseSubdirectories = true, MaxRecursionDepth = 2, IgnoreInaccessible = true,
    };

    private readonly string _file;
    private int _seconds;

    private ServerClock(string file, string? library) => (_file, LibraryPath) = (file, library);

    /// <summary>The library, or null where it is not installed: the clock cannot be moved then.</summary>
    public string? LibraryPath { get; }

    /// <summary>Makes the file, which every user may read.</summary>
    public static ServerClock Create(string folder)
    {
        var libraries = Directory.Exists("/usr/lib")
            ? Directory.EnumerateFiles("/usr/lib", Library, Nearby)
            : [];
        var clock = new ServerClock(Path.Combine(folder, "server-clock"), libraries.FirstOrDefault());
        clock.Write();
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(clock._file, ReadableByAll);
        return clock;
    }

    /// <summary>Variables for a server that is to see this clock, as <c>NAME=value</c>.</summary>
    public IEnumerable<string> Variables() => LibraryPath is null ? [] :
    [
        $"LD_PRELOAD={LibraryPath}", $"FAKETIME_TIMESTAMP_FILE={_file}", "FAKETIME_CACHE_DURATION=1", "FAKETIME_DONT_FAKE_MONOTONIC=1",
        "DONT_FAKE_MONOTONIC=1",
    ];

    /// <summary>Sets the clock forward, or back by a negative number of seconds.</summary>
    public string Step(int seconds)
    {
        _seconds += seconds;
        Write();
        return string.Create(CultureInfo.InvariantCulture, $"by {seconds:+0;-0} s, to {_seconds:+0;-0} s");
    }

    private void Write() => File.WriteAllText(_file, string.Create(CultureInfo.InvariantCulture, $"{_seconds:+0;-0;+0}\n"));
}
