using System.CommandLine;
using System.Text.Json;
using BatchGen.Composition;
using BatchGen.Dashboard.Api;

namespace BatchGen.Output;

/// <summary>What <c>--json</c> prints: the same JSON as the HTTP API.</summary>
internal static class JsonOutput
{
    /// <summary>The option of commands that print a list.</summary>
    public static Option<bool> LinesOption() => new("--json") { Description = "Print one JSON object per line." };

    /// <summary>The option of commands that print one thing.</summary>
    public static Option<bool> ObjectOption(string description = "Print JSON.") => new("--json") { Description = description };

    /// <summary>Prints each value on a line of its own.</summary>
    public static async Task WriteLinesAsync<T>(ProgramContext context, IEnumerable<T> values)
    {
        foreach (var value in values) await WriteLineAsync(context, value);
    }

    /// <summary>Prints a value on one line, for programs.</summary>
    public static Task WriteLineAsync<T>(ProgramContext context, T value) =>
        context.Output.WriteLineAsync(JsonSerializer.Serialize(value, ApiJson.Compact));

    /// <summary>Prints a value over several lines, for people.</summary>
    public static Task WriteIndentedAsync<T>(ProgramContext context, T value) =>
        context.Output.WriteLineAsync(JsonSerializer.Serialize(value, ApiJson.Indented));
}
