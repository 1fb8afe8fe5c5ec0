using BatchGen.Composition;
using Microsoft.Extensions.Time.Testing;
using Spectre.Console;

namespace BatchGen.UnitTests.Program;

/// <summary>One run of the program inside the test: what it printed and its exit code.</summary>
internal sealed record ProgramRun(int ExitCode, string Output, string Error)
{
    public static async Task<ProgramRun> RunAsync(string[] args, string input = "", IReadOnlyDictionary<string, string?>? settings = null)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var context = new ProgramContext
        {
            Input = new StringReader(input),
            Output = output,
            Error = error,
            Console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output), Ansi = AnsiSupport.No, Interactive = InteractionSupport.No }),
            IsTerminal = false,
            Clock = new FakeTimeProvider(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero)),
            HomeFolder = Path.GetTempPath(),
            // Port 1 is closed everywhere: what needs a database fails at once, and nothing starts a private server.
            ExtraSettings = settings ?? new Dictionary<string, string?>(StringComparer.Ordinal)
            {
                ["ConnectionStrings:BatchGen"] = "Host=127.0.0.1;Port=1;Username=nobody;Password=secret;Timeout=2",
            },
        };
        var code = await CommandLine.RunAsync(args, context);
        return new ProgramRun(code, output.ToString(), error.ToString());
    }
}
