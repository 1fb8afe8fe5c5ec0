using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using BatchGen.Core.Jobs;
using BatchGen.Dashboard;
using BatchGen.Imaging;
using BatchGen.Queue;
using BatchGen.Testing;
using Npgsql;
using Xunit;

namespace BatchGen.DatabaseTests.Dashboard;

/// <summary>A transaction that somebody leaves open keeps neither the dashboard's connections nor other callers.</summary>
[Collection(DashboardHost.OneAtATime)]
public sealed class BlockedCallTests : IAsyncLifetime
{
    private const int Calls = 40;
    private const long ServedOfCaller = 8;

    private TestDatabase _database = null!;
    private DashboardHost _dashboard = null!;
    private NpgsqlConnection _open = null!;

    public async ValueTask InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        await _database.AddModelAsync();
        _dashboard = await DashboardHost.StartAsync(_database);
        _open = await _database.ConnectAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _open.DisposeAsync();
        await _dashboard.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task Many_submits_into_a_campaign_that_an_open_transaction_keeps_take_few_connections_and_end_with_503()
    {
        await LeaveOpenAsync("""select submit_jobs('[{"prompt":"x","campaign":"blk"}]')""");
        using var client = await _dashboard.ClientAsync("submitter", "default");
        using var viewer = await _dashboard.ClientAsync("viewer");
        var calls = Enumerable.Range(0, Calls).Select(_ => SubmitAsync(client)).ToArray();
        var most = await Wait.UntilAsync("calls wait for the transaction", WaitingAsync, waiting => waiting >= ServedOfCaller);
        while (!calls.Any(call => call.IsCompleted))
        {
            // Pages are served meanwhile.
            using var page = await viewer.GetAsync("/jobs", TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.OK, page.StatusCode);
            most = Math.Max(most, await WaitingAsync());
        }

        Assert.Equal(ServedOfCaller, most);
        using var answer = await calls.First(call => call.IsCompleted);
        await AssertBlockedAsync(answer, "keeps the campaign or an idempotency key of these jobs");

        await _open.CloseAsync();
        foreach (var call in calls)
        {
            using var later = await call;
            Assert.Contains(later.StatusCode, (HttpStatusCode[])[HttpStatusCode.Created, HttpStatusCode.ServiceUnavailable]);
        }

        Task<long> WaitingAsync() => _database.SqlAsync<long>(
            "select count(*) from pg_stat_activity where application_name = $1 and wait_event_type = 'Lock'", _database.Name);
    }

    [Fact]
    public async Task A_stream_that_an_open_transaction_blocks_says_how_many_jobs_were_submitted()
    {
        await LeaveOpenAsync("""select submit_jobs('[{"prompt":"x","idempotency_key":"k"}]')""");
        using var client = await _dashboard.ClientAsync("submitter", "default");
        using var lines = new StringContent("""{"prompt":"x","idempotency_key":"k"}""", new MediaTypeHeaderValue("application/x-ndjson"));
        using var answer = await client.PostAsync("/api/v1/jobs", lines, TestContext.Current.CancellationToken);
        await AssertBlockedAsync(answer, "keeps the campaign or an idempotency key of these jobs");
        var problem = await answer.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        Assert.Equal(0, problem.GetProperty("submitted").GetInt32());
    }

    [Fact]
    public async Task A_cancel_of_a_job_that_an_open_transaction_keeps_ends_with_503_and_so_does_a_page()
    {
        await _database.SubmitAsync("");
        await LeaveOpenAsync("select cancel_jobs(array[1])");
        using var client = await _dashboard.ClientAsync("submitter", "default");
        using var person = await _dashboard.ClientAsync();
        var form = DashboardHost.PostFormAsync(person, "/jobs", "/jobs/cancel", ("ids", "1"));
        using var call = await client.PostAsJsonAsync(
            "/api/v1/jobs/cancel", new { job_ids = (int[])[1] }, TestContext.Current.CancellationToken);
        await AssertBlockedAsync(call, "keeps one of these jobs");
        using var page = await form;
        await AssertBlockedAsync(page, "keeps one of these jobs");
    }

    [Fact]
    public async Task A_start_image_whose_tenant_an_open_transaction_keeps_ends_with_503()
    {
        await LeaveOpenAsync($"select keep_start_image('{new string('a', 64)}.png', 10, 1000)");
        using var client = await _dashboard.ClientAsync("submitter", "default");
        using var image = new ByteArrayContent(ImageEncoder.Encode(new PixelImage(8, 8, new byte[8 * 8 * 3]), ImageFormat.Png));
        image.Headers.ContentType = new("image/png");
        using var answer = await client.PostAsync("/api/v1/start-images", image, TestContext.Current.CancellationToken);
        await AssertBlockedAsync(answer, "keeps this start image or another one of its tenant");
    }

    [Theory]
    [InlineData("Host=a", 50)]
    [InlineData("Host=a;Minimum Pool Size=60", 60)]
    [InlineData("Host=a;Maximum Pool Size=7", 7)]
    [InlineData("Host=a;maxpoolsize=100", 100)]
    public void A_pool_is_limited_where_the_connection_string_does_not_say_it(string connectionString, int expected) => Assert.Equal(
        expected, new NpgsqlConnectionStringBuilder(ConnectionPools.Limit(connectionString, ConnectionPools.OfPages)).MaxPoolSize);

    // With its length, as most programs send a small body: one without counts as large.
    private static async Task<HttpResponseMessage> SubmitAsync(HttpClient client)
    {
        using var body = new StringContent("""{"prompt":"x","campaign":"blk"}""", new MediaTypeHeaderValue("application/json"));
        return await client.PostAsync("/api/v1/jobs", body, TestContext.Current.CancellationToken);
    }

    private async Task LeaveOpenAsync(string statement)
    {
        await using var command = new NpgsqlCommand("begin; " + statement, _open);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    private static async Task AssertBlockedAsync(HttpResponseMessage answer, string what)
    {
        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, LockWait.Limit), (answer.StatusCode, answer.Headers.RetryAfter?.Delta));
        Assert.Contains("Another transaction " + what, WebUtility.HtmlDecode(text), StringComparison.Ordinal);
    }
}
