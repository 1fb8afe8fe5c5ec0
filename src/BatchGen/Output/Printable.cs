using System.Globalization;
using System.Text;

namespace BatchGen.Output;

/// <summary>Texts, numbers and lists as people read them; texts of users made safe for a terminal.</summary>
internal static class Printable
{
    /// <summary>One line with control characters written out (a prompt could hold escape sequences), cut to a length.</summary>
    public static string Line(string? text, int maxLength = int.MaxValue)
    {
        var safe = TerminalText.EscapeLine(text);
        return safe.Length <= maxLength ? safe : Begin(text!, maxLength - 1).Append('…').ToString();
    }

    /// <summary>One line with a blank for each control character: as wide as it was measured, for what is drawn in place.</summary>
    public static string Blanked(string text) =>
        string.Concat(text.EnumerateRunes().Select(rune => TerminalText.IsUnsafe(rune) ? " " : rune.ToString()));

    /// <summary>Several lines with control characters written out.</summary>
    public static string Lines(string? text) => string.Join('\n', (text ?? "").Split('\n').Select(line => Line(line.TrimEnd('\r'))));

    /// <summary>An error message: lines after its first are indented, so that no name in it can look like a message of its own.</summary>
    public static string Message(string text)
    {
        var lines = text.TrimEnd().ReplaceLineEndings("\n").Split('\n');
        return string.Join('\n', lines.Select((line, i) => i == 0 || line.StartsWith(' ') ? line : "  " + line));
    }

    /// <summary>Ids, with a range for each run of neighbours: <c>1-40, 43</c>.</summary>
    public static string Ids(IEnumerable<long> ids)
    {
        var result = new StringBuilder();
        long? first = null, last = null;
        void AppendRun()
        {
            if (first is null) return;
            if (result.Length > 0) result.Append(", ");
            result.Append(CultureInfo.InvariantCulture, $"{first}");
            if (last != first) result.Append(CultureInfo.InvariantCulture, $"-{last}");
        }

        foreach (var id in ids)
        {
            if (last is { } end && id == end + 1)
            {
                last = id;
                continue;
            }

            AppendRun();
            first = last = id;
        }

        AppendRun();
        return result.ToString();
    }

    // Never half of a letter that takes two places, nor a part of what stands for a character that is written out.
    private static StringBuilder Begin(string text, int length)
    {
        var result = new StringBuilder(length + 1);
        for (var at = 0; at < text.Length;)
        {
            Rune.DecodeFromUtf16(text.AsSpan(at), out _, out var taken);
            var whole = TerminalText.EscapeLine(text.Substring(at, taken));
            if (result.Length + whole.Length > length) break;
            result.Append(whole);
            at += taken;
        }

        return result;
    }
}
