using System.CommandLine;
using BatchGen.Composition;
using BatchGen.Core.Adapters;

namespace BatchGen.Commands;

/// <summary>Values of options, refused with one line that names the option, the value and what was expected.</summary>
internal static class CheckedArguments
{
    private const int SideStep = 8, SmallestSide = 64, LargestSide = 2048;

    /// <summary>A number from 1 up.</summary>
    /// <exception cref="CommandException">It is less.</exception>
    public static int AtLeastOne(ParseResult arguments, Option<int> option)
    {
        var value = arguments.GetValue(option);
        return value > 0 ? value : throw Refused(option, value, "1 or more");
    }

    /// <summary>A number within bounds.</summary>
    /// <exception cref="CommandException">It lies outside.</exception>
    public static int Within(ParseResult arguments, Option<int> option, int least, int most)
    {
        var value = arguments.GetValue(option);
        return value >= least && value <= most ? value : throw Refused(option, value, $"{least} to {most}");
    }

    /// <summary>The side of an image in pixels.</summary>
    /// <exception cref="CommandException">No image can have it.</exception>
    public static int ImageSide(Option option, int value) => value is >= SmallestSide and <= LargestSide && value % SideStep == 0
        ? value
        : throw Refused(option, value, $"a multiple of {SideStep} from {SmallestSide} to {LargestSide}");

    /// <summary>One of a few names.</summary>
    /// <exception cref="CommandException">It is none of them.</exception>
    public static string OneOf(ParseResult arguments, Option<string> option, params IReadOnlyList<string> names)
    {
        var value = arguments.GetRequiredValue(option);
        return names.Contains(value, StringComparer.Ordinal) ? value : throw Refused(option, value, string.Join(" or ", names));
    }

    /// <summary>Some of several names, or null when the option was not given.</summary>
    /// <exception cref="CommandException">One is not among them.</exception>
    public static IReadOnlyList<string>? SomeOf(ParseResult arguments, Option<string[]> option, IReadOnlyList<string> names)
    {
        if (arguments.GetValue(option) is not { Length: > 0 } chosen) return null;
        var unknown = chosen.Except(names, StringComparer.Ordinal).FirstOrDefault();
        return unknown is null ? chosen : throw Refused(option, unknown, $"one of {string.Join(", ", names)}");
    }

    /// <summary>The name that a model or adapter is registered under.</summary>
    /// <param name="given">What <c>--name</c> says, or null.</param>
    /// <param name="path">File or folder; its name is taken when none was given.</param>
    public static string NameFor(string? given, string path) =>
        given ?? (Directory.Exists(path) ? new DirectoryInfo(path).Name : Path.GetFileNameWithoutExtension(path));

    /// <summary>Refuses what cannot be registered as a name.</summary>
    /// <exception cref="CommandException">The text breaks a rule of names.</exception>
    public static void RequireName(string name)
    {
        if (!RegisteredName.IsValid(name))
            throw CommandException.BadInput($"'{name}' cannot be a name: {RegisteredName.Rule} Give another one with --name.");
    }

    private static CommandException Refused(Option option, object? value, string expected) =>
        CommandException.BadInput($"{option.Name} {value}: expected {expected}.");
}
