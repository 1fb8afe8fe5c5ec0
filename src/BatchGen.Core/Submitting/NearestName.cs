namespace BatchGen.Core.Submitting;

/// <summary>Finds the known name that a person probably meant by a misspelled one.</summary>
/// <remarks>
/// The database has a function of its own, <c>db/functions/submit/nearest.sql</c>, because it checks jobs of producers that never run this
/// program. Both use Levenshtein distance; the limits of what counts as a slip differ, and no rule depends on either: they only add a hint
/// to a message.
/// </remarks>
public static class NearestName
{
    /// <summary>The nearest known name if the difference may be a slip, or null.</summary>
    public static string? Of(string name, IEnumerable<string> known)
    {
        ArgumentNullException.ThrowIfNull(name);
        var lower = name.ToLowerInvariant();
        var best = known.Where(candidate => Math.Abs(candidate.Length - lower.Length) <= Slips(candidate))
            .Select(candidate => (Name: candidate, Distance: Distance(lower, candidate.ToLowerInvariant())))
            .OrderBy(pair => pair.Distance).FirstOrDefault();
        return best.Name is not null && best.Distance <= Slips(best.Name) ? best.Name : null;
    }

    /// <summary>A sentence that suggests the nearest name, or lists all of them.</summary>
    public static string Hint(string name, IReadOnlyCollection<string> known) =>
        Of(name, known) is { } nearest ? $"Did you mean '{nearest}'?" : $"Known: {string.Join(", ", known)}.";

    // Up to a third of the letters wrong counts as a slip; with more wrong, the person meant another word.
    private static int Slips(string name) => Math.Max(1, name.Length / 3);

    // Levenshtein distance with two rows.
    private static int Distance(string a, string b)
    {
        var previous = Enumerable.Range(0, b.Length + 1).ToArray();
        var current = new int[b.Length + 1];
        for (var i = 1; i <= a.Length; i++)
        {
            current[0] = i;
            for (var j = 1; j <= b.Length; j++)
                current[j] = Math.Min(Math.Min(current[j - 1], previous[j]) + 1, previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
            (previous, current) = (current, previous);
        }

        return previous[b.Length];
    }
}
