using System.Globalization;
using BatchGen.Core.Jobs;

namespace BatchGen.Core.Submitting;

/// <summary>One request many times, each with its own seed.</summary>
public static class JobRepeat
{
    /// <summary>The requests: a given seed counts up; an idempotency key gets a number.</summary>
    public static IEnumerable<JobRequest> Expand(JobRequest job, int count)
    {
        ArgumentNullException.ThrowIfNull(job);
        if (count == 1) return [job];
        return Enumerable.Range(0, count).Select(i => job with
        {
            Seed = job.Seed is { } seed ? unchecked(seed + i) : null,
            IdempotencyKey = job.IdempotencyKey is { } key ? string.Create(CultureInfo.InvariantCulture, $"{key}/{i + 1}") : null,
        });
    }
}
