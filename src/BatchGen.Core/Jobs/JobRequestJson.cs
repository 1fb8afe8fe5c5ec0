using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace BatchGen.Core.Jobs;

/// <summary>The JSON objects that <c>submit_jobs</c> takes, made of requests: one property for each field that has a value.</summary>
public static class JobRequestJson
{
    // The text goes to the database, never into HTML.
    private static readonly JsonWriterOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes requests as a JSON array of objects.</summary>
    public static string Write(IEnumerable<JobRequest> requests)
    {
        ArgumentNullException.ThrowIfNull(requests);
        var text = new ArrayBufferWriter<byte>(4096);
        using (var writer = new Utf8JsonWriter(text, Readable))
        {
            writer.WriteStartArray();
            foreach (var request in requests) WriteObject(writer, request, JobFields.All);
            writer.WriteEndArray();
        }

        return Encoding.UTF8.GetString(text.WrittenSpan);
    }

    /// <summary>Writes the recipe part of a request as one JSON object.</summary>
    /// <param name="request">The request whose recipe is written.</param>
    /// <param name="buffer">Memory to write into; one buffer serves many requests, and its content is replaced.</param>
    public static string WriteRecipe(JobRequest request, ArrayBufferWriter<byte> buffer)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(buffer);
        buffer.ResetWrittenCount();
        using (var writer = new Utf8JsonWriter(buffer, Readable)) WriteObject(writer, request, JobFields.Recipe);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static void WriteObject(Utf8JsonWriter writer, JobRequest request, IReadOnlyList<JobField> fields)
    {
        writer.WriteStartObject();
        foreach (var field in fields)
        {
            if (request[field] is not { } value) continue;
            writer.WritePropertyName(field.Name);
            WriteValue(writer, value);
        }

        writer.WriteEndObject();
    }

    private static void WriteValue(Utf8JsonWriter writer, object value)
    {
        switch (value)
        {
            case string text: writer.WriteStringValue(text); break;
            case int number: writer.WriteNumberValue(number); break;
            case long number: writer.WriteNumberValue(number); break;
            // NaN and infinities travel as text, so that the database refuses them with its one message.
            case double number when !double.IsFinite(number): writer.WriteStringValue(number.ToString(CultureInfo.InvariantCulture)); break;
            case double number: writer.WriteNumberValue(number); break;
            case decimal number: writer.WriteNumberValue(number); break;
            case DateTimeOffset instant: writer.WriteStringValue(instant); break;
            case IEnumerable<string> words:
                writer.WriteStartArray();
                foreach (var word in words) writer.WriteStringValue(word);
                writer.WriteEndArray();
                break;
            case IEnumerable<JobRequestAdapter> adapters:
                writer.WriteStartArray();
                foreach (var adapter in adapters) WriteAdapter(writer, adapter);
                writer.WriteEndArray();
                break;
            default: throw new ArgumentOutOfRangeException(nameof(value), value, "no job field holds such a value");
        }
    }

    private static void WriteAdapter(Utf8JsonWriter writer, JobRequestAdapter adapter)
    {
        writer.WriteStartObject();
        writer.WriteString("name", adapter.Name);
        if (adapter.Strength is { } strength) writer.WriteNumber("strength", strength);
        if (adapter.TextEncoderStrength is { } textEncoder) writer.WriteNumber("text_encoder_strength", textEncoder);
        if (adapter.BlockStrengths is { } blocks)
        {
            writer.WriteStartArray("block_strengths");
            foreach (var block in blocks) writer.WriteNumberValue(block);
            writer.WriteEndArray();
        }

        writer.WriteEndObject();
    }
}
