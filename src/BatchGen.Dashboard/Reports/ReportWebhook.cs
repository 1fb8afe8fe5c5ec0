using System.Net;
using System.Net.Http.Json;
using BatchGen.Core.Texts;
using BatchGen.Dashboard.Api;
using BatchGen.Dashboard.Requests;
using Microsoft.Extensions.Logging;

namespace BatchGen.Dashboard.Reports;

/// <summary>Posts reports as JSON to the address of the settings.</summary>
internal sealed class ReportWebhook(DashboardOptions options, ILogger<ReportWebhook> log)
{
    private const int MaxRedirects = 3;

    // For the whole call, redirects included.
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(15);

    /// <summary>False when the settings name no address.</summary>
    public bool IsSet => options.ReportWebhook.Length > 0;

    /// <summary>Posts a report.</summary>
    /// <param name="report">The report.</param>
    /// <param name="key">Sent as <c>Idempotency-Key</c>: the same report has the same key however often it is sent, so
    /// that a receiver recognises it.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <remarks>Only the status and the headers of the answer are read. A redirect is followed to the same server only: the report is
    /// meant for the address that the operator named.</remarks>
    /// <exception cref="HttpRequestException">The receiver did not answer, refused, or sent the report elsewhere; whoever calls tries
    /// again.</exception>
    public async Task PostAsync(CampaignReport report, string key, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(AnswerLimit);
        // The rest of an answer is not waited for when the connection is closed.
        using var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, MaxResponseDrainSize = 0 };
        using var client = new HttpClient(handler);
        client.DefaultRequestHeaders.Add("Idempotency-Key", key);
        try
        {
            await SendAsync(client, new Uri(options.ReportWebhook), report, limit.Token);
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

    private static async Task SendAsync(HttpClient client, Uri address, CampaignReport report, CancellationToken cancellationToken)
    {
        for (var redirects = 0; ; redirects++)
        {
            using var post = new HttpRequestMessage(HttpMethod.Post, address);
            post.Content = JsonContent.Create(report, options: ApiJson.Compact);
            using var answer = await client.SendAsync(post, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            // Those that keep the method and the body; after the others a report would become a request for a page.
            var next = answer.StatusCode is HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect
                && answer.Headers.Location is { } location ? new Uri(address, location) : null;
            if (next is null || redirects == MaxRedirects || Server(next) != Server(address))
            {
                if ((int)answer.StatusCode is < 300 or >= 400) answer.EnsureSuccessStatusCode();
                else throw Redirected(answer);
                return;
            }

            address = next;
        }
    }

    private static (string, string, int) Server(Uri address) => (address.Scheme, address.IdnHost, address.Port);

    private static HttpRequestException Redirected(HttpResponseMessage answer) => new(
        ShortText.Of($"The receiver of reports answered with status {(int)answer.StatusCode} and the address '{answer.Headers.Location}'. "
            + "Redirects to another server are not followed; set BatchGen:Dashboard:ReportWebhook to the address itself."),
        null, answer.StatusCode);
}
