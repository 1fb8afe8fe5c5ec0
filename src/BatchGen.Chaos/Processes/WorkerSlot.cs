using System.Diagnostics;
using BatchGen.Chaos.Faults;

namespace BatchGen.Chaos.Processes;

/// <summary>A place for one worker process, which is started again whenever it ended.</summary>
/// <remarks>Thread safe: faults strike from many tasks.</remarks>
internal sealed class WorkerSlot(
    string name, string logName, ProgramStart program, IReadOnlyDictionary<string, string> environment, string logFolder,
    TimeProvider clock)
{
    // A worker that ended by itself is started again after a moment, as a service manager does.
    private static readonly TimeSpan RestartDelay = TimeSpan.FromSeconds(1.5);
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(100);

    /// <summary>What the program exits with when it cannot reach the database at its start (docs/operations.md).</summary>
    public const int NoDatabase = 3;

    /// <summary>What the reason of an exit says when everything ended.</summary>
    public const string StopReason = "stop";

    private readonly Lock _lock = new();
    private readonly List<WorkerExit> _exits = [];
    private Process? _process;
    private string? _expected;
    private int _held, _suspended, _starts;

    /// <summary>What the worker is called.</summary>
    public string Name => name;

    /// <summary>Its process, or null while it is down.</summary>
    public int? ProcessId
    {
        get
        {
            lock (_lock) return _process is { HasExited: false } process ? process.Id : null;
        }
    }

    /// <summary>How its processes ended so far.</summary>
    public IReadOnlyList<WorkerExit> Exits
    {
        get
        {
            lock (_lock) return [.. _exits];
        }
    }

    /// <summary>Keeps a process running until it is told that everything ends; then asks it to stop.</summary>
    /// <param name="stopLimit">How long the last process may take to stop.</param>
    /// <param name="over">Everything ends.</param>
    public async Task KeepAsync(TimeSpan stopLimit, CancellationToken over)
    {
        while (!over.IsCancellationRequested)
        {
            if (IsHeld())
            {
                await Task.Delay(LookInterval, clock, over).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                continue;
            }

            var process = Start();
            using (over.Register(() => AskToStop(process)))
            {
                await WaitAsync(process, stopLimit, over);
            }

            if (!NoteExit(process))
                await Task.Delay(RestartDelay, clock, over).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Runs one process to its end.</summary>
    /// <param name="limit">How long it may take; it is killed then.</param>
    /// <returns>Its exit code; null when it took too long.</returns>
    public async Task<int?> RunOnceAsync(TimeSpan limit)
    {
        var process = Start();
        using var timeout = new CancellationTokenSource(limit, clock);
        await process.WaitForExitAsync(timeout.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (process.HasExited) return process.ExitCode;
        Signals.Send(process.Id, Signals.Kill);
        await process.WaitForExitAsync(CancellationToken.None);
        return null;
    }

    /// <summary>Signals the process, waits for its end, and keeps the slot empty for a while.</summary>
    /// <param name="signal">The signal.</param>
    /// <param name="limit">How long it may take to end; it is killed then, which counts as an end of its own.</param>
    /// <param name="down">How long the slot stays empty.</param>
    /// <returns>What happened, in words.</returns>
    public async Task<string> EndAsync(int signal, TimeSpan limit, TimeSpan down)
    {
        Process process;
        lock (_lock)
        {
            if (_process is not { HasExited: false } running) return FaultKind.NotDone + "the worker was down";
            if (_suspended > 0 && signal != Signals.Kill) return FaultKind.NotDone + "the worker was suspended";
            (process, _expected) = (running, Signals.NameOf(signal));
            _held++;
        }

        var started = clock.GetTimestamp();
        try
        {
            Signals.Send(process.Id, signal);
            using var timeout = new CancellationTokenSource(limit, clock);
            await process.WaitForExitAsync(timeout.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!process.HasExited)
            {
                lock (_lock) _expected = null;
                Signals.Send(process.Id, Signals.Kill);
                await process.WaitForExitAsync(CancellationToken.None);
                return $"did not end within {limit.TotalSeconds:0} s";
            }

            var took = clock.GetElapsedTime(started).TotalSeconds;
            await Task.Delay(down, clock);
            return $"ended in {took:0.0} s";
        }
        finally
        {
            lock (_lock) _held--;
        }
    }

    /// <summary>Suspends the process for a while.</summary>
    public async Task<string> SuspendAsync(TimeSpan time)
    {
        Process process;
        lock (_lock)
        {
            if (_process is not { HasExited: false } running) return FaultKind.NotDone + "the worker was down";
            process = running;
            _suspended++;
            Signals.Send(process.Id, Signals.Suspend);
        }

        await Task.Delay(time, clock);
        lock (_lock)
        {
            if (--_suspended == 0 && !process.HasExited) Signals.Send(process.Id, Signals.Continue);
        }

        return "ok";
    }

    private bool IsHeld()
    {
        lock (_lock) return _held > 0;
    }

    // A shell gives the process its log file and becomes it: there is no pipe that somebody has to read.
    private Process Start()
    {
        lock (_lock)
        {
            Directory.CreateDirectory(logFolder);
            var start = new ProcessStartInfo("/bin/sh") { UseShellExecute = false, RedirectStandardInput = true };
            string[] arguments = ["-c", "exec \"$@\" >\"$LOG\" 2>&1", "sh", program.File, .. program.First, "worker", "--name", name];
            foreach (var argument in arguments) start.ArgumentList.Add(argument);
            ProgramStart.SetVariables(start, environment);
            start.Environment["LOG"] = Path.Combine(logFolder, $"{logName}-{++_starts:D3}.log");
            (_process, _expected) = (Process.Start(start)!, null);
            _process.StandardInput.Close();
            return _process;
        }
    }

    private void AskToStop(Process process)
    {
        lock (_lock)
        {
            _expected ??= StopReason;
            if (process.HasExited) return;
            Signals.Send(process.Id, Signals.Continue);
            Signals.Send(process.Id, Signals.Terminate);
        }
    }

    private async Task WaitAsync(Process process, TimeSpan stopLimit, CancellationToken over)
    {
        await process.WaitForExitAsync(over).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (process.HasExited) return;
        using var timeout = new CancellationTokenSource(stopLimit, clock);
        await process.WaitForExitAsync(timeout.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (process.HasExited) return;
        lock (_lock) _expected = null;
        Signals.Send(process.Id, Signals.Kill);
        await process.WaitForExitAsync(CancellationToken.None);
    }

    // False when the process ended though nothing asked it to.
    private bool NoteExit(Process process)
    {
        lock (_lock)
        {
            var log = Path.Combine(logFolder, $"{logName}-{_starts:D3}.log");
            var reason = _expected ?? (process.ExitCode == NoDatabase ? "no database at its start" : null);
            _exits.Add(new WorkerExit(name, process.ExitCode, reason, reason is null ? LastLines(log) : ""));
            _process = null;
            return _expected is not null;
        }
    }

    private static string LastLines(string log) => string.Join('\n', File.ReadLines(log).TakeLast(8));
}

/// <summary>How a worker process ended.</summary>
/// <param name="Worker">Name of the worker.</param>
/// <param name="ExitCode">Its exit code; 128 and more after a signal.</param>
/// <param name="Reason">What ended it; null when it ended by itself, or did not end when asked.</param>
/// <param name="LastLines">The end of its log when it ended by itself.</param>
internal sealed record WorkerExit(string Worker, int ExitCode, string? Reason, string LastLines);
