using BatchGen.Core.Jobs;

namespace BatchGen.Queue.Reports;

/// <summary>Reads campaigns and what became of their jobs.</summary>
public sealed class CampaignCatalog(QueueDatabase database)
{
    /// <summary>Campaigns with their counts, newest first.</summary>
    public async Task<IReadOnlyList<CampaignSummary>> ListAsync(int? before, int limit, CancellationToken cancellationToken) =>
        await database.QueryAsync<CampaignSummary>(
            "list_campaigns", new { before = before ?? int.MaxValue, limit, name = (string?)null }, cancellationToken);

    /// <summary>The campaign with this name, or null.</summary>
    public async Task<CampaignSummary?> FindAsync(string name, CancellationToken cancellationToken) =>
        (await database.QueryAsync<CampaignSummary>("list_campaigns", new { before = int.MaxValue, limit = 1, name }, cancellationToken))
            .SingleOrDefault();

    /// <summary>The campaign with this id, or null.</summary>
    public async Task<CampaignSummary?> FindAsync(int id, CancellationToken cancellationToken) =>
        (await ListAsync(id + 1, 1, cancellationToken)).SingleOrDefault(campaign => campaign.Id == id);

    /// <summary>Campaigns with open jobs, or of which a job ended since then, newest first.</summary>
    public async Task<IReadOnlyList<CampaignSummary>> ListOfNightAsync(
        DateTimeOffset since, int limit, CancellationToken cancellationToken) =>
            await database.QueryAsync<CampaignSummary>(
                "list_campaigns_of_night", new { since = since.ToUniversalTime(), limit }, cancellationToken);

    /// <summary>When and how a campaign's images were drawn.</summary>
    /// <param name="id">The campaign.</param>
    /// <param name="look">How many of the newest images to look at; the times are those of all.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    public async Task<DrawingSpan> FindSpanAsync(int id, int look, CancellationToken cancellationToken) =>
        (await database.QueryAsync<DrawingSpan>("list_campaign_span", new { campaign_id = id, look }, cancellationToken)).Single();

    /// <summary>Why jobs of a campaign failed, most frequent first.</summary>
    /// <param name="id">The campaign.</param>
    /// <param name="look">How many of the newest failed jobs to look at.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    public async Task<IReadOnlyList<EndingReason>> ListFailureReasonsAsync(int id, int look, CancellationToken cancellationToken) =>
        await database.QueryAsync<EndingReason>("list_failure_reasons", new { campaign_id = id, look }, cancellationToken);
}

/// <summary>A campaign with its counts.</summary>
public sealed class CampaignSummary
{
    /// <summary>Id of the campaign; later campaigns have higher ids.</summary>
    public int Id { get; init; }

    /// <summary>Name of the campaign.</summary>
    public string Name { get; init; } = "";

    /// <summary>Tenant that the campaign belongs to.</summary>
    public string Tenant { get; init; } = "";

    /// <summary>When its first job was submitted.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>How many jobs wait.</summary>
    public long Queued { get; init; }

    /// <summary>How many jobs a worker has now.</summary>
    public long Running { get; init; }

    /// <summary>How many jobs have an image.</summary>
    public long Succeeded { get; init; }

    /// <summary>How many jobs failed for good.</summary>
    public long Failed { get; init; }

    /// <summary>How many jobs were cancelled.</summary>
    public long Cancelled { get; init; }

    /// <summary>How many images are verified.</summary>
    public long Verified { get; init; }

    /// <summary>All counts as one value.</summary>
    public JobCounts Counts => new(Queued, Running, Succeeded, Failed, Cancelled, Verified);
}
