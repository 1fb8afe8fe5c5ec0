using System.Net;
using BatchGen.Core.Texts;
using BatchGen.Dashboard.Security;

namespace BatchGen.Dashboard.Reports;

/// <summary>Posts to an address that an operator named, within limits that its owner cannot stretch.</summary>
/// <remarks>Only the status and the headers of the answer are read. A redirect is followed to the same server only: what is posted is meant
/// for the address that the operator named.</remarks>
internal static class WebhookCall
{
    private const int MaxRedirects = 3;

    // For the whole call, redirects included.
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(15);

    /// <summary>Posts a body, or nothing, once.</summary>
    /// <param name="setting">Name of the setting that holds the address, for messages.</param>
    /// <param name="address">The address.</param>
    /// <param name="key">Sent as <c>Idempotency-Key</c>; null sends none.</param>
    /// <param name="makeContent">Makes the body, anew for each redirect; null sends none.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <exception cref="HttpRequestException">The receiver did not answer, refused, or sent the call elsewhere.</exception>
    public static async Task PostAsync(
        string setting, string address, string? key, Func<HttpContent>? makeContent, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(AnswerLimit);
        // The rest of an answer is not waited for when the connection is closed.
        using var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, MaxResponseDrainSize = 0 };
        using var client = new HttpClient(handler);
        if (key is not null) client.DefaultRequestHeaders.Add("Idempotency-Key", key);
        try
        {
            await SendAsync(client, setting, new Uri(address), makeContent, limit.Token);
        }
        catch (OperationCanceledException late) when (!cancellationToken.IsCancellationRequested)
        {
            throw new HttpRequestException($"no answer within {AnswerLimit.TotalSeconds:0} seconds", late);
        }
    }

    /// <summary>Refuses what is no address that could be called.</summary>
    /// <exception cref="DashboardException">The setting is neither empty nor an address of http or https.</exception>
    public static void CheckSetting(string setting, string address)
    {
        if (address.Length == 0) return;
        if (Uri.TryCreate(address, UriKind.Absolute, out var parsed) && (parsed.Scheme is "http" or "https")) return;
        throw new DashboardException(
            $"{setting}: '{ShortText.Of(address)}' is no address that can be called; expected one that begins with http:// or https://.");
    }

    private static async Task SendAsync(
        HttpClient client, string setting, Uri address, Func<HttpContent>? makeContent, CancellationToken cancellationToken)
    {
        for (var redirects = 0; ; redirects++)
        {
            using var post = new HttpRequestMessage(HttpMethod.Post, address);
            post.Content = makeContent?.Invoke();
            using var answer = await client.SendAsync(post, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            // Those that keep the method and the body; after the others a report would become a request for a page.
            var next = answer.StatusCode is HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect
                && answer.Headers.Location is { } location ? new Uri(address, location) : null;
            if (next is null || redirects == MaxRedirects || Server(next) != Server(address))
            {
                if ((int)answer.StatusCode is < 300 or >= 400) answer.EnsureSuccessStatusCode();
                else throw Redirected(setting, answer);
                return;
            }

            address = next;
        }
    }

    private static (string, string, int) Server(Uri address) => (address.Scheme, address.IdnHost, address.Port);

    private static HttpRequestException Redirected(string setting, HttpResponseMessage answer) => new(
        ShortText.Of($"The receiver answered with status {(int)answer.StatusCode} and the address '{answer.Headers.Location}'. "
            + $"Redirects to another server are not followed; set {setting} to the address itself."),
        null, answer.StatusCode);
}
