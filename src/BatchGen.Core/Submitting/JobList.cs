using System.Collections;
using BatchGen.Core.Jobs;

namespace BatchGen.Core.Submitting;

/// <summary>
/// The jobs of a list, in order. They are made while they are read; neither the jobs nor the rows they come from are kept.
/// </summary>
public sealed class JobList : IEnumerable<JobRequest>
{
    private readonly Func<IEnumerable<JobExpansion>> _rows;

    internal JobList(long count, IReadOnlySet<string> startImages, Func<IEnumerable<JobExpansion>> rows)
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
    public IEnumerator<JobRequest> GetEnumerator() => _rows().SelectMany(row => row.Jobs()).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
