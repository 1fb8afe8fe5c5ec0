using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using BatchGen.Testing;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace BatchGen.DatabaseTests.Dashboard;

/// <summary>Values that no page sends are answered with 400 or 404 and a sentence, never with 500 or a stack trace in the log.</summary>
[Collection(DashboardHost.OneAtATime)]
public sealed partial class OddValueTests : IAsyncLifetime
{
    private readonly Lines _log = new();
    private TestDatabase _database = null!;
    private DashboardHost _dashboard = null!;
    private HttpClient _client = null!;

    public async ValueTask InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        await _database.AddModelAsync();
        await _database.SubmitAsync("");
        // Where midnight of the last day is after the end of the calendar in UTC.
        _dashboard = await DashboardHost.StartAsync(_database, options => options.TimeZone = "America/New_York", log: _log);
        _client = await _dashboard.ClientAsync("operator");
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _dashboard.DisposeAsync();
        await _database.DisposeAsync();
        _log.Dispose();
    }

    [Theory]
    [InlineData("%00")]
    [InlineData("a%0D%0AX-Injected:%201")]
    [InlineData("%1b[31m")]
    [InlineData("%7f")]
    [InlineData("%C2%85")]
    public async Task Control_characters_in_the_query_of_any_page_or_call_are_answered_with_400(string value)
    {
        var endpoints = _dashboard.Services.GetRequiredService<IEnumerable<EndpointDataSource>>().SelectMany(source => source.Endpoints);
        var paths = endpoints.OfType<RouteEndpoint>()
            .Where(endpoint => endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods.Contains("GET") ?? true)
            .Select(endpoint => "/" + Parameter().Replace(endpoint.RoutePattern.RawText!, "1").Trim('/'))
            .Distinct(StringComparer.Ordinal).ToArray();
        Assert.Contains("/login", paths);
        foreach (var path in paths)
        {
            foreach (var name in (string[])["return", "back", "note", "campaign", "x" + value])
            {
                using var answer = await _client.GetAsync($"{path}?{name}={value}", TestContext.Current.CancellationToken);
                Assert.Equal((path, name, HttpStatusCode.BadRequest), (path, name, answer.StatusCode));
                Assert.Contains("control character",
                    await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
            }
        }

        Assert.Empty(_log.Written);
    }

    [Theory]
    [InlineData("/login", "/login", "return", "/\n/evil.example")]
    [InlineData("/login", "/login", "return", "/jobs\0")]
    [InlineData("/jobs", "/jobs/cancel", "back", "/jobs?text=\u0001")]
    [InlineData("/jobs", "/jobs/retry", "back", "/jobs\r\nX: 1")]
    public async Task Control_characters_in_the_address_that_a_form_leads_back_to_are_answered_with_400(
        string page, string path, string field, string value)
    {
        using var local = await _dashboard.ClientAsync();
        using var answer = await DashboardHost.PostFormAsync(local, page, path, (field, value), ("name", "otto"), ("password", "wrong"));
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains("control character",
            await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Empty(_log.Written);
    }

    [Theory]
    [InlineData("/gallery?day=9999-12-31")]
    [InlineData("/gallery?day=0001-01-01")]
    [InlineData("/gallery/zip?day=9999-12-31")]
    [InlineData("/gallery/1?day=9999-12-31")]
    [InlineData("/gallery?day=10000-01-01")]
    [InlineData("/queue?priority=99999999999")]
    [InlineData("/campaigns?before=x")]
    [InlineData("/api/v1/jobs?before=x")]
    [InlineData("/api/v1/jobs?before=0")]
    [InlineData("/api/v1/jobs?before=99999999999999999999")]
    [InlineData("/api/v1/jobs?limit=0")]
    [InlineData("/api/v1/jobs?limit=1001")]
    [InlineData("/api/v1/results?limit=-1")]
    [InlineData("/api/v1/campaigns?limit=0")]
    [InlineData("/api/v1/campaigns?before=99999999999")]
    [InlineData("/api/v1/jobs/abc")]
    [InlineData("/api/v1/jobs/99999999999999999999")]
    [InlineData("/api/v1/jobs/1/picture")]
    public async Task Dates_at_the_end_of_time_and_numbers_out_of_range_are_answered_with_a_sentence(string path)
    {
        if (path.StartsWith("/gallery/1", StringComparison.Ordinal)) await DrawAsync();
        using var answer = await _client.GetAsync(path, TestContext.Current.CancellationToken);
        Assert.Contains(answer.StatusCode, (HttpStatusCode[])[HttpStatusCode.BadRequest, HttpStatusCode.NotFound]);
        if (path.StartsWith("/api", StringComparison.Ordinal))
        {
            var detail = (await answer.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("detail");
            Assert.Matches("expected|There is no", detail.GetString());
            Assert.DoesNotContain("Nullable", detail.GetString(), StringComparison.Ordinal);
        }

        Assert.Empty(_log.Written);
    }

    [Theory]
    [InlineData("run_at", "9999-12-31T23:59:59")]
    [InlineData("run_at", "9999-12-31T23:59:59.9999999-05:00")]
    [InlineData("deadline", "9999-12-31T23:59")]
    [InlineData("deadline", "99999-01-01")]
    public async Task A_time_at_the_end_of_the_calendar_in_a_form_is_answered_with_400(string field, string time)
    {
        using var local = await _dashboard.ClientAsync();
        using var answer = await DashboardHost.PostFormAsync(
            local, "/enqueue", "/enqueue", ("prompt", "a"), (field, time), ("action", "submit"));
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains("is not a time",
            WebUtility.HtmlDecode(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)), StringComparison.Ordinal);
        Assert.Empty(_log.Written);
    }

    [Theory]
    [InlineData(180, HttpStatusCode.Created)]
    [InlineData(181, HttpStatusCode.BadRequest)]
    [InlineData(5_000, HttpStatusCode.BadRequest)]
    public async Task An_Idempotency_Key_has_at_most_180_letters(int length, HttpStatusCode expected)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/jobs");
        request.Content = JsonContent.Create(new[] { new { }, new { } });
        request.Headers.Add("Idempotency-Key", new string('k', length));
        using var answer = await _client.SendAsync(request, TestContext.Current.CancellationToken);
        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.Equal(expected, answer.StatusCode);
        if (expected == HttpStatusCode.BadRequest)
            Assert.Contains("Idempotency-Key: expected at most 180 letters", text, StringComparison.Ordinal);
    }

    private async Task DrawAsync() => await _database.FinishAsync((await _database.ClaimAsync(await _database.AddWorkerAsync()))!);

    [GeneratedRegex(@"\{[^}]*\}")]
    private static partial Regex Parameter();

    [Fact]
    public async Task A_database_that_does_not_serve_is_one_log_line_for_many_requests_and_no_stack_trace()
    {
        await _database.SqlAsync($"alter schema {_database.Schema} rename to {_database.Schema}_away");
        try
        {
            for (var i = 0; i < 5; i++)
            {
                using var answer = await _client.GetAsync("/jobs", TestContext.Current.CancellationToken);
                Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
            }

            Assert.Single(_log.Written, line => line.Contains("Requests are answered with 503", StringComparison.Ordinal));
            Assert.DoesNotContain(_log.Written, line => line.Contains("FailurePages", StringComparison.Ordinal)
                || line.Contains("An unhandled exception", StringComparison.Ordinal));
        }
        finally
        {
            await _database.SqlAsync($"alter schema {_database.Schema}_away rename to {_database.Schema}");
        }
    }

    private sealed class Lines : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<string> Written { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel)) Written.Enqueue($"{formatter(state, exception)} {exception}");
        }

        public void Dispose() => Written.Clear();
    }
}
