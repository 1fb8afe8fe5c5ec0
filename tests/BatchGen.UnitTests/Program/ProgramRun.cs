using BatchGen.Composition;
using Microsoft.Extensions.Configuration.Memory;
using Microsoft.Extensions.Time.Testing;
using Spectre.Console;

namespace BatchGen.UnitTests.Program;

/// <summary>One run of the program inside the test: its output and its exit code.</summary>
internal sealed record ProgramRun(int ExitCode, string Output, string Error)
{
    // Port 1 is closed everywhere: a command that needs a database fails at once, and no private server is started.
    private static readonly Dictionary<string, string?> UnreachableDatabase = new(StringComparer.Ordinal)
    {
        ["ConnectionStrings:BatchGen"] = "Host=127.0.0.1;Port=1;Username=nobody;Password=secret;Timeout=2",
    };

    public static async Task<ProgramRun> RunAsync(string[] args, string input = "", IReadOnlyDictionary<string, string?>? settings = null)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var code = await CommandLine.RunAsync(args, Context(new StringReader(input), output, error, settings));
        return new ProgramRun(code, output.ToString(), error.ToString());
    }

    /// <summary>The world outside as a program sees it whose output is redirected.</summary>
    public static ProgramContext Context(
        TextReader? input = null,
        TextWriter? output = null,
        TextWriter? error = null,
        IReadOnlyDictionary<string, string?>? settings = null,
        TimeProvider? clock = null,
        IAnsiConsole? questions = null,
        IAnsiConsole? terminal = null,
        string? programPath = null) => new()
    {
        Input = input ?? TextReader.Null,
        Output = output ?? TextWriter.Null,
        Error = error ?? TextWriter.Null,
        Console = terminal ?? AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(output ?? TextWriter.Null), Ansi = AnsiSupport.No, Interactive = InteractionSupport.No,
        }),
        Questions = questions,
        IsTerminal = terminal is not null,
        Clock = clock ?? new FakeTimeProvider(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero)),
        Environment = new MemoryConfigurationSource { InitialData = settings ?? UnreachableDatabase },
        HomeFolder = Path.GetTempPath(),
        ProgramPath = programPath ?? "batchgen",
    };
}
