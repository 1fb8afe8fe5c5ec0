using Spectre.Console;

namespace BatchGen.Composition;

/// <summary>What a command sees of the world outside: its streams, clock and folders.</summary>
internal sealed class ProgramContext
{
    /// <summary>Standard input.</summary>
    public required TextReader Input { get; init; }

    /// <summary>Standard output, for plain lines.</summary>
    public required TextWriter Output { get; init; }

    /// <summary>Standard error.</summary>
    public required TextWriter Error { get; init; }

    /// <summary>Standard output, for tables and progress.</summary>
    public required IAnsiConsole Console { get; init; }

    /// <summary>True when a person sees standard output as it is written.</summary>
    public required bool IsTerminal { get; init; }

    /// <summary>The clock.</summary>
    public required TimeProvider Clock { get; init; }

    /// <summary>Folder that relative folders in the settings start at.</summary>
    public required string HomeFolder { get; init; }

    /// <summary>Settings beyond the file and the environment; tests use it.</summary>
    public IReadOnlyDictionary<string, string?> ExtraSettings { get; init; } = new Dictionary<string, string?>(StringComparer.Ordinal);

    /// <summary>The process's own streams and clock.</summary>
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
            IsTerminal = !System.Console.IsOutputRedirected && AnsiConsole.Profile.Capabilities.Interactive,
            Clock = TimeProvider.System,
            HomeFolder = FindHome(Environment.GetEnvironmentVariable("BATCHGEN_HOME")),
        };
    }

    // The launcher says where; a program run from a checkout belongs to that checkout; an installed one to where it is started.
    internal static string FindHome(string? given)
    {
        if (!string.IsNullOrEmpty(given)) return Path.GetFullPath(given);
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "BatchGen.sln"))) return folder.FullName;
        return Directory.GetCurrentDirectory();
    }
}
