using System.Globalization;
using System.Text;
using System.Text.Json;
using BatchGen.Core.Texts;

namespace BatchGen.Queue.Jobs;

/// <summary>Says what is wrong with a list of jobs that is no JSON which the database can store.</summary>
internal static class JsonFault
{
    // The database reads deeper JSON than the platform's reader does unasked: depth alone is no fault.
    private const int MaxDepth = 10_000;

    /// <summary>One sentence with the place of the fault: the job and field, or else the line.</summary>
    /// <param name="json">The list, in UTF-8.</param>
    /// <param name="otherwise">What the database says, for a fault that is not found here.</param>
    public static string Describe(ReadOnlySpan<byte> json, string otherwise)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = MaxDepth });
        var (job, field) = (-1, "");
        try
        {
            while (reader.Read())
            {
                // The list itself is 0 deep, its jobs are 1 and their fields 2. What is no object counts too, as the database counts.
                if (reader.CurrentDepth == 1 && reader.TokenType is not (JsonTokenType.EndObject or JsonTokenType.EndArray))
                    (job, field) = (job + 1, "");
                if (reader.TokenType is not (JsonTokenType.String or JsonTokenType.PropertyName)) continue;
                if (FaultOf(ref reader) is { } fault) return $"{Place(job, reader.TokenType == JsonTokenType.String ? field : "")}{fault}";
                if (reader is { TokenType: JsonTokenType.PropertyName, CurrentDepth: 2 }) field = reader.GetString()!;
            }
        }
        catch (JsonException failure)
        {
            return $"The jobs are not valid JSON: {ShortText.Of(failure.Message)}";
        }

        return otherwise;
    }

    private static string? FaultOf(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString()!.Contains('\0', StringComparison.Ordinal)
                ? "the text holds a NUL character (\\u0000), which the database cannot store; remove it." : null;
        }
        catch (InvalidOperationException)
        {
            // The platform's reader says so of halves of surrogate pairs and of bytes that are not UTF-8.
            return Encoding.UTF8.GetString(reader.ValueSpan).Contains('\uFFFD', StringComparison.Ordinal)
                ? "the text is not valid UTF-8; save it in UTF-8."
                : "the text holds half of a character (a single \\ud800 to \\udfff), which is no text; remove it or write both halves.";
        }
    }

    private static string Place(int job, string field) => job < 0 ? ""
        : string.Create(CultureInfo.InvariantCulture, $"jobs[{job}]{(field.Length > 0 ? "." + ShortText.Of(field) : "")}: ");
}
