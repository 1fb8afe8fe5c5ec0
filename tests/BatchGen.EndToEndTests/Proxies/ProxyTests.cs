using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.RegularExpressions;
using BatchGen.Core.Jobs;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.EndToEndTests.Proxies;

/// <summary>The configuration files of <c>docker/proxy</c> in nginx and Caddy, before the dashboard.</summary>
public sealed partial class ProxyTests(ProxiedSite site) : IClassFixture<ProxiedSite>
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    // Those by which a client could pass for another, or for being asked under another name.
    private static readonly (string Name, string Value)[] Forged =
    [
        ("X-Forwarded-For", "203.0.113.9"), ("X-Forwarded-Proto", "http"), ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-Port", "81"), ("X-Forwarded-Prefix", "/evil"), ("Forwarded", "for=203.0.113.9;host=evil.example;proto=http"),
        ("X-Real-IP", "203.0.113.9"), ("X-Original-For", "203.0.113.9"), ("X-Original-Host", "evil.example"),
        ("X-Original-Proto", "http"), ("X-Original-Prefix", "/evil"),
    ];

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(ReverseProxy.Nginx)]
    [InlineData(ReverseProxy.Caddy)]
    public async Task Pages_load_behind_a_proxy_and_cookies_are_for_TLS_only(string name)
    {
        var proxy = await site.BehindAsync(name);
        using var browser = proxy.Client("127.0.0.11");
        foreach (var (header, value) in Forged) browser.DefaultRequestHeaders.Add(header, value);
        using var login = await LogInAsync(browser, proxy.Address, ProxiedSite.Password);
        Assert.Equal((HttpStatusCode.Redirect, "/jobs"), (login.Answer.StatusCode, login.Answer.Headers.Location?.OriginalString));
        Assert.All(login.Cookies, cookie => Assert.Contains("secure", cookie, StringComparison.OrdinalIgnoreCase));
        Assert.Equal(["batchgen-form", "batchgen-login"], login.Cookies.Select(cookie => cookie.Split('=')[0]));
        foreach (var path in (string[])["/", "/jobs", "/enqueue", "/hangfire"])
        {
            using var page = await browser.GetAsync(path, Stop);
            Assert.Equal((path, HttpStatusCode.OK), (path, page.StatusCode));
            Assert.Contains("</html>", await page.Content.ReadAsStringAsync(Stop), StringComparison.OrdinalIgnoreCase);
        }

        using var plain = await browser.GetAsync(proxy.PlainAddress + "/jobs?state=failed", Stop);
        Assert.Equal(HttpStatusCode.PermanentRedirect, plain.StatusCode);
        Assert.Matches("^https://batch\\.example(:[0-9]+)?/jobs\\?state=failed$", plain.Headers.Location!.OriginalString);
    }

    [Theory]
    [InlineData(ReverseProxy.Nginx)]
    [InlineData(ReverseProxy.Caddy)]
    public async Task Headers_that_a_client_forges_never_reach_the_dashboard(string name)
    {
        var proxy = await site.BehindAsync(name);
        // A client may also name a header as one that proxies are to remove.
        foreach (var named in (string?[])[null, "X-Forwarded-For", "X-Forwarded-Proto"])
        {
            using var client = proxy.Client("127.0.0.12", HttpVersion.Version11);
            using var request = new HttpRequestMessage(HttpMethod.Get, $"/login?return=/forged-{named}");
            foreach (var (header, value) in Forged) request.Headers.Add(header, value);
            if (named is not null) request.Headers.Connection.Add(named);
            using var answer = await client.SendAsync(request, Stop);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            var mark = $"GET /login?return=/forged-{named} ";
            var sent = proxy.Relay.Carrying(mark)!.Sent;
            var headers = sent[sent.IndexOf(mark, StringComparison.Ordinal)..].Split("\r\n\r\n")[0].Split("\r\n").Skip(1)
                .Select(line => line.Split(": ", 2)).ToLookup(pair => pair[0], pair => pair[1], StringComparer.OrdinalIgnoreCase);
            Assert.Equal(["127.0.0.12"], headers["X-Forwarded-For"]);
            Assert.Equal(["https"], headers["X-Forwarded-Proto"]);
            Assert.Equal([proxy.Authority], headers["Host"]);
            Assert.DoesNotContain(Forged.Select(header => header.Name).Except(["X-Forwarded-For", "X-Forwarded-Proto"]), headers.Contains);
        }
    }

    [Theory]
    [InlineData(ReverseProxy.Nginx, "127.0.0.13", "127.0.0.14")]
    [InlineData(ReverseProxy.Caddy, "127.0.0.15", "127.0.0.16")]
    public async Task Login_attempts_behind_a_proxy_count_for_the_address_that_the_proxy_sees(string name, string from, string other)
    {
        var proxy = await site.BehindAsync(name);
        for (var i = 0; i < ProxiedSite.LoginAttempts; i++)
            Assert.Equal((i, HttpStatusCode.Unauthorized), (i, await TryAsync(from, $"203.0.113.{i}")));
        Assert.Equal(HttpStatusCode.TooManyRequests, await TryAsync(from, "203.0.113.200"));
        Assert.Equal(HttpStatusCode.Unauthorized, await TryAsync(other, from));

        async Task<HttpStatusCode> TryAsync(string address, string claimed)
        {
            using var client = proxy.Client(address);
            client.DefaultRequestHeaders.Add("X-Forwarded-For", claimed);
            using var login = await LogInAsync(client, proxy.Address, "wrong password");
            return login.Answer.StatusCode;
        }
    }

    [Theory]
    [InlineData(ReverseProxy.Nginx)]
    [InlineData(ReverseProxy.Caddy)]
    public async Task Changes_behind_a_proxy_are_taken_from_its_own_pages_and_refused_from_other_sites(string name)
    {
        var proxy = await site.BehindAsync(name);
        using var browser = proxy.Client("127.0.0.17");
        using var login = await LogInAsync(browser, proxy.Address, ProxiedSite.Password);
        Assert.Equal(HttpStatusCode.Redirect, login.Answer.StatusCode);
        Assert.Equal(HttpStatusCode.OK, await PostAsync(("Origin", proxy.Address)));
        Assert.Equal(HttpStatusCode.OK, await PostAsync([("Origin", proxy.Address), ("Sec-Fetch-Site", "same-origin"), .. Forged]));
        Assert.Equal(HttpStatusCode.Forbidden, await PostAsync([("Origin", "https://evil.example"), .. Forged]));
        Assert.Equal(HttpStatusCode.Forbidden, await PostAsync(("Origin", "https://batch.example"))); // Another port.
        Assert.Equal(HttpStatusCode.Forbidden, await PostAsync([("Origin", "http://" + proxy.Authority), .. Forged]));
        Assert.Equal(HttpStatusCode.Forbidden, await PostAsync(("Origin", proxy.Address), ("Sec-Fetch-Site", "cross-site")));

        async Task<HttpStatusCode> PostAsync(params (string Name, string Value)[] headers)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/jobs/cancel");
            request.Content = JsonContent.Create(new { job_ids = Array.Empty<long>() });
            foreach (var (header, value) in headers) request.Headers.Add(header, value);
            using var answer = await browser.SendAsync(request, Stop);
            return answer.StatusCode;
        }
    }

    [Theory]
    [InlineData(ReverseProxy.Nginx, "127.0.0.18")]
    [InlineData(ReverseProxy.Caddy, "127.0.0.19")]
    public async Task A_body_above_the_limit_of_its_call_is_answered_with_413_behind_a_proxy_and_one_below_it_passes(
        string name, string from)
    {
        var proxy = await site.BehindAsync(name);
        using var client = proxy.Client(from);
        foreach (var isAnnounced in (bool[])[true, false])
        {
            using var body = new PausedBody("name=" + new string('x', 9_000), new string('x', 9_000), Task.CompletedTask, isAnnounced);
            body.Headers.ContentType = new("application/x-www-form-urlencoded");
            using var refused = await client.PostAsync("/login", body, Stop);
            // The dashboard closes the connection over the rest of a body that it cuts off, before or after the proxy has read its answer.
            if (!isAnnounced && refused.StatusCode == HttpStatusCode.BadGateway) continue;
            Assert.Equal((isAnnounced, HttpStatusCode.RequestEntityTooLarge), (isAnnounced, refused.StatusCode));
            Assert.Contains("bytes that this call takes", await refused.Content.ReadAsStringAsync(Stop), StringComparison.Ordinal);
        }

        using var program = Program(proxy, from);
        using var list = new StringContent(Job + new string(' ', 3 << 20), Encoding.UTF8, "application/json");
        using var taken = await program.PostAsync("/api/v1/jobs", list, Stop);
        Assert.Equal(HttpStatusCode.Created, taken.StatusCode);
    }

    [Theory]
    [InlineData(ReverseProxy.Nginx)]
    [InlineData(ReverseProxy.Caddy)]
    public async Task Bodies_reach_the_dashboard_while_they_are_sent(string name)
    {
        var proxy = await site.BehindAsync(name);
        using var program = Program(proxy, "127.0.0.20");
        var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var body = new PausedBody(Job.Replace("a star", "the first line"), Job, goOn.Task, isAnnounced: true);
        body.Headers.ContentType = new("application/x-ndjson");
        var answering = program.PostAsync("/api/v1/jobs", body, Stop);
        await Wait.UntilAsync(
            "the dashboard got the first line", () => proxy.Relay.Carrying("the first line") is not null, Limit, Stop);
        Assert.False(answering.IsCompleted);
        goOn.SetResult();
        using var answer = await answering;
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
    }

    [Theory]
    [InlineData(ReverseProxy.Nginx)]
    [InlineData(ReverseProxy.Caddy)]
    public async Task Events_pass_a_proxy_as_they_happen_and_end_when_the_listener_leaves(string name)
    {
        var proxy = await site.BehindAsync(name);
        using var program = Program(proxy, "127.0.0.21");
        (string Path, string First, string Then)[] streams =
            [("/live", "changed", "changed"), ("/api/v1/events", "counts", "counts"), ("/api/v1/events/jobs", "listening", "ended")];
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        limit.CancelAfter(Limit);
        var answers = await Task.WhenAll(streams.Select(
            stream => program.GetAsync(stream.Path, HttpCompletionOption.ResponseHeadersRead, limit.Token)));
        var readers = await Task.WhenAll(answers.Select(
            async answer => new StreamReader(await answer.Content.ReadAsStreamAsync(limit.Token))));
        await Task.WhenAll(readers.Zip(streams, (reader, stream) => UntilAsync(reader, stream.First, limit.Token)));
        var jobs = await site.Database.Submitter.SubmitAsync([new JobRequest { Prompt = "a star", Width = 64, Height = 64 }], Stop);
        await site.Database.Actions.CancelAsync(jobs, Stop);
        await Task.WhenAll(readers.Zip(streams, (reader, stream) => UntilAsync(reader, stream.Then, limit.Token)));

        // Sooner than the next event would tell a proxy: where nothing happens, one comes after twenty seconds.
        Array.ForEach(answers, answer => answer.Dispose());
        foreach (var (path, _, _) in streams)
        {
            await Wait.UntilAsync(
                $"the stream of {path} has ended", () => proxy.Relay.Carrying($"GET {path} ")!.ProxyLeft, TimeSpan.FromSeconds(10), Stop);
        }
    }

    private const string Job = """{"model":"demo","prompt":"a star","width":64,"height":64}""" + "\n";

    private HttpClient Program(ReverseProxy proxy, string from)
    {
        var client = proxy.Client(from);
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", site.Key);
        return client;
    }

    // Reads a stream of events up to the next of a kind.
    private static async Task UntilAsync(StreamReader reader, string kind, CancellationToken cancellationToken)
    {
        var seen = new List<string>();
        try
        {
            while (await reader.ReadLineAsync(cancellationToken) is { } line)
            {
                if (line == "event: " + kind) return;
                if (line.StartsWith("event: ", StringComparison.Ordinal)) seen.Add(line);
            }
        }
        catch (OperationCanceledException)
        {
            // Said below.
        }

        Assert.Fail($"No event '{kind}' came; seen: {string.Join(", ", seen)}.");
    }

    // Logs in as a browser does, from the page that the form stands on.
    private static async Task<Login> LogInAsync(HttpClient browser, string origin, string password)
    {
        using var page = await browser.GetAsync("/login", Stop);
        var token = TokenForm().Match(await page.Content.ReadAsStringAsync(Stop)).Groups["token"].Value;
        using var request = new HttpRequestMessage(HttpMethod.Post, "/login")
        {
            Content = new FormUrlEncodedContent(
            [
                new("name", ProxiedSite.Name), new("password", password), new("return", "/jobs"), new("__RequestVerificationToken", token),
            ]),
        };
        request.Headers.Add("Origin", origin);
        request.Headers.Add("Sec-Fetch-Site", "same-origin");
        var answer = await browser.SendAsync(request, Stop);
        return new Login(answer, [.. Cookies(page), .. Cookies(answer)]);
    }

    private static IEnumerable<string> Cookies(HttpResponseMessage answer) =>
        answer.Headers.TryGetValues("Set-Cookie", out var cookies) ? cookies : [];

    [GeneratedRegex("name=\"__RequestVerificationToken\" value=\"(?<token>[^\"]+)\"", RegexOptions.ExplicitCapture)]
    private static partial Regex TokenForm();

    private sealed record Login(HttpResponseMessage Answer, IReadOnlyList<string> Cookies) : IDisposable
    {
        public void Dispose() => Answer.Dispose();
    }

    /// <summary>A body whose second part is sent once something has happened.</summary>
    private sealed class PausedBody(string first, string then, Task goOn, bool isAnnounced) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes(first), Stop);
            await stream.FlushAsync(Stop);
            await goOn;
            await stream.WriteAsync(Encoding.ASCII.GetBytes(then), Stop);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = first.Length + then.Length;
            return isAnnounced;
        }
    }
}
