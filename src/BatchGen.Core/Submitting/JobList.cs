using System.Collections;
using System.Globalization;
using System.Text.RegularExpressions;
using BatchGen.Core.Jobs;

namespace BatchGen.Core.Submitting;

/// <summary>
/// The jobs of a list, in order. They are made while they are read; neither the jobs nor the rows they come from are kept.
/// </summary>
public sealed partial class JobList : IEnumerable<JobRequest>
{
    private readonly Func<IEnumerable<(string Where, JobExpansion Jobs)>> _rows;

    internal JobList(long count, IReadOnlySet<string> startImages, Func<IEnumerable<(string Where, JobExpansion Jobs)>> rows)
    {
        (Count, StartImages, _rows) = (count, startImages, rows);
    }

    /// <summary>Number of jobs in the list.</summary>
    public long Count { get; }

    /// <summary>Names of all start images that the jobs begin from.</summary>
    public IReadOnlySet<string> StartImages { get; }

    /// <summary>Makes all jobs at once.</summary>
    /// <exception cref="JobFileException">The list has more jobs than <see cref="JobTemplate.MaxJobs"/>.</exception>
    public IReadOnlyList<JobRequest> ToList() => Count <= JobTemplate.MaxJobs
        ? [.. this]
        : throw new JobFileException(
            $"The list expands to {Count} jobs; the limit here is {JobTemplate.MaxJobs}. "
            + "Submit more with 'batchgen submit FILE' or through SQL.");

    /// <inheritdoc/>
    public IEnumerator<JobRequest> GetEnumerator() => _rows().SelectMany(row => row.Jobs.Jobs()).GetEnumerator();

    /// <summary>A message of the database about one of the jobs, with the row that the job comes from in the place of the job's number:
    /// <c>jobs[3].width: ...</c> becomes <c>Row 2, width: ...</c>. Other messages stay.</summary>
    public string Locate(string message)
    {
        ArgumentNullException.ThrowIfNull(message);
        var match = Place().Match(message);
        if (!match.Success || !long.TryParse(match.Groups["index"].Value, CultureInfo.InvariantCulture, out var left)) return message;
        foreach (var (where, jobs) in _rows())
        {
            if (left < jobs.Count) return $"{where}{(match.Groups["dot"].Success ? ", " : "")}{message[match.Length..]}";
            left -= jobs.Count;
        }

        return message;
    }

    [GeneratedRegex(@"^jobs\[(?<index>\d+)\](?<dot>\.)?", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Place();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
