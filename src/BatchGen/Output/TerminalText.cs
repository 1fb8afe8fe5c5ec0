using System.Buffers;
using System.Globalization;
using System.Text;

namespace BatchGen.Output;

/// <summary>Which characters a terminal would obey or hide instead of showing them, and text with those written out.</summary>
/// <remarks>
/// Escape sequences move the cursor, change titles and colours or type on behalf of the person; bidirectional overrides show a text in
/// another order than it has; zero-width characters make two names look alike.
/// </remarks>
internal static class TerminalText
{
    // Joins emoji into one; it changes no order and hides nothing that is not an emoji anyway.
    private const int ZeroWidthJoiner = 0x200D;

    /// <summary>True for control and format characters and for separators of lines and paragraphs.</summary>
    public static bool IsUnsafe(Rune rune) => rune.Value != ZeroWidthJoiner && Rune.GetUnicodeCategory(rune)
        is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;

    /// <summary>The text with unsafe characters written as <c>\u001b</c>; ends of lines and tabs stay.</summary>
    /// <remarks>In JSON the written form means the same character, so that nothing is lost there.</remarks>
    public static string Escape(string? text) => Escape(text, keepsLines: true);

    /// <summary>The text on one line: ends of lines and tabs are written out too.</summary>
    public static string EscapeLine(string? text) => Escape(text, keepsLines: false);

    private static string Escape(string? text, bool keepsLines)
    {
        if (string.IsNullOrEmpty(text)) return "";
        StringBuilder? result = null;
        var done = 0;
        for (var at = 0; at < text.Length;)
        {
            // Half of a character outside the basic plane is written out too.
            var isWhole = Rune.DecodeFromUtf16(text.AsSpan(at), out var rune, out var length) == OperationStatus.Done;
            if (!isWhole || !IsKept(text, at, rune, keepsLines))
            {
                result ??= new StringBuilder(text.Length + 16);
                result.Append(text, done, at - done);
                for (var i = 0; i < length; i++) AppendEscaped(result, text[at + i], keepsLines);
                done = at + length;
            }

            at += length;
        }

        return result is null ? text : result.Append(text, done, text.Length - done).ToString();
    }

    private static bool IsKept(string text, int at, Rune rune, bool keepsLines) => rune.Value switch
    {
        '\n' or '\t' => keepsLines,
        // Alone it returns to the beginning of the line, and what follows hides what stood there.
        '\r' => keepsLines && at + 1 < text.Length && text[at + 1] == '\n',
        _ => !IsUnsafe(rune),
    };

    private static void AppendEscaped(StringBuilder result, char c, bool keepsLines) => _ = (c, keepsLines) switch
    {
        ('\n', false) => result.Append(@"\n"),
        ('\r', false) => result.Append(@"\r"),
        ('\t', false) => result.Append(@"\t"),
        _ => result.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
    };
}
