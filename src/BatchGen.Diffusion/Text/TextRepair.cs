using System.Net;
using System.Text;
using System.Text.RegularExpressions;

namespace BatchGen.Diffusion.Text;

/// <summary>Cleans a prompt the way CLIP's tokenizer does before it splits it, so that the same prompt gets the same tokens.</summary>
/// <remarks>
/// CLIP and transformers clean with the Python library ftfy (here after version 6.1: ftfy.fix_text with default settings): HTML entities,
/// text decoded with the wrong encoding, ligatures, width forms, curled quotes, control characters, composition. Of the encodings mixed up,
/// Windows-1252 and Latin-1 are undone, and only where the whole line was written in UTF-8; ftfy also guesses at rarer ones.
/// </remarks>
internal static partial class TextRepair
{
    // Characters that Windows-1252 has in place of the control codes 0x80 to 0x9F; the five bytes it leaves open keep their code.
    private const string Windows1252 = "€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ";

    private static readonly Dictionary<char, byte> Windows1252Bytes =
        Windows1252.Select((c, i) => (c, i)).ToDictionary(item => item.c, item => (byte)(0x80 + item.i));

    private static readonly Dictionary<char, string> Ligatures = new()
    {
        ['Ĳ'] = "IJ", ['ĳ'] = "ij", ['ŉ'] = "ʼn", ['Ǳ'] = "DZ", ['ǲ'] = "Dz", ['ǳ'] = "dz", ['Ǆ'] = "DŽ", ['ǅ'] = "Dž", ['ǆ'] = "dž",
        ['Ǉ'] = "LJ", ['ǈ'] = "Lj", ['ǉ'] = "lj", ['Ǌ'] = "NJ", ['ǋ'] = "Nj", ['ǌ'] = "nj",
        ['ﬀ'] = "ff", ['ﬁ'] = "fi", ['ﬂ'] = "fl", ['ﬃ'] = "ffi", ['ﬄ'] = "ffl", ['ﬅ'] = "ſt", ['ﬆ'] = "st",
    };

    /// <summary>The cleaned text.</summary>
    public static string Fix(string text)
    {
        if (IsPlain(text)) return text;
        var fixedText = new StringBuilder(text.Length);
        // A tag-like '<' anywhere before means that entities may be meant as they stand (ftfy's rule).
        var unescape = true;
        var start = 0;
        while (start < text.Length)
        {
            var end = text.IndexOf('\n', start) + 1;
            if (end == 0) end = text.Length;
            var line = text[start..end];
            if (line.Contains('<', StringComparison.Ordinal)) unescape = false;
            fixedText.Append(FixLine(line, unescape));
            start = end;
        }

        return fixedText.ToString();
    }

    // Printable ASCII without an entity needs nothing.
    private static bool IsPlain(string text) => text.All(c => c is (>= ' ' and < '\u007f' and not '&') or '\n' or '\t');

    private static string FixLine(string line, bool unescape)
    {
        // One repair can uncover another (an entity behind an entity), so go on until nothing changes. Each pass shortens the text or is
        // the last but one.
        while (true)
        {
            var before = line;
            if (unescape && line.Contains('&', StringComparison.Ordinal))
                line = Entity().Replace(line, match => WebUtility.HtmlDecode(match.Value));
            line = UndoWrongEncoding(line);
            line = ReplaceCharacters(line);
            line = UnicodeNormalization.FoldWidth(line);
            line = TerminalEscape().Replace(line, "");
            line = RemoveControls(line);
            line = UnicodeNormalization.Compose(line);
            if (line == before) return line;
        }
    }

    // UTF-8 read as Windows-1252 or Latin-1: where all characters are from that set and their bytes are valid UTF-8, they were UTF-8.
    // Text really written in such a set is hardly ever valid UTF-8 by accident.
    private static string UndoWrongEncoding(string line)
    {
        if (Ascii.IsValid(line)) return line;
        var bytes = new byte[line.Length];
        for (var i = 0; i < line.Length; i++)
        {
            if (line[i] < 0x100) bytes[i] = (byte)line[i];
            else if (Windows1252Bytes.TryGetValue(line[i], out var code)) bytes[i] = code;
            else return line;
        }

        try
        {
            return new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            return line;
        }
    }

    private static string ReplaceCharacters(string line)
    {
        var result = new StringBuilder(line.Length);
        for (var i = 0; i < line.Length; i++)
        {
            var c = line[i];
            if (c is >= '\u0080' and <= '\u009f') c = Windows1252[c - 0x80];
            if (Ligatures.TryGetValue(c, out var letters)) result.Append(letters);
            else if (c is '\u02bc' or (>= '\u2018' and <= '\u201b')) result.Append('\'');
            else if (c is >= '\u201c' and <= '\u201f') result.Append('"');
            else if (c is '\u2028' or '\u2029' or '\u0085') result.Append('\n');
            else if (c == '\r') result.Append(i + 1 < line.Length && line[i + 1] == '\n' ? "" : "\n");
            else result.Append(c);
        }

        return result.ToString();
    }

    private static string RemoveControls(string line)
    {
        var result = new StringBuilder(line.Length);
        foreach (var rune in line.EnumerateRunes())
        {
            if (!IsUnwanted(rune.Value)) result.Append(rune.ToString());
        }

        return result.ToString();
    }

    private static bool IsUnwanted(int code) => code
        is (>= 0x00 and <= 0x08) or 0x0b or (>= 0x0e and <= 0x1f) or 0x7f or (>= 0x206a and <= 0x206f) or 0xfeff
        or (>= 0xfff9 and <= 0xfffc)
        or (>= 0x1d173 and <= 0x1d17a) or (>= 0xe0000 and <= 0xe007f);

    [GeneratedRegex("&#?[0-9A-Za-z]{1,24};", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Entity();

    [GeneratedRegex(@"\u001b\[[0-9;]*[a-zA-Z]", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex TerminalEscape();
}
