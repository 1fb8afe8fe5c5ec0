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

    /// <summary>When and how a campaign's pictures were drawn.</summary>
    /// <param name="campaign">The campaign.</param>
    /// <param name="look">How many of its newest jobs to look at.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    public async Task<CampaignSpan> FindSpanAsync(string campaign, int look, CancellationToken cancellationToken) =>
        (await database.QueryAsync<CampaignSpan>("list_campaign_span", new { campaign, look }, cancellationToken)).Single();

    /// <summary>Why jobs failed, most frequent first; null counts all campaigns.</summary>
    public async Task<IReadOnlyList<FailureReason>> ListFailureReasonsAsync(string? campaign, CancellationToken cancellationToken) =>
        await database.QueryAsync<FailureReason>("list_failure_reasons", new { campaign }, cancellationToken);
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

/// <summary>Why jobs failed.</summary>
public sealed class FailureReason
{
    /// <summary>Stable code.</summary>
    public string Reason { get; init; } = "";

    /// <summary>How many failed so.</summary>
    public long Jobs { get; init; }

    /// <summary>One of them.</summary>
    public long ExampleJob { get; init; }

    /// <summary>Its message.</summary>
    public string Example { get; init; } = "";
}

/// <summary>When and how a campaign's pictures were drawn.</summary>
public sealed class CampaignSpan
{
    /// <summary>Pictures looked at.</summary>
    public long Images { get; init; }

    /// <summary>When the first was saved.</summary>
    public DateTimeOffset? FirstAt { get; init; }

    /// <summary>When the last was saved.</summary>
    public DateTimeOffset? LastAt { get; init; }

    /// <summary>Batches that drew them.</summary>
    public long Batches { get; init; }

    /// <summary>Signatures they have.</summary>
    public long Signatures { get; init; }

    /// <summary>Bytes on disk.</summary>
    public long? SizeBytes { get; init; }
}
