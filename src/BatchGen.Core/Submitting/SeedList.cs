using System.Collections;
using System.Globalization;
using BatchGen.Core.Texts;

namespace BatchGen.Core.Submitting;

/// <summary>Seeds as people type them: <c>7</c>, <c>1,5,9</c>, <c>1-10</c>, or mixed. Ranges are kept as ranges, however long.</summary>
public sealed class SeedList : IEnumerable<long>
{
    private readonly List<(long First, long Last)> _ranges;

    private SeedList(List<(long First, long Last)> ranges) => _ranges = ranges;

    /// <summary>Number of seeds, at most <see cref="PromptTemplate.Many"/>.</summary>
    public long Count => _ranges.Aggregate(
        0L, (sum, range) => (long)Math.Min(PromptTemplate.Many, (decimal)sum + range.Last - range.First + 1)); // A long could overflow.

    /// <summary>Reads seeds from text; an empty text has none.</summary>
    /// <exception cref="FormatException">The text is not of that form.</exception>
    public static SeedList Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var ranges = new List<(long, long)>();
        foreach (var part in text.Split([',', ';', ' ', '\n', '\r', '\t'], StringSplitOptions.RemoveEmptyEntries))
        {
            // A dash after the first letter separates; one before it is a sign.
            var dash = part.IndexOf('-', 1);
            var (first, last) = dash < 0
                ? (Number(part, part), Number(part, part))
                : (Number(part[..dash], part), Number(part[(dash + 1)..], part));
            if (last < first) throw new FormatException(ShortText.Of($"'{part}' counts down; write the smaller seed first."));
            ranges.Add((first, last));
        }

        return new SeedList(ranges);
    }

    /// <inheritdoc/>
    public IEnumerator<long> GetEnumerator()
    {
        foreach (var (first, last) in _ranges)
        {
            for (var seed = first; ; seed++)
            {
                yield return seed;
                if (seed == last) break; // As the loop's condition, this would never end after the largest number of 64 bits.
            }
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private static long Number(string text, string whole) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw new FormatException(ShortText.Of($"'{whole}' is not a seed; write 7, a list 1,5,9 or a range 1-10."));
}
