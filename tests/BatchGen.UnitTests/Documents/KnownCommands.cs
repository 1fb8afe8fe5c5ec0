using System.CommandLine;
using System.Text.RegularExpressions;
using BatchGen.Composition;

namespace BatchGen.UnitTests.Documents;

/// <summary>Checks command lines of documents and comments against the program's own tree of commands.</summary>
internal static partial class KnownCommands
{
    // Commands of the launcher, which never reach the program.
    private static readonly string[] OfLauncher = ["test"];

    private static readonly RootCommand Root = CommandLine.Build(new ProgramContext
    {
        Input = TextReader.Null, Output = TextWriter.Null, Error = TextWriter.Null, Console = Spectre.Console.AnsiConsole.Console,
        Questions = null, IsTerminal = false, Clock = TimeProvider.System, HomeFolder = "/", ProgramPath = "batchgen",
        Environment = new Microsoft.Extensions.Configuration.Memory.MemoryConfigurationSource(),
    });

    private static readonly HashSet<string> AllOptions =
        Descendants(Root).SelectMany(command => command.Options).SelectMany(NamesOf).ToHashSet(StringComparer.Ordinal);

    /// <summary>Whether any command has this option.</summary>
    /// <param name="option">Name with its dashes.</param>
    public static bool HasOption(string option) => AllOptions.Contains(option);

    /// <summary>Says what in the command lines of a text does not exist.</summary>
    /// <param name="text">A code span or one line of a code block.</param>
    /// <returns>One sentence for each fault; nothing when every command and option exists.</returns>
    public static IEnumerable<string> Faults(string text) =>
        CommandIn().Matches(text).SelectMany(match => FaultsOfLine(match.Groups[1].Value));

    private static IEnumerable<string> FaultsOfLine(string line)
    {
        Command[] commands = [Root];
        var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var options = commands.SelectMany(command => command.Options.SelectMany(NamesOf)).ToHashSet(StringComparer.Ordinal);
        var isPath = true;
        foreach (var word in words)
        {
            if (word.Length > 1 && word.StartsWith('-'))
            {
                isPath = false;
                if (!options.Contains(word.Split('=')[0])) yield return $"'batchgen {line}': there is no option {word}";
                continue;
            }

            if (!isPath || commands.Any(command => command.Subcommands.Count == 0)) continue;
            if (commands[0] == Root && OfLauncher.Contains(word)) yield break;
            var next = word.Split('|', '/').Select(name => (name, found: Find(commands, name))).ToList();
            if (next.All(pair => pair.found is null) && (commands[0] != Root || !CommandName().IsMatch(word))) yield break; // An argument.
            foreach (var (name, _) in next.Where(pair => pair.found is null)) yield return $"'batchgen {line}': there is no command {name}";
            if (next.Any(pair => pair.found is null)) yield break;
            commands = [.. next.Select(pair => pair.found!)];
            foreach (var option in commands.SelectMany(command => command.Options).SelectMany(NamesOf)) options.Add(option);
        }
    }

    private static Command? Find(Command[] commands, string name) =>
        commands.SelectMany(command => command.Subcommands)
            .FirstOrDefault(command => command.Name == name || command.Aliases.Contains(name));

    private static IEnumerable<string> NamesOf(Option option) => option.Aliases.Append(option.Name);

    private static IEnumerable<Command> Descendants(Command command) => command.Subcommands.SelectMany(Descendants).Prepend(command);

    // From the program's name to the end of the command: a comment, a pipe or the next command of the shell ends it.
    [GeneratedRegex(@"(?:^|[\s;(>&'])(?:\./)?batchgen ((?![.(]).+?)(?= *(?:$|\s#|\s\||&&|;|'|\)|:\s|,\s))")]
    private static partial Regex CommandIn();

    [GeneratedRegex(@"^[a-z|]+$")]
    private static partial Regex CommandName();
}
