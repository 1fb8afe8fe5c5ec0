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
        if (query.Tenant is not null)
        {
            // Through the tenant's own jobs only: neither the work nor the cursor may tell of others.
            var ids = await history.ListIdsOfTenantAsync(query, cancellationToken);
            var last = ids.Count == filter.Limit ? ids[^1] : await history.FindWindowOfTenantAsync(query, cancellationToken);
            return new JobPage(await jobs.FindAsync(ids, cancellationToken), last);
        }

        var list =
            query.Text is not null ? await jobs.FindAsync(await history.ListIdsWithTextAsync(query.Text, query.Tag, filter, cancellationToken), cancellationToken)
            : query.Tag is not null ? await jobs.FindAsync(await history.ListIdsWithTagAsync(query.Tag, filter, cancellationToken), cancellationToken)
            : await jobs.ListAsync(filter, cancellationToken);
        return new JobPage(list, list.Count == filter.Limit ? list[^1].JobId : null);
    }
}

/// <summary>What to look for.</summary>
/// <param name="Filter">State, campaign, signature, and where the page starts.</param>
/// <param name="Text">Only jobs whose prompt holds this text, in any case of letters.</param>
/// <param name="Tag">Only jobs with this tag.</param>
/// <param name="Tenant">Only jobs of this tenant; null looks at those of all.</param>
public sealed record JobQuery(JobFilter Filter, string? Text = null, string? Tag = null, string? Tenant = null);

/// <summary>A page of jobs.</summary>
/// <param name="Jobs">The jobs.</param>
/// <param name="NextBefore">Where the next page starts, or null at the end. A page that is not full may have one: the search goes on there.</param>
public sealed record JobPage(IReadOnlyList<JobDetails> Jobs, long? NextBefore);
