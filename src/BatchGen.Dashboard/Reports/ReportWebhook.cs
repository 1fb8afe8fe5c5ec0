using System.Net.Http.Json;
using BatchGen.Dashboard.Api;
using Microsoft.Extensions.Logging;

namespace BatchGen.Dashboard.Reports;

/// <summary>Posts reports as JSON to the address of the settings.</summary>
internal sealed class ReportWebhook(DashboardOptions options, ILogger<ReportWebhook> log)
{
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(15);

    /// <summary>False when the settings name no address.</summary>
    public bool IsSet => options.ReportWebhook.Length > 0;

    /// <summary>Posts a report.</summary>
    /// <param name="report">The report.</param>
    /// <param name="key">Sent as <c>Idempotency-Key</c>: the same report has the same key however often it is sent, so
    /// that a receiver recognises it.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <exception cref="HttpRequestException">The receiver did not answer or refused; whoever calls tries again.</exception>
    public async Task PostAsync(CampaignReport report, string key, CancellationToken cancellationToken)
    {
        using var client = new HttpClient { Timeout = AnswerLimit };
        client.DefaultRequestHeaders.Add("Idempotency-Key", key);
        try
        {
            using var answer = await client.PostAsJsonAsync(options.ReportWebhook, report, ApiJson.Compact, cancellationToken);
            answer.EnsureSuccessStatusCode();
        }
        catch (HttpRequestException failure)
        {
            log.WebhookFailed(report.Title, failure.Message);
            throw;
        }
        catch (OperationCanceledException late) when (!cancellationToken.IsCancellationRequested)
        {
            log.WebhookFailed(report.Title, $"no answer within {AnswerLimit.TotalSeconds:0} seconds");
            throw new HttpRequestException($"The receiver of reports did not answer within {AnswerLimit.TotalSeconds:0} seconds.", late);
        }
    }
}
