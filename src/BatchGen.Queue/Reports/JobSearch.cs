using BatchGen.Core.Jobs;
using BatchGen.Queue.Jobs;

namespace BatchGen.Queue.Reports;

/// <summary>Lists jobs by everything people look for; all conditions hold together.</summary>
public sealed class JobSearch(JobCatalog jobs, JobHistory history)
{
    /// <summary>A page of jobs, newest first.</summary>
    public async Task<JobPage> ListAsync(JobQuery query, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(query);
        var filter = query.Filter;
        var list =
            query.Text is not null ? await jobs.FindAsync(await history.ListIdsWithTextAsync(query.Text, query.Tag, filter, cancellationToken), cancellationToken)
            : query.Tag is not null ? await jobs.FindAsync(await history.ListIdsWithTagAsync(query.Tag, filter, cancellationToken), cancellationToken)
            : query.Tenant is not null && filter is { State: null, Campaign: null, Signature: null }
                ? await jobs.FindAsync(await history.ListIdsOfTenantAsync(query.Tenant, filter.BeforeJobId, filter.Limit, cancellationToken), cancellationToken)
            : await jobs.ListAsync(filter, cancellationToken);
        // The next page starts where this one ended, also when some of it is not this tenant's to see.
        long? next = list.Count == filter.Limit ? list[^1].JobId : null;
        if (query.Tenant is null) return new JobPage(list, next);
        var owned = (await history.ListOwnedAsync(list.Select(job => job.JobId).ToArray(), query.Tenant, cancellationToken)).ToHashSet();
        return new JobPage(list.Where(job => owned.Contains(job.JobId)).ToArray(), next);
    }
}

/// <summary>What to look for.</summary>
/// <param name="Filter">State, campaign, signature, and where the page starts.</param>
/// <param name="Text">Only jobs whose prompt holds this text, in any case of letters.</param>
/// <param name="Tag">Only jobs with this tag.</param>
/// <param name="Tenant">Only jobs of this tenant.</param>
public sealed record JobQuery(JobFilter Filter, string? Text = null, string? Tag = null, string? Tenant = null);

/// <summary>A page of jobs.</summary>
/// <param name="Jobs">The jobs.</param>
/// <param name="NextBefore">Where the next page starts, or null at the end.</param>
public sealed record JobPage(IReadOnlyList<JobDetails> Jobs, long? NextBefore);
