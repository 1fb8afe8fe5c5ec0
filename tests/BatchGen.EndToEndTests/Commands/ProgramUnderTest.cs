using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.EndToEndTests.Commands;

/// <summary>The real program in processes of its own, on a test's database.</summary>
internal sealed class ProgramUnderTest(TestDatabase database) : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);
    private readonly List<Process> _started = [];

    /// <summary>Data folder of the program, with its pictures.</summary>
    public string DataFolder { get; } = Directory.CreateTempSubdirectory("batchgen-program-").FullName;

    /// <summary>Settings beyond database and folder.</summary>
    public Dictionary<string, string> Environment { get; } = [];

    /// <summary>Starts a command.</summary>
    public RunningProgram Start(params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "batchgen"))
        {
            UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true, WorkingDirectory = RepositoryPaths.Root,
        };
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        start.Environment["ConnectionStrings__BatchGen"] = database.ConnectionString;
        start.Environment["BatchGen__Queue__Schema"] = database.Schema;
        start.Environment["BatchGen__DataFolder"] = DataFolder;
        foreach (var (name, value) in Environment) start.Environment[name] = value;
        var process = Process.Start(start) ?? throw new InvalidOperationException("The program did not start.");
        _started.Add(process);
        process.StandardInput.Close();
        return new RunningProgram(process);
    }

    /// <summary>Runs a command to its end.</summary>
    public async Task<ProgramResult> RunAsync(params string[] arguments) => await Start(arguments).WaitAsync(Limit);

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _started)
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync();
            process.Dispose();
        }

        Directory.Delete(DataFolder, recursive: true);
    }
}

/// <summary>A command that runs.</summary>
internal sealed partial class RunningProgram
{
    private const int Interrupted = 2, Terminate = 15;
    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _error = new();

    public RunningProgram(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, line) => Append(_output, line.Data);
        process.ErrorDataReceived += (_, line) => Append(_error, line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>How it ended, or null while it runs.</summary>
    public ProgramResult? Ended
    {
        get
        {
            if (!_process.HasExited) return null;
            lock (_output) return new ProgramResult(_process.ExitCode, _output.ToString(), _error.ToString());
        }
    }

    /// <summary>What it has written to standard error so far.</summary>
    public string Error
    {
        get
        {
            lock (_output) return _error.ToString();
        }
    }

    /// <summary>Ends it without warning, as a power cut does.</summary>
    public void Kill() => _process.Kill();

    /// <summary>Asks it to end, as a service manager does.</summary>
    public void Ask() => Assert.Equal(0, Signal(_process.Id, Terminate));

    /// <summary>Presses Ctrl-C: a terminal sends it to the children too.</summary>
    public void Interrupt(params IEnumerable<int> children) => Assert.All(children.Append(_process.Id), process => Assert.Equal(0, Signal(process, Interrupted)));

    public async Task<ProgramResult> WaitAsync(TimeSpan limit)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        stop.CancelAfter(limit);
        await _process.WaitForExitAsync(stop.Token);
        lock (_output) return new ProgramResult(_process.ExitCode, _output.ToString(), _error.ToString());
    }

    private void Append(StringBuilder text, string? line)
    {
        lock (_output)
        {
            if (line is not null) text.AppendLine(line);
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Signal(int process, int signal);
}

/// <summary>How a command ended.</summary>
internal sealed record ProgramResult(int ExitCode, string Output, string Error);
