using System.Globalization;
using BatchGen.Dashboard.Reports;
using BatchGen.Queue.Campaigns;
using Hangfire;

namespace BatchGen.Dashboard.Scheduling;

/// <summary>Work that Hangfire runs to post the report of each campaign once it has ended.</summary>
/// <remarks>Public because Hangfire finds methods by name; nothing else calls them, and renaming one loses what is
/// queued under its name.</remarks>
public sealed class EndedCampaignWork
{
    private const int AtOnce = 50;

    private readonly EndedCampaigns _campaigns;
    private readonly ReportCollector _reports;
    private readonly ReportWebhook _webhook;
    private readonly IBackgroundJobClient _jobs;

    internal EndedCampaignWork(EndedCampaigns campaigns, ReportCollector reports, ReportWebhook webhook, IBackgroundJobClient jobs)
    {
        _campaigns = campaigns;
        _reports = reports;
        _webhook = webhook;
        _jobs = jobs;
    }

    /// <summary>Finds campaigns that have ended since the last look, and queues the posting of each report by itself: one that
    /// fails delays no other.</summary>
    /// <remarks>Without a webhook they are only marked as reported, so that setting one later does not post
    /// everything that ever ended.</remarks>
    // Two at once would both find the same campaigns.
    [DisableConcurrentExecution(timeoutInSeconds: 60)]
    [AutomaticRetry(Attempts = 0)]
    public async Task FindEndedAsync(CancellationToken cancellationToken)
    {
        foreach (var id in await _campaigns.ListUnreportedAsync(AtOnce, cancellationToken))
        {
            // In this order a crash between the two steps posts the report twice, under the same key; in the other it would be lost.
            if (_webhook.IsSet) _jobs.Enqueue<EndedCampaignWork>(work => work.PostAsync(id, CancellationToken.None));
            await _campaigns.MarkReportedAsync(id, cancellationToken);
        }
    }

    /// <summary>Posts the report of a campaign.</summary>
    /// <param name="id">The campaign.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    // A failure is tried again soon, then hourly for a day; after that it stands among the failed work of /hangfire,
    // from where it can be sent by hand.
    [AutomaticRetry(Attempts = 28, DelaysInSeconds = [10, 60, 300, 900, 3600])]
    public async Task PostAsync(int id, CancellationToken cancellationToken)
    {
        if (!_webhook.IsSet || await _reports.OfCampaignAsync(id, cancellationToken) is not { } report) return;
        await _webhook.PostAsync(report, string.Create(CultureInfo.InvariantCulture, $"campaign-{id}"), cancellationToken);
    }
}
