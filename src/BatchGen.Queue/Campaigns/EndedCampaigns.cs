namespace BatchGen.Queue.Campaigns;

/// <summary>Keeps track of which ended campaigns were reported.</summary>
public sealed class EndedCampaigns(QueueDatabase database)
{
    /// <summary>Ids of campaigns that ended and were not reported yet, oldest first.</summary>
    public async Task<IReadOnlyList<int>> ListUnreportedAsync(int limit, CancellationToken cancellationToken) =>
        await database.QueryAsync<int>("list_ended_campaigns", new { limit }, cancellationToken);

    /// <summary>Records that a campaign was reported, so that it is not reported again.</summary>
    public Task MarkReportedAsync(int id, CancellationToken cancellationToken) =>
        database.ExecuteAsync("mark_campaign_reported", new { campaign_id = id }, cancellationToken);
}
