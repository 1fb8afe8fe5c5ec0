using System.Globalization;
using System.Text;

namespace BatchGen.Output;

/// <summary>Texts, numbers and lists as people read them; texts of users made safe for a terminal.</summary>
internal static class Printable
{
    /// <summary>One line without control characters (a prompt could hold escape sequences), cut to a length.</summary>
    public static string Line(string? text, int maxLength = int.MaxValue)
    {
        if (string.IsNullOrEmpty(text)) return "";
        var result = new StringBuilder(Math.Min(text.Length, 256));
        foreach (var c in text)
        {
            if (result.Length >= maxLength) return result.Remove(maxLength - 1, result.Length - maxLength + 1).Append('…').ToString();
            result.Append(char.IsControl(c) || char.GetUnicodeCategory(c) == UnicodeCategory.Format && c != '\u200D' ? ' ' : c);
        }

        return result.ToString();
    }

    /// <summary>Several lines without control characters.</summary>
    public static string Lines(string? text) => string.Join('\n', (text ?? "").Split('\n').Select(line => Line(line.TrimEnd('\r'))));

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
}
