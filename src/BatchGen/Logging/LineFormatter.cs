using BatchGen.Output;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace BatchGen.Logging;

/// <summary>How log lines are written: as text for people or as JSON for programs, one line each.</summary>
/// <param name="name">One of <see cref="LogFormats"/>.</param>
/// <param name="clock">The clock of the times.</param>
/// <param name="format">Makes the line.</param>
internal sealed class LineFormatter(string name, TimeProvider clock, Func<LogEvent, string> format) : ConsoleFormatter(name)
{
    /// <inheritdoc/>
    public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter) =>
        textWriter.WriteLine(format(LogEvent.Read(logEntry, scopeProvider, clock.GetUtcNow())));
}

/// <summary>The formats that <c>--log-format</c> and <c>Logging:Console:FormatterName</c> name.</summary>
internal static class LogFormats
{
    /// <summary>Lines for people.</summary>
    public const string Text = "text";

    /// <summary>One JSON object a line.</summary>
    public const string Json = "json";

    /// <summary>All of them.</summary>
    public static readonly string[] All = [Text, Json];

    /// <summary>The writers of all formats.</summary>
    public static IEnumerable<ConsoleFormatter> Formatters(TimeProvider clock) =>
        [new LineFormatter(Text, clock, line => line.ToText()), new LineFormatter(Json, clock, JsonLogLine.Of)];

    /// <summary>An error that ends the program, in a format; several lines stay several as text.</summary>
    public static string Error(string format, DateTimeOffset at, string message, Exception? error) => format == Json
        ? JsonLogLine.Of(new LogEvent(at.ToUniversalTime(), LogLevel.Critical, "batchgen", 0, message, error))
        : "batchgen: " + Printable.Message(message) + (error is null ? "" : Environment.NewLine + error);
}
