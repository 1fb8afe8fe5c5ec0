using System.Globalization;
using System.Text.RegularExpressions;

namespace BatchGen.Core.Texts;

/// <summary>Shortens messages that repeat what somebody sent: of a long value only the beginning stands in a message.</summary>
public static partial class ShortText
{
    private const int MaxQuoted = 120;
    private const int MaxLength = 1000;
    private const int EndLength = 300;

    /// <summary>The message with quoted values and single words of about 120 letters at most, and at most 1,000 letters in all; the end,
    /// which says what to do, stays.</summary>
    public static string Of(string? message)
    {
        if (message is null || message.Length <= MaxQuoted) return message ?? "";
        var shorter = Quoted().Replace(
            message, match => match.Groups["quote"].Value + Shorten(match.Groups["value"].Value) + match.Groups["quote"].Value);
        shorter = Word().Replace(shorter, match => Shorten(match.Value));
        if (shorter.Length <= MaxLength) return shorter;
        var end = shorter.Length - EndLength;
        if (char.IsLowSurrogate(shorter[end])) end++;
        return $"{Begin(shorter, MaxLength - EndLength - 3)} … {shorter[end..]}";
    }

    private static string Shorten(string value) =>
        Begin(value, MaxQuoted) + string.Create(CultureInfo.InvariantCulture, $"… ({value.Length:N0} letters)");

    // Never half of a letter that takes two places.
    private static string Begin(string text, int length) => text[..(char.IsHighSurrogate(text[length - 1]) ? length - 1 : length)];

    [GeneratedRegex(@"(?<quote>')(?<value>[^']{121,})'|(?<quote>"")(?<value>[^""]{121,})""",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Quoted();

    // Longer than a quoted value that was shortened already.
    [GeneratedRegex(@"[^\s'""]{131,}", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Word();
}
