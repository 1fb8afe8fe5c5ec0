using BatchGen.Core.Jobs;

namespace BatchGen.Queue.Reports;

/// <summary>Campaigns and what became of them.</summary>
public sealed class CampaignCatalog(QueueDatabase database)
{
    /// <summary>Campaigns with their counts, newest first.</summary>
    public async Task<IReadOnlyList<CampaignSummary>> ListAsync(int? before, int limit, CancellationToken cancellationToken) =>
        await database.QueryAsync<CampaignSummary>("list_campaigns", new { before = before ?? int.MaxValue, limit, name = (string?)null }, cancellationToken);

    /// <summary>One campaign, or null.</summary>
    public async Task<CampaignSummary?> FindAsync(string name, CancellationToken cancellationToken) =>
        (await database.QueryAsync<CampaignSummary>("list_campaigns", new { before = int.MaxValue, limit = 1, name }, cancellationToken)).SingleOrDefault();

    /// <summary>One campaign by its number, or null.</summary>
    public async Task<CampaignSummary?> FindAsync(int id, CancellationToken cancellationToken) =>
        (await ListAsync(id + 1, 1, cancellationToken)).SingleOrDefault(campaign => campaign.Id == id);

    /// <summary>Campaigns with open jobs, or of which a job ended since then, newest first.</summary>
    public async Task<IReadOnlyList<CampaignSummary>> ListOfNightAsync(DateTimeOffset since, int limit, CancellationToken cancellationToken) =>
        await database.QueryAsync<CampaignSummary>("list_campaigns_of_night", new { since = since.ToUniversalTime(), limit }, cancellationToken);

    /// <summary>When and how a campaign's pictures were drawn.</summary>
    /// <param name="id">The campaign.</param>
    /// <param name="look">How many of its newest pictures to look at; the times are those of all.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    public async Task<DrawingSpan> FindSpanAsync(int id, int look, CancellationToken cancellationToken) =>
        (await database.QueryAsync<DrawingSpan>("list_campaign_span", new { campaign_id = id, look }, cancellationToken)).Single();

    /// <summary>Why jobs of a campaign failed, most frequent first.</summary>
    /// <param name="id">The campaign.</param>
    /// <param name="look">How many of its newest failed jobs to look at.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    public async Task<IReadOnlyList<EndingReason>> ListFailureReasonsAsync(int id, int look, CancellationToken cancellationToken) =>
        await database.QueryAsync<EndingReason>("list_failure_reasons", new { campaign_id = id, look }, cancellationToken);

    /// <summary>Campaigns that ended and were not reported yet, oldest first.</summary>
    public async Task<IReadOnlyList<int>> ListEndedAsync(int limit, CancellationToken cancellationToken) =>
        await database.QueryAsync<int>("list_ended_campaigns", new { limit }, cancellationToken);

    /// <summary>Notes that a campaign was reported.</summary>
    public Task MarkReportedAsync(int id, CancellationToken cancellationToken) => database.ExecuteAsync("mark_campaign_reported", new { campaign_id = id }, cancellationToken);
}

/// <summary>A campaign with its counts.</summary>
public sealed class CampaignSummary
{
    /// <summary>Its number, for paging.</summary>
    public int Id { get; init; }

    /// <summary>Name.</summary>
    public string Name { get; init; } = "";

    /// <summary>Whose.</summary>
    public string Tenant { get; init; } = "";

    /// <summary>When its first job was submitted.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>Waiting.</summary>
    public long Queued { get; init; }

    /// <summary>Leased.</summary>
    public long Running { get; init; }

    /// <summary>Picture saved.</summary>
    public long Succeeded { get; init; }

    /// <summary>Ended without a picture.</summary>
    public long Failed { get; init; }

    /// <summary>Taken back.</summary>
    public long Cancelled { get; init; }

    /// <summary>Verified pictures.</summary>
    public long Verified { get; init; }

    /// <summary>The counts together.</summary>
    public JobCounts Counts => new(Queued, Running, Succeeded, Failed, Cancelled, Verified);
}
