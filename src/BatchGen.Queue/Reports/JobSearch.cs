using BatchGen.Core.Jobs;
using BatchGen.Queue.Jobs;

namespace BatchGen.Queue.Reports;

/// <summary>Lists jobs by everything people look for; all conditions hold together.</summary>
public sealed class JobSearch(QueueDatabase database, JobCatalog jobs)
{
    /// <summary>A page of jobs, newest first.</summary>
    public async Task<JobPage> ListAsync(JobQuery query, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(query);
        if (query.Tenant is not null) return await ListOfTenantAsync(query, cancellationToken);
        var list = query switch
        {
            { Text: not null } => await jobs.FindAsync(await ListIdsWithTextAsync(query, cancellationToken), cancellationToken),
            { Tag: not null } => await jobs.FindAsync(await ListIdsWithTagAsync(query, cancellationToken), cancellationToken),
            _ => await jobs.ListAsync(query.Filter, cancellationToken),
        };
        return new JobPage(list, list.Count == query.Filter.Limit ? list[^1].JobId : null);
    }

    // Searches the tenant's own jobs only: neither the time it takes nor the cursor may tell a tenant about the jobs of others.
    private async Task<JobPage> ListOfTenantAsync(JobQuery query, CancellationToken cancellationToken)
    {
        var ids = await ListIdsAsync(
            query.Filter.Campaign is null ? "list_ids_of_tenant" : "list_campaign_ids_of_tenant", query, cancellationToken);
        var last = ids.Count == query.Filter.Limit ? ids[^1] : await FindEndOfTenantWindowAsync(query, cancellationToken);
        return new JobPage(await jobs.FindAsync(ids, cancellationToken), last);
    }

    // The search looks at 20,000 jobs of the tenant (of the campaign, when one is named). This is the last of them, from where the next
    // page goes on; null when there are no more.
    private async Task<long?> FindEndOfTenantWindowAsync(JobQuery query, CancellationToken cancellationToken) =>
        await ListIdsAsync("find_window_of_tenant", query, cancellationToken) is [var last, ..] ? last : null;

    // Looks at the 20,000 jobs below the cursor.
    private Task<List<long>> ListIdsWithTextAsync(JobQuery query, CancellationToken cancellationToken) =>
        ListIdsAsync(query.Filter.Campaign is null ? "list_ids_with_text" : "list_campaign_ids_with_text", query, cancellationToken);

    private async Task<List<long>> ListIdsWithTagAsync(JobQuery query, CancellationToken cancellationToken)
    {
        // An empty text is in every prompt.
        var anyText = query with { Text = "" };
        if (query.Filter.Campaign is not null) return await ListIdsAsync("list_campaign_ids_with_text", anyText, cancellationToken);
        // A common tag fills the page from the newest jobs; only a rare one needs its index, and then there is little behind it.
        var recent = await ListIdsAsync("list_ids_with_text", anyText, cancellationToken);
        return recent.Count == query.Filter.Limit ? recent : await ListIdsAsync("list_ids_with_tag", query, cancellationToken);
    }

    private Task<List<long>> ListIdsAsync(string name, JobQuery query, CancellationToken cancellationToken) =>
        database.ListAsync<long>(name, JobIdParameters.Of(query.Filter, query.Text, query.Tag, query.Tenant), cancellationToken);
}

/// <summary>What to look for.</summary>
/// <param name="Filter">State, campaign, signature, and where the page starts.</param>
/// <param name="Text">Only jobs whose prompt holds this text, in any case of letters.</param>
/// <param name="Tag">Only jobs with this tag.</param>
/// <param name="Tenant">Only jobs of this tenant; null looks at those of all.</param>
public sealed record JobQuery(JobFilter Filter, string? Text = null, string? Tag = null, string? Tenant = null);

/// <summary>A page of jobs.</summary>
/// <param name="Jobs">The jobs.</param>
/// <param name="NextBefore">Where the next page starts, or null at the end. A page that is not full may have one:
/// the search goes on there.</param>
public sealed record JobPage(IReadOnlyList<JobDetails> Jobs, long? NextBefore);
