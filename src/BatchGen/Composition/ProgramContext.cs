using BatchGen.Chaos.Processes;
using BatchGen.Output;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.EnvironmentVariables;
using Spectre.Console;

namespace BatchGen.Composition;

/// <summary>The streams, clock, environment and folders that commands work with; tests give commands others.</summary>
internal sealed class ProgramContext
{
    /// <summary>Standard input, for passwords and job files that are piped in.</summary>
    public required TextReader Input { get; init; }

    /// <summary>Standard output, for plain lines.</summary>
    public required TextWriter Output { get; init => field = TerminalWriter.Over(value); }

    /// <summary>Standard error, for errors, warnings and log lines.</summary>
    public required TextWriter Error { get; init => field = TerminalWriter.Over(value); }

    /// <summary>Standard output, for progress that is drawn anew in place.</summary>
    public required IAnsiConsole Console { get; init; }

    /// <summary>Standard error with the keyboard, for questions to the person at the terminal; null when standard
    /// input is not a terminal.</summary>
    public required IAnsiConsole? Questions { get; init; }

    /// <summary>True when standard output is a terminal and not a file or a pipe.</summary>
    public required bool IsTerminal { get; init; }

    /// <summary>The clock and time zone of everything that a command does.</summary>
    public required TimeProvider Clock { get; init; }

    /// <summary>Settings that take precedence over the settings file: the environment variables.</summary>
    public required IConfigurationSource Environment { get; init; }

    /// <summary>Folder that relative folders in the settings start at.</summary>
    public required string HomeFolder { get; init; }

    /// <summary>The program that worker processes run: this one, or <c>dotnet</c> when that runs this one.</summary>
    public required string ProgramPath { get; init; }

    /// <summary>How another process of this program is started.</summary>
    public ProgramStart ProgramStart()
    {
        // Under "dotnet batchgen.dll" the process is dotnet, which needs the program's path as its first argument.
        var isDotnet = Path.GetFileNameWithoutExtension(ProgramPath).Equals("dotnet", StringComparison.OrdinalIgnoreCase);
        return new ProgramStart(ProgramPath, isDotnet ? [Path.Combine(AppContext.BaseDirectory, "batchgen.dll")] : [], HomeFolder);
    }

    /// <summary>The process's own streams, clock and environment.</summary>
    public static ProgramContext OfProcess()
    {
        // Prompts are in every language; some terminals still start in another code page.
        if (!System.Console.IsOutputRedirected) System.Console.OutputEncoding = System.Text.Encoding.UTF8;
        return new ProgramContext
        {
            Input = System.Console.In,
            Output = System.Console.Out,
            Error = System.Console.Error,
            Console = AnsiConsole.Console,
            Questions = System.Console.IsInputRedirected ? null : OpenQuestions(),
            IsTerminal = !System.Console.IsOutputRedirected && AnsiConsole.Profile.Capabilities.Interactive,
            Clock = TimeProvider.System,
            Environment = new EnvironmentVariablesConfigurationSource(),
            HomeFolder = FindOwnFolder() ?? Directory.GetCurrentDirectory(),
            ProgramPath = System.Environment.ProcessPath ?? "dotnet",
        };
    }

    // On standard error, so that "batchgen ... > file" still asks. Input is a terminal, whatever else the library takes for a sign of it.
    private static IAnsiConsole OpenQuestions() => AnsiConsole.Create(
        new AnsiConsoleSettings { Out = new AnsiConsoleOutput(System.Console.Error), Interactive = InteractionSupport.Yes });

    /// <summary>The folder that the launcher names, or the checkout that the program runs from; null for an installed program, which
    /// belongs to where it is started.</summary>
    internal static string? FindOwnFolder()
    {
        if (System.Environment.GetEnvironmentVariable("BATCHGEN_HOME") is { Length: > 0 } given) return Path.GetFullPath(given);
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "BatchGen.sln"))) return folder.FullName;
        return null;
    }
}
