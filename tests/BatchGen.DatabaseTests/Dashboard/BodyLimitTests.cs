using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Dashboard;

/// <summary>How long bodies may be, how many large ones are read at the same time, and how much of a request an answer repeats.</summary>
[Collection(DashboardHost.OneAtATime)]
public sealed class BodyLimitTests : IAsyncLifetime
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);
    private TestDatabase _database = null!;
    private DashboardHost _dashboard = null!;

    public async ValueTask InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        await _database.AddModelAsync();
        _dashboard = await DashboardHost.StartAsync(_database);
    }

    public async ValueTask DisposeAsync()
    {
        await _dashboard.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Theory]
    [InlineData("/login", 15_000, false)]
    [InlineData("/login", 16_385, true)]
    [InlineData("/logout", 16_385, true)]
    [InlineData("/jobs/cancel", 1_000_000, false)]
    [InlineData("/jobs/cancel", 1_048_577, true)]
    [InlineData("/queue/windows", 1_048_577, true)]
    [InlineData("/api/v1/jobs/cancel", 1_048_577, true)]
    [InlineData("/api/v1/workers/00000000-0000-0000-0000-000000000000/drain", 1_048_577, true)]
    [InlineData("/enqueue/list", 1_048_577, false)]
    [InlineData("/hangfire/recurring/trigger", 1_048_577, true)]
    public async Task A_body_above_the_limit_of_its_call_is_refused_with_413(string path, int length, bool refused)
    {
        using var client = await _dashboard.ClientAsync();
        var token = await DashboardHost.FormTokenAsync(client, "/login");
        var fields = "__RequestVerificationToken=" + Uri.EscapeDataString(token) + "&name=";
        foreach (var isAnnounced in (bool[])[true, false])
        {
            // Bodies without an announced length are cut off while they are read.
            var isCall = path.StartsWith("/api", StringComparison.Ordinal);
            var start = isCall ? "{\"job_ids\":[]" : fields;
            var body = start + new string(isCall ? ' ' : 'x', length - start.Length - 1) + (isCall ? '}' : 'x');
            using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body) };
            request.Content.Headers.ContentType = new(isCall ? "application/json" : "application/x-www-form-urlencoded");
            request.Headers.TransferEncodingChunked = !isAnnounced;
            // This call reads no body.
            if (!isAnnounced && path.Contains("/workers/", StringComparison.Ordinal)) continue;
            using var answer = await SendAsync(client, request);
            // The server closes the connection over the rest of a body that it cuts off, so that its answer may not be read any more.
            if (answer is null && refused && !isAnnounced) continue;
            Assert.NotNull(answer);
            Assert.Equal((isAnnounced, refused), (isAnnounced, answer.StatusCode == HttpStatusCode.RequestEntityTooLarge));
            if (refused)
                Assert.Contains("bytes that this call takes",
                    await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("/enqueue", "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"list\"\r\n\r\n", 400)]
    [InlineData("/api/v1/jobs", "application/json", "[", 408)]
    public async Task A_large_body_that_trickles_gives_its_place_up_to_others(string path, string type, string start, int status)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        using var socket = new TcpClient();
        await socket.ConnectAsync("127.0.0.1", _dashboard.Address.Port, limit.Token);
        await socket.GetStream().WriteAsync(Encoding.ASCII.GetBytes(
            $"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {type}\r\nContent-Length: 8000000\r\n\r\n{start}"), limit.Token);
        var answer = HeadAsync(socket, limit.Token);
        while (!answer.IsCompleted)
        {
            try
            {
                await socket.GetStream().WriteAsync(Encoding.ASCII.GetBytes(new string(' ', 400)), limit.Token);
            }
            catch (IOException)
            {
                break;
            }

            await Task.WhenAny(answer, Task.Delay(TimeSpan.FromSeconds(1), limit.Token));
        }

        // A form that was cut off has no valid token.
        Assert.StartsWith($"HTTP/1.1 {status} ", await answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/enqueue", "multipart/form-data; boundary=x", 8_000_000, 1 + 8)]
    [InlineData("/enqueue/list", "application/x-www-form-urlencoded", 8_000_000, 1 + 8)]
    [InlineData("/campaigns/schedules", "application/x-www-form-urlencoded", 8_000_000, 1 + 8)]
    [InlineData("/api/v1/jobs", "application/json", 8_000_000, 2 + 8)]
    [InlineData("/api/v1/jobs", "application/json", 46, 8 + 64)]
    [InlineData("/api/v1/jobs/cancel", "application/json", 46, 8 + 64)]
    public async Task Bodies_that_come_together_wait_unread_and_further_ones_are_told_to_come_later(
        string path, string type, int length, int taken)
    {
        using var client = await _dashboard.ClientAsync();
        using var limit = new CancellationTokenSource(Limit);
        var open = new List<TcpClient>();
        try
        {
            var answers = new List<Task<string>>();
            for (var i = 0; i < taken + 2; i++)
            {
                var socket = new TcpClient();
                open.Add(socket);
                await socket.ConnectAsync("127.0.0.1", _dashboard.Address.Port, limit.Token);
                await socket.GetStream().WriteAsync(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture,
                    $"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {type}\r\nContent-Length: {length}\r\n\r\n")),
                    limit.Token);
                answers.Add(HeadAsync(socket, limit.Token));
            }

            await Wait.UntilAsync("two requests have been answered", () => answers.Count(answer => answer.IsCompleted) == 2);
            foreach (var answer in answers.Where(answer => answer.IsCompleted))
            {
                Assert.StartsWith("HTTP/1.1 429 ", await answer, StringComparison.Ordinal);
                Assert.Contains("Retry-After: 30", await answer, StringComparison.Ordinal);
            }

            // Requests without a body are not counted.
            using var small = await client.GetAsync("/enqueue", limit.Token);
            Assert.Equal(HttpStatusCode.OK, small.StatusCode);
        }
        finally
        {
            open.ForEach(socket => socket.Dispose());
        }
    }

    [Fact]
    public async Task A_list_in_a_form_stands_for_at_most_100000_jobs()
    {
        using var client = await _dashboard.ClientAsync();
        var list = "prompt\n" + string.Concat(Enumerable.Repeat("a\n", 100_001));
        using var answer = await DashboardHost.PostFormAsync(client, "/enqueue", "/enqueue/list", ("list", list), ("action", "check"));
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains("the limit of the form is 100,000",
            await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET", "/api/v1/jobs?state=LONG", "")]
    [InlineData("GET", "/api/v1/jobs?before=LONG", "")]
    [InlineData("GET", "/api/v1/campaigns/LONG", "")]
    [InlineData("GET", "/api/v1/LONG", "")]
    [InlineData("POST", "/api/v1/workers/00000000-0000-0000-0000-000000000000/LONG", "")]
    [InlineData("POST", "/api/v1/jobs", """{"sampler":"LONG"}""")]
    [InlineData("POST", "/api/v1/jobs", """{"LONG":1}""")]
    [InlineData("POST", "/api/v1/jobs", """{"model":"LONG"}""")]
    [InlineData("POST", "/api/v1/jobs", """{"width":"LONG"}""")]
    public async Task A_value_of_5000_letters_is_shortened_in_the_answer(string method, string path, string body)
    {
        var value = new string('w', 5_000);
        using var client = await _dashboard.ClientAsync("operator");
        using var request = new HttpRequestMessage(new HttpMethod(method), path.Replace("LONG", value));
        if (body.Length > 0)
        {
            request.Content = new StringContent(body.Replace("LONG", value));
            request.Content.Headers.ContentType = new("application/json");
        }

        using var answer = await client.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Contains(answer.StatusCode, (HttpStatusCode[])[HttpStatusCode.BadRequest, HttpStatusCode.NotFound]);
        var problem = await answer.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        var detail = problem.GetProperty("detail").GetString()!;
        Assert.InRange(detail.Length, 20, 1_000);
        Assert.DoesNotContain(new string('w', 500), detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_value_of_5000_letters_is_shortened_in_the_message_of_a_form()
    {
        using var client = await _dashboard.ClientAsync();
        using var answer = await DashboardHost.PostFormAsync(
            client, "/enqueue", "/enqueue", ("prompt", "a"), ("sampler", new string('w', 5_000)), ("steps", new string('v', 5_000)));
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        var page = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        // Once in the box itself, so that it can be corrected.
        Assert.InRange(page.Count(letter => letter == 'v'), 5_000, 6_500);
    }

    private static async Task<HttpResponseMessage?> SendAsync(HttpClient client, HttpRequestMessage request)
    {
        try
        {
            return await client.SendAsync(request, TestContext.Current.CancellationToken);
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }

    private static async Task<string> HeadAsync(TcpClient socket, CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(socket.GetStream(), Encoding.ASCII, leaveOpen: true);
        var head = new StringBuilder();
        while (await reader.ReadLineAsync(cancellationToken) is { Length: > 0 } line) head.Append(line).Append('\n');
        return head.ToString();
    }
}
