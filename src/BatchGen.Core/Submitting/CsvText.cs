using System.Text;

namespace BatchGen.Core.Submitting;

/// <summary>Comma-separated text as RFC 4180 has it; also with ';' or tabs, which spreadsheets write in some countries.</summary>
internal static class CsvText
{
    /// <summary>Cuts text into rows; blank lines are left out.</summary>
    /// <exception cref="JobFileException">A quote is not closed, or stands where it may not.</exception>
    public static IEnumerable<CsvRow> Read(string text)
    {
        var separator = SeparatorOf(text);
        var fields = new List<string>();
        var field = new StringBuilder();
        var (at, line) = (text.StartsWith('\uFEFF') ? 1 : 0, 1);
        while (at < text.Length)
        {
            fields.Clear();
            var firstLine = line;
            while (true)
            {
                field.Clear();
                if (at < text.Length && text[at] == '"') ReadQuoted(text, separator, field, ref at, ref line);
                else ReadPlain(text, separator, field, ref at, line);
                fields.Add(field.ToString());
                if (at < text.Length && text[at] == separator) at++;
                else break;
            }

            SkipLineEnd(text, ref at, ref line);
            if (fields.Count > 1 || fields[0].Trim().Length > 0) yield return new CsvRow(firstLine, fields.ToArray());
        }
    }

    // The header holds names only, so whichever separator stands in it is the file's.
    private static char SeparatorOf(string text)
    {
        var end = text.AsSpan().IndexOfAny('\r', '\n');
        var header = end < 0 ? text : text[..end];
        return header.Contains(',') ? ',' : header.Contains(';') ? ';' : header.Contains('\t') ? '\t' : ',';
    }

    private static void ReadQuoted(string text, char separator, StringBuilder field, ref int at, ref int line)
    {
        var opened = line;
        for (at++; at < text.Length; at++)
        {
            var c = text[at];
            if (c == '"')
            {
                at++;
                if (at < text.Length && text[at] == '"')
                {
                    field.Append('"'); // A doubled quote is one quote.
                    continue;
                }

                if (at < text.Length && text[at] != separator && text[at] is not ('\r' or '\n'))
                    throw new JobFileException($"Line {line}: text follows a closing quote; double the quotes inside a quoted field (\"\").");
                return;
            }

            if (c == '\n') line++;
            field.Append(c);
        }

        throw new JobFileException($"Line {opened}: a quote is opened and never closed.");
    }

    private static void ReadPlain(string text, char separator, StringBuilder field, ref int at, int line)
    {
        for (; at < text.Length && text[at] != separator && text[at] is not ('\r' or '\n'); at++)
        {
            if (text[at] == '"') throw new JobFileException($"Line {line}: a quote stands inside a field; put the whole field into quotes and double the ones inside.");
            field.Append(text[at]);
        }
    }

    private static void SkipLineEnd(string text, ref int at, ref int line)
    {
        if (at >= text.Length) return;
        if (text[at] == '\r') at++;
        if (at < text.Length && text[at] == '\n') at++;
        line++;
    }
}

/// <summary>One row.</summary>
/// <param name="Line">Line it starts on, from 1.</param>
/// <param name="Fields">Its fields.</param>
internal sealed record CsvRow(int Line, string[] Fields);
