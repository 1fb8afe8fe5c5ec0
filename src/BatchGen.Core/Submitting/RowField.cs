using System.Collections.Immutable;
using BatchGen.Core.Jobs;

namespace BatchGen.Core.Submitting;

/// <summary>The names that the rows of a list may use: fields of jobs, and words of prompts in braces.</summary>
internal static class RowField
{
    private static readonly ImmutableDictionary<string, string> NoWords =
        ImmutableDictionary.Create<string, string>(StringComparer.OrdinalIgnoreCase);

    private static readonly Dictionary<string, JobField> ByName = JobFields.All.Where(field => field.IsSetBy(JobFieldWays.Lists))
        .SelectMany(field => new[] { field.Name, field.Alias }.OfType<string>().Select(name => (name, field)))
        .ToDictionary(pair => pair.name, pair => pair.field, StringComparer.OrdinalIgnoreCase);

    /// <summary>Names of all fields, for messages.</summary>
    public static IReadOnlyCollection<string> Names { get; } = [.. ByName.Values.Distinct().Select(field => field.Name)];

    /// <summary>The field a name stands for (any case, blanks and '-' for '_'), <c>{name}</c> for a word of prompts, or null.</summary>
    public static string? Resolve(string name)
    {
        if (WordOf(name.Trim()) is { } word) return $"{{{word.ToLowerInvariant()}}}";
        return ByName.GetValueOrDefault(name.Trim().Replace(' ', '_').Replace('-', '_'))?.Name;
    }

    /// <summary>Whether a field may be given as an empty text: a word of prompts may be empty.</summary>
    public static bool MayBeEmpty(string field) => WordOf(field) is not null;

    /// <summary>Sets a field whose name <see cref="Resolve"/> gave.</summary>
    /// <exception cref="FormatException">The value is not of the field's type.</exception>
    public static JobTemplate Set(JobTemplate row, string field, FieldValue value) => WordOf(field) is { } word
        ? row with { Words = (row.Words ?? NoWords).SetItem(word, value.Text()) }
        : row.With(ByName[field], value.Read(ByName[field]));

    // The name between the braces of a column such as {colour}.
    private static string? WordOf(string name) =>
        name is ['{', .. var word, '}'] && word.Trim() is { Length: > 0 } plain && plain.AsSpan().IndexOfAny("{}|\\") < 0 ? plain : null;
}
