using System.Buffers;
using System.Globalization;
using System.Text.Json;

namespace BatchGen.Dashboard.Api;

/// <summary>Copies job objects in JSON as they came, adding an idempotency key where they have none.</summary>
/// <remarks>
/// Jobs are copied as text, never parsed into nodes: nodes take many times the memory of the text, and refuse a job that names a property
/// twice, which the database accepts.
/// </remarks>
internal static class JobText
{
    private static ReadOnlySpan<byte> ByteOrderMark => [0xef, 0xbb, 0xbf];

    /// <summary>Writes a body that is one job or an array of jobs as an array.</summary>
    /// <param name="body">The body, in UTF-8.</param>
    /// <param name="key">Idempotency key of the call; empty gives the jobs none.</param>
    /// <param name="most">Most jobs that are accepted.</param>
    /// <returns>The array; null when the body has more jobs than are accepted.</returns>
    /// <exception cref="JsonException">The body is neither a job object nor an array.</exception>
    public static ReadOnlyMemory<byte>? ToArray(ReadOnlySpan<byte> body, string key, int most)
    {
        var text = WithoutMark(body);
        var reader = new Utf8JsonReader(text);
        var output = new ArrayBufferWriter<byte>(text.Length + 256);
        output.Write("["u8);
        reader.Read();
        if (reader.TokenType == JsonTokenType.StartObject)
        {
            Copy(ref reader, text, key, output);
        }
        else if (reader.TokenType == JsonTokenType.StartArray)
        {
            for (var n = 1; reader.Read() && reader.TokenType != JsonTokenType.EndArray; n++)
            {
                if (n > most) return null;
                if (n > 1) output.Write(","u8);
                // The only job of an array gets the key of the call itself, as a job without an array does.
                var hasPlainKey = key.Length == 0 || (n == 1 && IsLast(reader));
                Copy(ref reader, text, hasPlainKey ? key : string.Create(CultureInfo.InvariantCulture, $"{key}/{n}"), output);
            }
        }
        else
        {
            throw new JsonException("expected a job object or an array of them");
        }

        reader.Read(); // Nothing may follow.
        output.Write("]"u8);
        return output.WrittenMemory;
    }

    /// <summary>Adds a line that is one job to a list of them.</summary>
    /// <param name="line">The line, in UTF-8.</param>
    /// <param name="key">Idempotency key of the job; empty gives it none.</param>
    /// <param name="list">The JSON array of the jobs so far, not closed yet.</param>
    /// <exception cref="JsonException">The line is not one JSON object.</exception>
    public static void AddLine(ReadOnlySpan<byte> line, string key, ArrayBufferWriter<byte> list)
    {
        var reader = new Utf8JsonReader(line);
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject) throw new JsonException("expected a job object");
        list.Write(list.WrittenCount == 0 ? "["u8 : ","u8);
        Copy(ref reader, line, key, list);
        reader.Read();
    }

    /// <summary>The text without the byte order mark that some editors put before it.</summary>
    public static ReadOnlySpan<byte> WithoutMark(ReadOnlySpan<byte> text) =>
        text.StartsWith(ByteOrderMark) ? text[ByteOrderMark.Length..] : text;

    // A value that is no object is copied unchanged: the database refuses it and names its place.
    private static void Copy(ref Utf8JsonReader reader, ReadOnlySpan<byte> text, string key, ArrayBufferWriter<byte> output)
    {
        var start = (int)reader.TokenStartIndex;
        var (isObject, isEmpty, hasKey) = (reader.TokenType == JsonTokenType.StartObject, true, false);
        if (!isObject) reader.Skip();
        while (isObject && reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            (isEmpty, hasKey) = (false, hasKey || reader.ValueTextEquals("idempotency_key"u8));
            reader.Skip();
        }

        var copied = text[start..(int)reader.BytesConsumed];
        if (!isObject || hasKey || key.Length == 0)
        {
            output.Write(copied);
            return;
        }

        output.Write("{\"idempotency_key\":\""u8);
        output.Write(JsonEncodedText.Encode(key).EncodedUtf8Bytes);
        output.Write(isEmpty ? "\""u8 : "\","u8);
        output.Write(copied[1..]);
    }

    // The reader is passed by value: looking ahead does not move the caller's.
    private static bool IsLast(Utf8JsonReader reader)
    {
        reader.Skip();
        return reader.Read() && reader.TokenType == JsonTokenType.EndArray;
    }
}
