using System.Text;
using System.Text.Json;

namespace BatchGen.Core.Texts;

/// <summary>Reads JSON texts of other software.</summary>
/// <remarks>What the platform's reader finds out only when a value is looked at is refused at once, so that one catch is enough.</remarks>
public static class ForeignJson
{
    /// <summary>Reads a text.</summary>
    /// <param name="json">The text; parts that are not valid UTF-8 or UTF-16 are refused.</param>
    /// <param name="byPeople">True for files that people write: commas may be too many, and comments are skipped.</param>
    /// <exception cref="JsonException">
    /// Not JSON, nested more than 64 deep, an object with two values of one name, or a text that is not valid Unicode.
    /// </exception>
    public static JsonDocument Parse(string json, bool byPeople = false) => Parse(Encoding.UTF8.GetBytes(json), byPeople);

    /// <inheritdoc cref="Parse(string, bool)"/>
    public static JsonDocument Parse(byte[] json, bool byPeople = false)
    {
        var comments = byPeople ? JsonCommentHandling.Skip : JsonCommentHandling.Disallow;
        try
        {
            CheckTexts(json, new JsonReaderOptions { AllowTrailingCommas = byPeople, CommentHandling = comments });
            return JsonDocument.Parse(
                json,
                new JsonDocumentOptions { AllowDuplicateProperties = false, AllowTrailingCommas = byPeople, CommentHandling = comments });
        }
        catch (JsonException failure)
        {
            // The platform's message repeats all of what it could not read.
            throw new JsonException(ShortText.Of(failure.Message), failure.Path, failure.LineNumber, failure.BytePositionInLine, failure);
        }
    }

    private static void CheckTexts(ReadOnlySpan<byte> json, JsonReaderOptions options)
    {
        var reader = new Utf8JsonReader(json, options);
        while (reader.Read())
        {
            if (reader.TokenType is not (JsonTokenType.String or JsonTokenType.PropertyName)) continue;
            try
            {
                reader.GetString();
            }
            catch (InvalidOperationException damage)
            {
                throw new JsonException($"The text at byte {reader.TokenStartIndex} is not valid Unicode.", damage);
            }
        }
    }
}
