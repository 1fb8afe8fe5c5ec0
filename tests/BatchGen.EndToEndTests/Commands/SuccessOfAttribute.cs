using System.Collections.Concurrent;
using System.Reflection;
using BatchGen.Composition;
using BatchGen.Testing;
using Microsoft.Extensions.Configuration.Memory;
using Spectre.Console;
using Xunit;
using Xunit.v3;

namespace BatchGen.EndToEndTests.Commands;

/// <summary>Marks a test that runs a command of the program with success; the test fails when it did not.</summary>
/// <remarks><see cref="CommandTreeTests"/> fails for a command that no test is marked with.</remarks>
/// <param name="command">The command without <c>batchgen</c>, for example <c>models add</c>.</param>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
internal sealed class SuccessOfAttribute(string command) : BeforeAfterTestAttribute
{
    /// <summary>The command without <c>batchgen</c>.</summary>
    public string Command { get; } = command;

    /// <inheritdoc/>
    public override void After(MethodInfo methodUnderTest, IXunitTest test)
    {
        // A test that failed says why already.
        if (TestContext.Current.TestState?.Result is not (TestResult.Failed or TestResult.Skipped))
            Assert.True(CommandSuccesses.Of(test.UniqueID).Contains(Command),
                $"The test is marked with a success of 'batchgen {Command}' and ran none.");
    }
}

/// <summary>Which commands ran with success in which test.</summary>
internal static class CommandSuccesses
{
    private static readonly ConcurrentDictionary<string, ConcurrentDictionary<string, bool>> ByTest = new(StringComparer.Ordinal);

    /// <summary>Notes that a command ran with success in the current test.</summary>
    public static void Add(IEnumerable<string> arguments)
    {
        if (TestContext.Current.Test is not { } test) return;
        var result = BuildCommands().Parse([.. arguments]).CommandResult;
        var path = result.Command.Name;
        for (var parent = result.Parent as System.CommandLine.Parsing.CommandResult; parent?.Parent is not null; parent =
            parent.Parent as System.CommandLine.Parsing.CommandResult)
            path = parent.Command.Name + " " + path;
        ByTest.GetOrAdd(test.UniqueID, _ => new(StringComparer.Ordinal))[path] = true;
    }

    /// <summary>The commands that ran with success in a test.</summary>
    public static ICollection<string> Of(string testId) => ByTest.TryGetValue(testId, out var commands) ? commands.Keys : [];

    /// <summary>The command tree of the program.</summary>
    public static System.CommandLine.RootCommand BuildCommands() => CommandLine.Build(new ProgramContext
    {
        Input = TextReader.Null,
        Output = TextWriter.Null,
        Error = TextWriter.Null,
        Console = AnsiConsole.Console,
        Questions = null,
        IsTerminal = false,
        Clock = TimeProvider.System,
        Environment = new MemoryConfigurationSource(),
        HomeFolder = RepositoryPaths.Root,
        ProgramPath = "batchgen",
    });
}
