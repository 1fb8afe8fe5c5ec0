using System.Net.Http.Json;
using BatchGen.Dashboard.Api;
using Microsoft.Extensions.Logging;

namespace BatchGen.Dashboard.Reports;

/// <summary>Posts reports and notices as JSON to the address of the settings.</summary>
internal sealed class ReportWebhook(DashboardOptions options, ILogger<ReportWebhook> log)
{
    /// <summary>Name of the setting with the address.</summary>
    public const string Setting = "BatchGen:Dashboard:ReportWebhook";

    /// <summary>False when the settings name no address.</summary>
    public bool IsSet => options.ReportWebhook.Length > 0;

    /// <summary>Posts a report.</summary>
    /// <param name="report">The report.</param>
    /// <param name="key">Sent as <c>Idempotency-Key</c>: the same report has the same key however often it is sent, so
    /// that a receiver recognises it.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <exception cref="HttpRequestException">The receiver did not answer, refused, or sent the report elsewhere; whoever calls tries
    /// again.</exception>
    public Task PostAsync(CampaignReport report, string key, CancellationToken cancellationToken) =>
        PostAsync(report.Title, report, key, cancellationToken);

    /// <summary>Posts that the queue began or ceased to stand still.</summary>
    /// <inheritdoc cref="PostAsync(CampaignReport, string, CancellationToken)"/>
    public Task PostAsync(StandstillNotice notice, string key, CancellationToken cancellationToken) =>
        PostAsync(notice.Title, notice, key, cancellationToken);

    private async Task PostAsync<T>(string title, T body, string key, CancellationToken cancellationToken)
    {
        try
        {
            await WebhookCall.PostAsync(
                Setting, options.ReportWebhook, key, () => JsonContent.Create(body, options: ApiJson.Compact), cancellationToken);
        }
        catch (HttpRequestException failure)
        {
            log.WebhookFailed(title, failure.Message);
            throw;
        }
    }
}
