using System.Diagnostics;
using System.Globalization;
using System.Text;
using BatchGen.Output;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace BatchGen.Logging;

/// <summary>What one log line says, read from the entry and from the scopes around it.</summary>
/// <param name="At">When it was logged, in UTC.</param>
/// <param name="Level">How much it matters.</param>
/// <param name="Category">The class that logged it.</param>
/// <param name="Event">Number of the message; 0 when it has none.</param>
/// <param name="Message">The message.</param>
/// <param name="Error">What was thrown, or null.</param>
internal sealed record LogEvent(DateTimeOffset At, LogLevel Level, string Category, int Event, string Message, Exception? Error)
{
    private const string OriginalFormat = "{OriginalFormat}";

    // What a line belongs to: it stands in front of every message, wherever it came from.
    private static readonly (string Name, string Text)[] Belongings =
        [("BatchId", "batch"), ("JobId", "job"), ("JobIds", "jobs"), ("WorkerId", "worker")];

    private readonly List<KeyValuePair<string, object?>> _values = [];

    /// <summary>What the scopes and the message say by name, each name once: the innermost counts.</summary>
    public IReadOnlyList<KeyValuePair<string, object?>> Values => _values;

    /// <summary>The batch, jobs and worker that the line belongs to, as far as they are known.</summary>
    public IEnumerable<(string Label, object Value)> BelongsTo =>
        from belonging in Belongings
        let value = _values.Find(pair => pair.Key == belonging.Name).Value
        where value is not null
        select (belonging.Text, value);

    /// <summary>Whether a value already stands in front of the message.</summary>
    public static bool IsBelonging(string name) => Array.Exists(Belongings, belonging => belonging.Name == name);

    /// <summary>Reads an entry with its scopes.</summary>
    public static LogEvent Read<TState>(in LogEntry<TState> entry, IExternalScopeProvider? scopes, DateTimeOffset at)
    {
        var message = entry.Formatter?.Invoke(entry.State, entry.Exception) ?? entry.State?.ToString() ?? "";
        var read = new LogEvent(at.ToUniversalTime(), entry.LogLevel, entry.Category, entry.EventId.Id, message, entry.Exception);
        scopes?.ForEachScope(static (scope, line) => line.Add(scope), read);
        read.Add(entry.State);
        return read;
    }

    /// <summary>The line for people: time, level, source, what it belongs to, message, error; in one line whatever they hold.</summary>
    public string ToText()
    {
        var line = new StringBuilder();
        line.Append(At.ToString("yyyy-MM-dd HH:mm:ss.fff'Z '", CultureInfo.InvariantCulture)).Append(LevelName().PadRight(8))
            .Append(Category).Append('[').Append(Event.ToString(CultureInfo.InvariantCulture)).Append(']');
        foreach (var (label, value) in BelongsTo) line.Append(' ').Append(label).Append('=').Append(Text(value));
        line.Append(": ").Append(Message);
        if (Error is not null) line.Append(" | ").Append(Fold(Error.ToString()));
        return TerminalText.EscapeLine(line.ToString());
    }

    /// <summary>Text of a value, the same on every machine.</summary>
    public static string Text(object? value) => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";

    /// <summary>Name of the level in lines.</summary>
    public string LevelName() => Level switch
    {
        LogLevel.Trace => "trace",
        LogLevel.Debug => "debug",
        LogLevel.Information => "info",
        LogLevel.Warning => "warning",
        LogLevel.Error => "error",
        LogLevel.Critical => "critical",
        _ => throw new UnreachableException($"A line of level {Level} is not written."),
    };

    // The lines of a stack trace, one behind the other.
    private static string Fold(string error) =>
        string.Join(" | ", error.Split((char[])['\r', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));

    private void Add(object? state)
    {
        if (state is not IEnumerable<KeyValuePair<string, object?>> pairs) return;
        foreach (var pair in pairs)
        {
            if (pair.Key == OriginalFormat) continue;
            _values.RemoveAll(known => known.Key == pair.Key);
            _values.Add(pair);
        }
    }
}
