using System.Diagnostics.CodeAnalysis;
using BatchGen.Core.Jobs;
using BatchGen.Queue.Reports;

namespace BatchGen.Dashboard.Requests;

/// <summary>Filters of a list of jobs as an address carries them; pages and the HTTP API read them alike.</summary>
/// <param name="State">Code of a state; null or empty does not restrict, as with the others.</param>
/// <param name="Campaign">Name of a campaign.</param>
/// <param name="Signature">Canonical signature.</param>
/// <param name="Text">Text in the prompt.</param>
/// <param name="Tag">A tag.</param>
/// <param name="Before">Only jobs with a smaller id.</param>
internal sealed record JobListRequest(string? State, string? Campaign, string? Signature, string? Text, string? Tag, long? Before)
{
    // The database compares every place of every prompt with all of the text.
    private const int MaxTextLength = 200;

    /// <summary>Reads the filters.</summary>
    /// <param name="tenant">Only jobs of this tenant; null does not restrict.</param>
    /// <param name="limit">Jobs of one answer.</param>
    /// <param name="query">What to look for.</param>
    /// <param name="problem">What is wrong with a filter, and what it may be.</param>
    /// <returns>False when a filter cannot be understood.</returns>
    public bool TryRead(string? tenant, int limit, [NotNullWhen(true)] out JobQuery? query, [NotNullWhen(false)] out string? problem)
    {
        (query, problem) = (null, null);
        if (NullIfEmpty(State) is { } code && !JobStates.ByCode.ContainsKey(code))
        {
            problem = $"'{code}' is not a state of jobs; use {string.Join(", ", JobStates.ByCode.Keys)}.";
            return false;
        }

        if (Text?.Length > MaxTextLength)
        {
            problem = $"the text to look for has {Text.Length} characters; look for at most {MaxTextLength}.";
            return false;
        }

        JobState? state = NullIfEmpty(State) is { } known ? JobStates.Parse(known) : null;
        var filter = new JobFilter(state, NullIfEmpty(Campaign), NullIfEmpty(Signature), Before, limit);
        query = new JobQuery(filter, NullIfEmpty(Text), NullIfEmpty(Tag), tenant);
        return true;
    }

    /// <summary>A filter without spaces around it; null when it is empty, as fields of forms are that nobody filled in.</summary>
    public static string? NullIfEmpty(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();
}
