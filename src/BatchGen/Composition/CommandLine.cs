using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using BatchGen.Commands;
using BatchGen.Core.Failures;
using BatchGen.Core.Submitting;
using BatchGen.Dashboard.Security;
using BatchGen.Imaging.Recipes;
using BatchGen.Logging;
using BatchGen.Queue;
using Microsoft.Extensions.Logging;

namespace BatchGen.Composition;

/// <summary>The command line: parses, runs one command, and turns every failure into one line and an exit code.</summary>
internal static class CommandLine
{
    /// <summary>Shows stack traces and log lines; works with every command.</summary>
    public static Option<bool> Verbose { get; } =
        new("--verbose") { Description = "Show log lines, and stack traces of errors.", Recursive = true };

    /// <summary>How log lines and the last error are written; works with every command.</summary>
    public static Option<string?> LogFormat { get; } = MakeLogFormat();

    /// <summary>The lowest level of log lines of a command whose output is for people: <c>--verbose</c> shows all that the settings
    /// do.</summary>
    public static LogLevel LowestLevel(ParseResult arguments) => arguments.GetValue(Verbose) ? LogLevel.Trace : LogLevel.Warning;

    /// <summary>Runs the program.</summary>
    /// <returns>One of <see cref="ExitCodes"/>.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> args, ProgramContext context)
    {
        var root = Build(context);
        var result = root.Parse(args);
        if (result.Errors.Count > 0 && result.Action is ParseErrorAction)
        {
            foreach (var error in result.Errors.Select(error => Plain(error.Message)).Distinct(StringComparer.Ordinal))
                await context.Error.WriteLineAsync($"batchgen: {error}");
            await context.Error.WriteLineAsync($"Try 'batchgen {CommandPath(result)}--help'.");
            return ExitCodes.BadInput;
        }

        try
        {
            var invocation = new InvocationConfiguration
            {
                Output = context.Output,
                Error = context.Error,
                EnableDefaultExceptionHandler = false,
                // A worker unloads, verifies and requeues its unfinished jobs first, for as long as its settings
                // allow: its host sets the limit.
                ProcessTerminationTimeout = Timeout.InfiniteTimeSpan,
            };
            return await result.InvokeAsync(invocation);
        }
        catch (OperationCanceledException)
        {
            return ExitCodes.Interrupted;
        }
        catch (Exception failure)
        {
            var (code, message) = Explain(failure);
            var shown = result.GetValue(Verbose) ? failure : null;
            await context.Error.WriteLineAsync(
                LogFormats.Error(result.GetValue(LogFormat) ?? LogFormats.Text, context.Clock.GetUtcNow(), message, shown));
            return code;
        }
    }

    /// <summary>Builds the tree of all commands.</summary>
    internal static RootCommand Build(ProgramContext context)
    {
        const string Purpose =
            "Durable batch image renderer: jobs wait in PostgreSQL sorted by the adapters they need, workers fuse once and render many.";
        var root = new RootCommand(Purpose)
        {
            SubmitCommand.Create(context),
            JobsCommand.Create(context),
            WatchCommand.Create(context),
            ModelsCommand.Create(context),
            AdaptersCommand.Create(context),
            ShowCommand.Create(context),
            RedrawCommand.Create(context),
            UpCommand.Create(context),
            WorkerCommand.Create(context),
            DemoCommand.Create(context),
            AccessCommands.CreateUsers(context),
            AccessCommands.CreateKeys(context),
            MigrateCommand.Create(context),
            DoctorCommand.Create(context),
            BackupCommand.Create(context),
            RestoreCommand.Create(context),
            DriftCommand.Create(context),
            BenchCommand.Create(context),
        };
        root.Options.Add(Verbose);
        root.Options.Add(LogFormat);
        var help = root.Options.OfType<HelpOption>().Single();
        help.Action = new HelpWithExamples((HelpAction)help.Action!);
        return root;
    }

    private static Option<string?> MakeLogFormat()
    {
        var option = new Option<string?>("--log-format")
        {
            Description = "Write log lines as text or as one JSON object a line; default: Logging:Console:FormatterName.", Recursive = true,
        };
        return option.AcceptOnlyFromAmong(LogFormats.All);
    }

    private static (int Code, string Message) Explain(Exception failure) => failure switch
    {
        CommandException command => (command.ExitCode, command.Message),
        DashboardException => (ExitCodes.BadInput, failure.Message),
        SubmitRefusedException or JobFileException => (ExitCodes.BadInput, failure.Message),
        QueueException when failure.InnerException is { } inner && DatabaseErrors.IsDatabase(inner) =>
            (ExitCodes.NoDatabase, failure.Message),
        QueueException or BatchGenException or RecipeException => (ExitCodes.Failed, failure.Message),
        _ when DatabaseErrors.IsDatabase(failure) => (ExitCodes.NoDatabase, DatabaseErrors.Describe(failure)),
        IOException or UnauthorizedAccessException => (ExitCodes.Failed, failure.Message),
        _ => (ExitCodes.Failed, $"{failure.GetType().Name}: {failure.Message} (--verbose shows where)"),
    };

    // The parser names .NET types and spreads lists over several lines; an error is one line without them.
    private static string Plain(string error)
    {
        var line = string.Join(' ', error.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        var type = line.IndexOf(" as expected type '", StringComparison.Ordinal);
        if (type < 0) return line;
        var expected = line[type..].Contains("Int", StringComparison.Ordinal) ? "a whole number" : "a number";
        return $"{line[..type]}: expected {expected}.";
    }

    private static string CommandPath(ParseResult result)
    {
        var path = "";
        for (var at = result.CommandResult; at.Parent is CommandResult parent; at = parent) path = at.Command.Name + " " + path;
        return path;
    }
}
