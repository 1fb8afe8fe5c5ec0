using System.CommandLine;
using System.Reflection;
using Xunit;

namespace BatchGen.EndToEndTests.Commands;

public sealed class CommandTreeTests
{
    [Fact]
    public void Every_command_that_does_something_has_a_test_of_its_success()
    {
        var commands = ListCommands(CommandSuccesses.BuildCommands(), "").ToArray();
        var tested = ListTests().SelectMany(test => test.GetCustomAttributes<SuccessOfAttribute>()).Select(mark => mark.Command).ToArray();
        Assert.NotEmpty(commands);
        Assert.True(
            !commands.Except(tested).Any(), $"No test is marked with [SuccessOf] for: {string.Join(", ", commands.Except(tested))}");
        Assert.True(!tested.Except(commands).Any(),
            $"Tests are marked with commands that do not exist: {string.Join(", ", tested.Except(commands))}");
    }

    // A command with an action of its own does something, whether or not it has commands below it.
    private static IEnumerable<string> ListCommands(Command command, string prefix)
    {
        foreach (var child in command.Subcommands)
        {
            if (child.Action is not null || child.Subcommands.Count == 0) yield return prefix + child.Name;
            foreach (var path in ListCommands(child, prefix + child.Name + " ")) yield return path;
        }
    }

    // Only tests that run: a skipped one proves nothing.
    private static IEnumerable<MethodInfo> ListTests() => typeof(CommandTreeTests).Assembly.GetTypes()
        .SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Instance))
        .Where(method => method.GetCustomAttribute<FactAttribute>() is { Skip: null });
}
