using System.Globalization;

namespace BatchGen.Core.Submitting;

/// <summary>Seeds as people type them: <c>7</c>, <c>1,5,9</c>, <c>1-10</c>, or mixed.</summary>
public static class SeedList
{
    /// <summary>Reads seeds.</summary>
    /// <param name="text">The text; empty gives no seeds.</param>
    /// <param name="limit">Most seeds taken.</param>
    /// <exception cref="FormatException">Not that form, or too many.</exception>
    public static IReadOnlyList<long> Parse(string text, int limit)
    {
        ArgumentNullException.ThrowIfNull(text);
        var seeds = new List<long>();
        foreach (var part in text.Split([',', ';', ' ', '\n', '\r', '\t'], StringSplitOptions.RemoveEmptyEntries))
        {
            // A dash after the first letter separates; one before it is a sign.
            var dash = part.IndexOf('-', 1);
            var (first, last) = dash < 0 ? (Number(part, part), Number(part, part)) : (Number(part[..dash], part), Number(part[(dash + 1)..], part));
            if (last < first) throw new FormatException($"'{part}' counts down; write the smaller seed first.");
            if ((ulong)(last - first) >= (ulong)(limit - seeds.Count)) throw new FormatException($"'{text.Trim()}' names more than {limit} seeds.");
            for (var seed = first; ; seed++)
            {
                seeds.Add(seed);
                if (seed == last) break;
            }
        }

        return seeds;
    }

    private static long Number(string text, string whole) => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
        ? value
        : throw new FormatException($"'{whole}' is not a seed; write 7, a list 1,5,9 or a range 1-10.");
}
