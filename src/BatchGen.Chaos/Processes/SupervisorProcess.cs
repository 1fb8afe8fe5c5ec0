using System.Diagnostics;
using System.Globalization;

namespace BatchGen.Chaos.Processes;

/// <summary>A process of <c>batchgen up</c>: a dashboard and one worker that it keeps running.</summary>
internal sealed class SupervisorProcess : IDisposable
{
    private const int ParentField = 1;
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(100);

    private readonly Process _process;
    private readonly string _log;
    private readonly TimeProvider _clock;

    private SupervisorProcess(Process process, string log, TimeProvider clock) => (_process, _log, _clock) = (process, log, clock);

    /// <summary>True once it ended.</summary>
    public bool HasEnded => _process.HasExited;

    /// <summary>Its exit code once it ended.</summary>
    public int ExitCode => _process.ExitCode;

    /// <summary>The end of its log.</summary>
    public string LastLines => string.Join('\n', File.ReadLines(_log).TakeLast(8));

    /// <summary>Starts one with a dashboard and one worker.</summary>
    /// <param name="program">The program under test.</param>
    /// <param name="environment">Variables of its worker.</param>
    /// <param name="port">Port of the dashboard.</param>
    /// <param name="log">File of its output.</param>
    /// <param name="clock">Clock of this machine.</param>
    public static SupervisorProcess Start(
        ProgramStart program, IReadOnlyDictionary<string, string> environment, int port, string log, TimeProvider clock)
    {
        var start = new ProcessStartInfo("/bin/sh") { UseShellExecute = false, RedirectStandardInput = true };
        string[] arguments = ["-c", "exec \"$@\" >\"$LOG\" 2>&1", "sh", program.File, .. program.First, "up"];
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        ProgramStart.SetVariables(start, environment);
        start.Environment["LOG"] = log;
        start.Environment["BatchGen__Dashboard__Url"] = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}");
        var process = Process.Start(start)!;
        process.StandardInput.Close();
        return new SupervisorProcess(process, log, clock);
    }

    /// <summary>The worker it runs, once there is one other than a former one.</summary>
    /// <param name="former">The former one; 0 where there was none.</param>
    /// <param name="limit">How long to wait for it.</param>
    /// <returns>Its process; null when none came, or the supervisor ended.</returns>
    public async Task<int?> WorkerAsync(int former, TimeSpan limit)
    {
        var started = _clock.GetTimestamp();
        while (_clock.GetElapsedTime(started) < limit && !_process.HasExited)
        {
            if (Children(_process.Id).FirstOrDefault(child => child != former) is > 0 and var worker) return worker;
            await Task.Delay(LookInterval, _clock);
        }

        return null;
    }

    /// <summary>Signals it and waits for its end.</summary>
    /// <param name="signal">The signal.</param>
    /// <param name="limit">How long it may take; it is killed then.</param>
    /// <returns>False when it had to be killed.</returns>
    public async Task<bool> EndAsync(int signal, TimeSpan limit)
    {
        Signals.Send(_process.Id, signal);
        using var timeout = new CancellationTokenSource(limit, _clock);
        await _process.WaitForExitAsync(timeout.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_process.HasExited) return true;
        Signals.Send(_process.Id, Signals.Kill);
        await _process.WaitForExitAsync(CancellationToken.None);
        return false;
    }

    /// <summary>Waits until a worker whose supervisor is gone has ended by itself.</summary>
    /// <param name="worker">Its process.</param>
    /// <param name="limit">How long it may take; it is killed then.</param>
    /// <returns>False when it had to be killed.</returns>
    public async Task<bool> WaitForEndAsync(int worker, TimeSpan limit)
    {
        var started = _clock.GetTimestamp();
        while (IsRunning(worker))
        {
            if (_clock.GetElapsedTime(started) > limit)
            {
                Signals.Send(worker, Signals.Kill);
                return false;
            }

            await Task.Delay(LookInterval, _clock);
        }

        return true;
    }

    /// <inheritdoc/>
    public void Dispose() => _process.Dispose();

    // A process that ended and whose end nobody has asked for yet counts as ended (state Z of proc(5)).
    private static bool IsRunning(int process) => Fields(process) is [not "Z", ..];

    private static IEnumerable<int> Children(int parent) => Directory.EnumerateDirectories("/proc")
        .Select(folder => int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var process) ? process : 0)
        .Where(process => process > 0 && Fields(process) is { Length: > ParentField } fields
            && fields[ParentField] == parent.ToString(CultureInfo.InvariantCulture) && fields[0] != "Z");

    // State and parent follow the name, which stands in parentheses.
    private static string[] Fields(int process)
    {
        try
        {
            var line = File.ReadAllText($"/proc/{process}/stat");
            return line[(line.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
