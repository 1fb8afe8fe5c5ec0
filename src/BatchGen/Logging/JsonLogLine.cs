using System.Diagnostics;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using BatchGen.Output;

namespace BatchGen.Logging;

/// <summary>A log line as one JSON object, for programs that collect logs.</summary>
internal static class JsonLogLine
{
    // Readable text; what a terminal would obey is escaped afterwards, which in JSON means the same.
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The line of a log event.</summary>
    public static string Of(LogEvent line)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Options))
        {
            json.WriteStartObject();
            json.WriteString("time", line.At.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
            json.WriteString("level", line.LevelName());
            json.WriteString("category", line.Category);
            json.WriteNumber("event", line.Event);
            foreach (var (label, value) in line.BelongsTo) WriteValue(json, label, value);
            if (Activity.Current is { } span) json.WriteString("trace_id", span.TraceId.ToHexString());
            json.WriteString("message", line.Message);
            if (line.Error is not null) json.WriteString("exception", line.Error.ToString());
            json.WriteStartObject("values");
            foreach (var (name, value) in line.Values.Where(pair => !LogEvent.IsBelonging(pair.Key))) WriteValue(json, name, value);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        return TerminalText.EscapeLine(System.Text.Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length));
    }

    /// <summary>A line that another process wrote, with the number of that process; a line that is no JSON becomes the message of
    /// one.</summary>
    public static string OfProcess(int process, string line, DateTimeOffset at)
    {
        if (line.StartsWith('{') && IsJson(line))
            return string.Create(CultureInfo.InvariantCulture, $"{{\"process\":{process},{line[1..]}");
        var text = new LogEvent(at.ToUniversalTime(), Microsoft.Extensions.Logging.LogLevel.Error, "process", 0, line, null);
        return OfProcess(process, Of(text), at);
    }

    private static bool IsJson(string line)
    {
        try
        {
            using var read = JsonDocument.Parse(line);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static void WriteValue(Utf8JsonWriter json, string name, object? value)
    {
        switch (value)
        {
            case null: json.WriteNull(name); break;
            case bool truth: json.WriteBoolean(name, truth); break;
            case int number: json.WriteNumber(name, number); break;
            case long number: json.WriteNumber(name, number); break;
            case double number when double.IsFinite(number): json.WriteNumber(name, number); break;
            default: json.WriteString(name, LogEvent.Text(value)); break;
        }
    }
}
