using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using BatchGen.Composition;
using BatchGen.Testing;
using Microsoft.Extensions.Configuration.Memory;
using Spectre.Console;
using Xunit;

namespace BatchGen.EndToEndTests.Commands;

/// <summary>The real program on a test's database: in processes of its own, or in this process, which is much faster.</summary>
internal sealed class ProgramUnderTest(TestDatabase database) : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);
    private readonly List<Process> _started = [];

    /// <summary>Data folder of the program, with its images.</summary>
    public string DataFolder { get; } = Directory.CreateTempSubdirectory("batchgen-program-").FullName;

    /// <summary>Environment variables beyond those that name database and folder.</summary>
    public Dictionary<string, string> Environment { get; } = [];

    /// <summary>Starts a command in a process of its own.</summary>
    public RunningProgram Start(params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "batchgen"))
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            WorkingDirectory = RepositoryPaths.Root,
        };
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        foreach (var (name, value) in Variables()) start.Environment[name] = value;
        var process = Process.Start(start) ?? throw new InvalidOperationException("The program did not start.");
        _started.Add(process);
        process.StandardInput.Close();
        return new RunningProgram(process, arguments);
    }

    /// <summary>Runs a command to its end in a process of its own.</summary>
    public async Task<ProgramResult> RunAsync(params string[] arguments) => await Start(arguments).WaitAsync(Limit);

    /// <summary>Runs a command to its end in this process.</summary>
    public Task<ProgramResult> RunHereAsync(params string[] arguments) => RunHereAsync(arguments, Context());

    /// <summary>Runs a command to its end in this process, with the streams and clock given.</summary>
    public static async Task<ProgramResult> RunHereAsync(string[] arguments, ProgramContext context)
    {
        var code = await CommandLine.RunAsync(arguments, context).WaitAsync(Limit, TestContext.Current.CancellationToken);
        var result = new ProgramResult(
            code, context.Output.ToString()!.ReplaceLineEndings("\n"), context.Error.ToString()!.ReplaceLineEndings("\n"));
        if (code == ExitCodes.Success) CommandSuccesses.Add(arguments);
        return result;
    }

    /// <summary>The world outside for a command that runs in this process; its output is collected.</summary>
    /// <param name="input">What standard input holds.</param>
    /// <param name="terminal">The terminal that a person watches; null where output is redirected.</param>
    /// <param name="clock">The clock; the system's when not given.</param>
    public ProgramContext Context(string input = "", IAnsiConsole? terminal = null, TimeProvider? clock = null)
    {
        var output = new SharedWriter();
        return new ProgramContext
        {
            Input = new StringReader(input),
            Output = output,
            Error = new SharedWriter(),
            Console = terminal ?? AnsiConsole.Create(
                new AnsiConsoleSettings
                {
                    Out = new AnsiConsoleOutput(output),
                    Ansi = AnsiSupport.No,
                    Interactive = InteractionSupport.No,
                }),
            Questions = null,
            IsTerminal = terminal is not null,
            Clock = clock ?? TimeProvider.System,
            Environment = new MemoryConfigurationSource
            {
                InitialData = Variables()
                    .Select(pair => KeyValuePair.Create(pair.Key.Replace("__", ":", StringComparison.Ordinal), (string?)pair.Value)),
            },
            HomeFolder = RepositoryPaths.Root,
            ProgramPath = Path.Combine(AppContext.BaseDirectory, "batchgen"),
        };
    }

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

    private Dictionary<string, string> Variables()
    {
        var variables = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["ConnectionStrings__BatchGen"] = database.ConnectionString,
            ["BatchGen__Queue__Schema"] = database.Schema,
            ["BatchGen__DataFolder"] = DataFolder,
        };
        foreach (var (name, value) in Environment) variables[name] = value;
        return variables;
    }
}

/// <summary>A command that runs in a process of its own.</summary>
internal sealed partial class RunningProgram
{
    private const int Interrupted = 2, Terminate = 15;
    private readonly Process _process;
    private readonly IReadOnlyList<string> _arguments;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _error = new();
    private bool _askedToStop;

    public RunningProgram(Process process, IReadOnlyList<string> arguments)
    {
        _process = process;
        _arguments = arguments;
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

    /// <summary>The lines it has written to standard error so far.</summary>
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
    public void AskToStop()
    {
        _askedToStop = true;
        Assert.Equal(0, Signal(_process.Id, Terminate));
    }

    /// <summary>Presses Ctrl-C: a terminal sends it to the children too.</summary>
    public void Interrupt(params IEnumerable<int> children)
    {
        _askedToStop = true;
        Assert.All(children.Append(_process.Id), process => Assert.Equal(0, Signal(process, Interrupted)));
    }

    public async Task<ProgramResult> WaitAsync(TimeSpan limit)
    {
        var ending = _process.WaitForExitAsync(TestContext.Current.CancellationToken);
        await Wait.ForAsync($"'batchgen {string.Join(' ', _arguments)}' ended", ending, limit, TestContext.Current.CancellationToken);
        // Commands that run until they are stopped say so with an exit code of its own.
        if (_process.ExitCode == ExitCodes.Success || (_askedToStop && _process.ExitCode == ExitCodes.Interrupted))
            CommandSuccesses.Add(_arguments);
        return Ended!;
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
