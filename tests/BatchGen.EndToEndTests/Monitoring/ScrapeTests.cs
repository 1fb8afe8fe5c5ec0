using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using BatchGen.Core.Monitoring;
using BatchGen.Dashboard.Security;
using BatchGen.EndToEndTests.Browser;
using BatchGen.EndToEndTests.Commands;
using BatchGen.Queue.Access;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.EndToEndTests.Monitoring;

/// <summary>What a running program tells whoever watches it: health, metrics, traces and log lines.</summary>
public sealed class ScrapeTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    [Fact]
    public async Task A_night_shows_in_metrics_traces_and_JSON_lines_and_the_files_for_Grafana_and_Prometheus_name_what_is_exported()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = Program(database);
        var ports = FreePorts(3);
        program.Environment["BatchGen__Dashboard__Url"] = $"http://127.0.0.1:{ports[0]}";
        using var collector = new Collector(ports[1]);
        program.Environment["BatchGen__Monitoring__OtlpEndpoint"] = collector.Address;
        program.Environment["BatchGen__Monitoring__OtlpProtocol"] = "http/protobuf";
        var health = $"http://127.0.0.1:{ports[2]}";
        program.Environment["BatchGen__Worker__HealthUrl"] = health;
        await RunAsync(program, "models", "add", Path.Combine(RepositoryPaths.Models, "demo"), "--name", "demo");
        await RunAsync(program, "adapters", "add", Path.Combine(RepositoryPaths.Models, "demo-adapters"));
        await RunAsync(program, "submit", "--prompt", "a green tree on a meadow", "--adapter", "demo-neon",
            "--width", "64", "--height", "64", "--steps", "2", "--count", "3", "--seed", "1", "--campaign", "watched");
        var up = program.Start("up", "--log-format", "json");
        var dashboard = program.Environment["BatchGen__Dashboard__Url"];
        await Wait.UntilAsync("3 images are verified",
            async () => (await database.Catalog.CountAsync(null, TestContext.Current.CancellationToken)).Verified, count => count == 3,
            Limit, TestContext.Current.CancellationToken);

        await AssertHealthyAsync(health);
        await AssertHealthyAsync(dashboard);
        // The queue is measured every ten seconds, and a batch is timed after its images are verified.
        var scraped = await Wait.UntilAsync(
            "worker and dashboard tell of the night",
            async () => await GetAsync(health + "/metrics") + await GetAsync(dashboard + "/metrics"),
            text => text.Contains("batchgen_batch_duration_seconds_count", StringComparison.Ordinal)
                && text.Contains("batchgen_queue_jobs{", StringComparison.Ordinal),
            Limit, TestContext.Current.CancellationToken);
        AssertFilesNameWhatIsExported(scraped);

        up.AskToStop();
        var ended = await up.WaitAsync(Limit);
        Assert.Equal(130, ended.ExitCode);
        AssertLines(ended.Error);
        // What was not sent yet is sent at the end.
        var spans = collector.Received("/v1/traces");
        foreach (var name in (string[])[SpanNames.Claim, SpanNames.Load, SpanNames.Fuse, SpanNames.Steps, SpanNames.Decode, SpanNames.Save,
            SpanNames.Unload, SpanNames.Verify, "Npgsql"])
            Assert.Contains(name, spans, StringComparison.Ordinal);
        Assert.Contains("batchgen.batch.duration", collector.Received("/v1/metrics"), StringComparison.Ordinal);
        Assert.Contains("batchgen.queue.jobs", collector.Received("/v1/metrics"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Metrics_of_the_dashboard_need_a_login_where_pages_do_and_health_needs_none()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = Program(database);
        var url = program.Environment["BatchGen__Dashboard__Url"];
        var up = program.Start("up", "--no-worker");
        using var limit = new CancellationTokenSource(Limit);
        await Site.WaitUntilUpAsync(url, up, limit.Token);
        Assert.Contains("batchgen_database_up", await GetAsync(url + "/metrics"), StringComparison.Ordinal);

        var made = await program.RunAsync("keys", "add", "prometheus", "--role", "viewer");
        Assert.Equal(0, made.ExitCode);
        var submitter = await program.RunAsync("keys", "add", "producer", "--role", "submitter", "--tenant", "default");
        Assert.Equal(0, submitter.ExitCode);
        await new AccessStore(database.Queue).SaveAccountAsync(
            "watcher", PasswordHash.Make("a long password"), "operator", TestContext.Current.CancellationToken);
        // An answer that there is no account counts for two seconds.
        await Wait.UntilAsync("metrics need a key", async () => (await SendAsync(url + "/metrics", null)).StatusCode,
            status => status == HttpStatusCode.Unauthorized, Limit, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Unauthorized, (await SendAsync(url + "/metrics", "bgk_wrong")).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await SendAsync(url + "/metrics", submitter.Output.Trim())).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await SendAsync(url + "/metrics", made.Output.Trim())).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await SendAsync(url + "/healthz", null)).StatusCode);
        Assert.Equal("idle\n", await (await SendAsync(url + "/readyz", null)).Content.ReadAsStringAsync(limit.Token));
        up.AskToStop();
        await up.WaitAsync(Limit);
    }

    private static void AssertFilesNameWhatIsExported(string scraped)
    {
        var exported = MonitoringFiles.Scraped(scraped);
        var panels = MonitoringFiles.MetricsIn(MonitoringFiles.PanelExpressions());
        var alerts = MonitoringFiles.MetricsIn([File.ReadAllText(MonitoringFiles.Rules)]);
        Assert.True(panels.Count > 20, string.Join(", ", panels));
        Assert.Empty(panels.Except(exported));
        Assert.Empty(alerts.Except(exported));
        // Nor is anything exported that the dashboard does not show.
        Assert.Empty(MonitoringFiles.Families(exported).Except(MonitoringFiles.Families(panels)));
    }

    private static void AssertLines(string error)
    {
        var batches = 0;
        foreach (var line in error.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            using var read = JsonDocument.Parse(line);
            Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", read.RootElement.GetProperty("time").GetString());
            if (!read.RootElement.GetProperty("message").GetString()!.Contains(" batch ", StringComparison.Ordinal)) continue;
            batches++;
            Assert.True(read.RootElement.TryGetProperty("batch", out _), line);
            Assert.Equal(1, read.RootElement.GetProperty("process").GetInt32());
        }

        Assert.True(batches > 0, error);
    }

    private static async Task AssertHealthyAsync(string url)
    {
        Assert.Equal("alive\n", await GetAsync(url + "/healthz"));
        // A worker that still ends its batch works.
        Assert.Contains((await GetAsync(url + "/readyz")).TrimEnd(), new[] { ProcessStates.Idle, ProcessStates.Working });
    }

    private static async Task<string> GetAsync(string url)
    {
        using var answer = await SendAsync(url, null);
        Assert.Equal((url, HttpStatusCode.OK), (url, answer.StatusCode));
        return await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
    }

    private static async Task<HttpResponseMessage> SendAsync(string url, string? key)
    {
        using var client = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false });
        if (key is not null) client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        return await client.GetAsync(url, TestContext.Current.CancellationToken);
    }

    private static ProgramUnderTest Program(TestDatabase database)
    {
        var program = new ProgramUnderTest(database);
        program.Environment["BatchGen__Dashboard__Url"] = $"http://127.0.0.1:{Site.FreePort()}";
        program.Environment["BatchGen__Worker__HeartbeatInterval"] = "00:00:00.5";
        return program;
    }

    private static int[] FreePorts(int count)
    {
        var ports = new List<int>();
        for (var port = Site.FreePort(); ports.Count < count; port++)
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            try
            {
                listener.Start();
                ports.Add(port);
            }
            catch (SocketException)
            {
                // Somebody listens there.
                continue;
            }
        }

        return [.. ports];
    }

    private static async Task RunAsync(ProgramUnderTest program, params string[] arguments)
    {
        var ended = await program.RunAsync(arguments);
        Assert.True(ended.ExitCode == 0, ended.Error);
    }

    /// <summary>Takes what is sent over OTLP and keeps its bytes, which hold the names as they are.</summary>
    private sealed class Collector : IDisposable
    {
        private readonly HttpListener _listener = new();
        private readonly Dictionary<string, StringBuilder> _received = new(StringComparer.Ordinal);
        private readonly Task _taking;

        public Collector(int port)
        {
            Address = $"http://127.0.0.1:{port}";
            _listener.Prefixes.Add(Address + "/");
            _listener.Start();
            _taking = TakeAsync();
        }

        public string Address { get; }

        public string Received(string path)
        {
            lock (_received) return _received.TryGetValue(path, out var text) ? text.ToString() : "";
        }

        public void Dispose()
        {
            _listener.Close();
            _ = _taking;
        }

        private async Task TakeAsync()
        {
            while (_listener.IsListening)
            {
                HttpListenerContext context;
                try
                {
                    context = await _listener.GetContextAsync();
                }
                catch (Exception error) when (error is HttpListenerException or ObjectDisposedException)
                {
                    return;
                }

                using var body = new MemoryStream();
                await context.Request.InputStream.CopyToAsync(body);
                lock (_received)
                {
                    var path = context.Request.Url!.AbsolutePath;
                    if (!_received.TryGetValue(path, out var text)) _received[path] = text = new StringBuilder();
                    text.Append(Encoding.Latin1.GetString(body.ToArray()));
                }

                context.Response.ContentType = "application/x-protobuf";
                context.Response.Close();
            }
        }
    }
}
