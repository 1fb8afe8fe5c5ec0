using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Dashboard;

/// <summary>Submitting through the HTTP API: which bodies are accepted, and that large ones are refused before they take memory.</summary>
[Collection(DashboardHost.OneAtATime)]
public sealed class ApiSubmitTests : IAsyncLifetime
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);
    private TestDatabase _database = null!;
    private DashboardHost _dashboard = null!;
    private HttpClient _client = null!;

    public async ValueTask InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        await _database.AddModelAsync();
        _dashboard = await DashboardHost.StartAsync(_database);
        _client = await _dashboard.ClientAsync("submitter", "default");
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _dashboard.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task A_json_body_above_64_MiB_is_refused_by_its_announced_length()
    {
        // Only the head is sent: the refusal must not wait for the body.
        var answer = await ExchangeAsync("application/json", "Content-Length: 67108865\r\n", "");
        Assert.StartsWith("HTTP/1.1 413 ", answer, StringComparison.Ordinal);
        Assert.Contains("application/x-ndjson", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_line_is_refused_as_soon_as_it_is_too_long()
    {
        // The body never ends: the answer has to come before the end of the line.
        var answer = await ExchangeAsync(
            "application/x-ndjson", "Transfer-Encoding: chunked\r\n", "{\"prompt\":\"first\"}\n" + new string(' ', 4_000_001));
        Assert.StartsWith("HTTP/1.1 400 ", answer, StringComparison.Ordinal);
        Assert.Contains("Line 2 is longer than 4,000,000 bytes", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_array_of_more_than_100000_jobs_is_refused_whole()
    {
        using var answer = await PostAsync("application/json", "[" + string.Join(',', Enumerable.Repeat("{}", 100_001)) + "]");
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
        Assert.Equal(0, (await _database.Catalog.CountAsync(null, TestContext.Current.CancellationToken)).Total);
    }

    [Theory]
    [InlineData("application/json", """{"prompt":"a","prompt":"b"}""", "1")]
    [InlineData("application/json", """[{"prompt":"a","prompt":"b"}, {}]""", "1 2")]
    [InlineData("application/x-ndjson", "{\"prompt\":\"a\",\"prompt\":\"b\"}\r\n\r\n  { }\r\n", "1 2")]
    public async Task The_last_value_of_a_property_given_twice_counts_also_with_an_idempotency_key(
        string type, string body, string expected)
    {
        for (var i = 0; i < 2; i++)
        {
            using var answer = await PostAsync(type, body, "order 7 \"quoted\"");
            Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
            Assert.Equal(expected, await IdsAsync(answer));
        }

        Assert.Equal("b", await _database.SqlAsync<string>("select recipe ->> 'prompt' from job_recipes where job_id = 1"));
    }

    [Fact]
    public async Task The_idempotency_key_of_a_job_wins_over_that_of_the_header()
    {
        using var first = await PostAsync("application/json", """{"idempotency_key":"own"}""", "header");
        using var second = await PostAsync(
            "application/x-ndjson", "{\"idempotency_key\":\"own\"}\n{\"prompt\":\"{\\\"idempotency_key\\\":1}\"}\n", "header");
        Assert.Equal("1", await IdsAsync(first));
        Assert.StartsWith("1 ", await IdsAsync(second), StringComparison.Ordinal);
        Assert.Equal("header/2 own", await _database.SqlAsync<string>("select string_agg(key, ' ' order by key) from idempotency_keys"));
    }

    [Theory]
    [InlineData("application/json", "[{\"prompt\":\"a\"},")]
    [InlineData("application/json", "{\"prompt\":\"a\"} {}")]
    [InlineData("application/json", "7")]
    [InlineData("application/json", "")]
    [InlineData("application/json", "[1]")]
    [InlineData("application/json", "{\"prompt\":\"\u00ff")]
    [InlineData("application/x-ndjson", "{\"prompt\":")]
    [InlineData("application/x-ndjson", "{} {}")]
    [InlineData("application/x-ndjson", "[{}]")]
    public async Task A_body_that_is_not_a_job_is_refused_whole(string type, string body)
    {
        foreach (var key in new[] { null, "key" })
        {
            using var answer = await PostAsync(type, body, key);
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
            Assert.Equal("Jobs were refused", (await answer.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken))
                .GetProperty("title").GetString());
        }

        Assert.Equal(0, (await _database.Catalog.CountAsync(null, TestContext.Current.CancellationToken)).Total);
    }

    [Theory]
    [InlineData("application/json", "[{\"prompt\":\"", "\"}]")]
    [InlineData("application/x-ndjson", "{\"prompt\":\"", "\"}\n")]
    public async Task Text_that_is_not_utf8_or_holds_a_nul_is_refused(string type, string before, string after)
    {
        foreach (var middle in new byte[][] { [0xff], [0], "\\u0000"u8.ToArray() })
        {
            using var body = new ByteArrayContent([.. Encoding.UTF8.GetBytes(before), .. middle, .. Encoding.UTF8.GetBytes(after)]);
            body.Headers.ContentType = new(type);
            using var answer = await _client.PostAsync("/api/v1/jobs", body, TestContext.Current.CancellationToken);
            Assert.Equal((Convert.ToHexString(middle), HttpStatusCode.BadRequest), (Convert.ToHexString(middle), answer.StatusCode));
        }
    }

    [Fact]
    [CoversRoute("POST /api/v1/jobs")]
    public async Task Thousands_of_lines_keep_their_order_and_a_byte_order_mark_is_ignored()
    {
        var lines = "\uFEFF"
            + string.Concat(Enumerable.Range(0, 12_345).Select(i => $"{{\"prompt\":\"né {i}\"}}{(i % 2 == 0 ? "\n" : "\r\n")}"));
        using var answer = await PostAsync("application/x-ndjson", lines[..^1]);
        var ids = (await IdsAsync(answer)).Split(' ');
        Assert.Equal(12_345, ids.Length);
        Assert.Equal("né 12344", await _database.SqlAsync<string>(
            "select recipe ->> 'prompt' from job_recipes where job_id = $1",
            long.Parse(ids[^1], System.Globalization.CultureInfo.InvariantCulture)));
    }

    private async Task<HttpResponseMessage> PostAsync(string type, string body, string? key = null)
    {
        using var request =
            new HttpRequestMessage(HttpMethod.Post, "/api/v1/jobs") { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)) };
        request.Content.Headers.ContentType = new(type);
        if (key is not null) request.Headers.Add("Idempotency-Key", key);
        return await _client.SendAsync(request, TestContext.Current.CancellationToken);
    }

    private static async Task<string> IdsAsync(HttpResponseMessage answer) =>
        string.Join(' ',
            (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("job_ids").EnumerateArray().Select(id => id.GetInt64()));

    // Sends the head and the start of a body that never ends, and reads the answer.
    private async Task<string> ExchangeAsync(string type, string length, string body)
    {
        using var limit = new CancellationTokenSource(Limit);
        using var socket = new TcpClient();
        await socket.ConnectAsync("127.0.0.1", _client.BaseAddress!.Port, limit.Token);
        var stream = socket.GetStream();
        var chunk = body.Length == 0 ? "" : $"{body.Length:x}\r\n{body}\r\n";
        await stream.WriteAsync(Encoding.UTF8.GetBytes(
            "POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                + $"Authorization: {_client.DefaultRequestHeaders.Authorization}\r\nContent-Type: {type}\r\n{length}\r\n{chunk}"),
                limit.Token);
        using var reader = new StreamReader(stream, Encoding.UTF8);
        var answer = new StringBuilder();
        var letters = new char[4096];
        // Reads up to the end of the JSON only: the server may keep the connection open while it waits for the rest of the body.
        while (!answer.ToString().Contains('}') && await reader.ReadAsync(letters, limit.Token) is > 0 and var read)
            answer.Append(letters.AsSpan(0, read));
        return answer.ToString();
    }
}
