using System.Net;
using System.Text;
using BatchGen.Dashboard.Live;
using BatchGen.Dashboard.Monitoring;
using BatchGen.Dashboard.Standstills;
using BatchGen.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Dashboard;

/// <summary>The stream of open pages: the present state when they connect, and from then on every change.</summary>
[Collection(DashboardHost.OneAtATime)]
public sealed class LiveTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    // More ticks than a viewer may leave unread.
    private const int Many = 20;

    [Fact]
    public async Task The_hub_goes_on_after_an_error_that_it_does_not_know()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var dashboard = await DashboardHost.StartAsync(database);
        // Of the source alone: the hub's own loop has to go on telling the time.
        var failing = new FailingClock();
        var clock = new FakeTimeProvider(DashboardHost.Now);
        var log = new RecordedLog();
        using var logging = LoggerFactory.Create(builder => builder.AddProvider(log));
        using var source = ActivatorUtilities.CreateInstance<LiveSource>(dashboard.Services, failing);
        using var hub = ActivatorUtilities.CreateInstance<LiveHub>(
            dashboard.Services, source, logging.CreateLogger<LiveHub>(), clock);
        await hub.StartAsync(TestContext.Current.CancellationToken);
        await log.UntilAsync("an error that is not known", TestContext.Current.CancellationToken);
        var viewer = hub.SubscribeAsync(TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        var first = viewer.MoveNextAsync().AsTask();
        await Wait.UntilAsync(
            "the loop met the error too", () => log.Lines.Count >= 2, cancellationToken: TestContext.Current.CancellationToken);

        failing.Fails = false;
        Assert.Contains("event: summary", await NextAsync(viewer, first, clock), StringComparison.Ordinal);
        Assert.False(hub.ExecuteTask!.IsCompleted);
        await viewer.DisposeAsync();
        await hub.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_second_viewer_first_receives_the_present_state()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync();
        await database.SubmitAsync("", "");
        await using var dashboard = await DashboardHost.StartAsync(database);
        using var client = await dashboard.ClientAsync("viewer");
        using var first = await ReaderAsync(client, "/live");
        await ReadUntilAsync(first, "event: changed");
        using var second = await ReaderAsync(client, "/live");
        var heard = await ReadUntilAsync(second, "event: changed");
        foreach (var part in (string[])["summary", "workers", "newest", "checkpoints"]) Assert.Contains("event: " + part, heard);
        Assert.Equal("data: 2 0 0 0 0 0", await second.ReadLineAsync());
        using var listener = await ReaderAsync(client, "/api/v1/events");
        Assert.Equal("event: counts", (await ReadUntilAsync(listener, "event: counts"))[^1]);
    }

    [Fact]
    public async Task A_listener_to_counts_is_pinged_while_other_parts_of_the_page_change_and_no_count_does()
    {
        await using var database = await TestDatabase.CreateAsync();
        var clock = new FakeTimeProvider(DashboardHost.Now);
        await using var dashboard = await DashboardHost.StartAsync(database, clock: clock);
        using var client = await dashboard.ClientAsync("viewer");
        using var listener = await ReaderAsync(client, "/api/v1/events");
        await ReadUntilAsync(listener, "event: counts");
        var ping = ReadUntilAsync(listener, "event: ping");
        for (var second = 0; second < 10 * Many && !ping.IsCompleted; second++)
        {
            await database.AddWorkerAsync("worker " + second);
            clock.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.DoesNotContain("event: counts", await ping);
    }

    [Theory]
    [InlineData("/live", 64)]
    [InlineData("/api/v1/events", 16)]
    [InlineData("/api/v1/events/jobs", 16)]
    public async Task A_stream_beyond_the_limit_of_one_caller_is_refused_and_another_caller_gets_one(string path, int most)
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var dashboard = await DashboardHost.StartAsync(database);
        using var client = await dashboard.ClientAsync("viewer");
        using var other = await dashboard.ClientAsync("viewer");
        var open = new List<HttpResponseMessage>();
        for (var i = 0; i < most; i++)
        {
            open.Add(await OpenAsync(client, path));
            Assert.Equal((i, HttpStatusCode.OK), (i, open[^1].StatusCode));
        }

        using var refused = await OpenAsync(client, path);
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.NotNull(refused.Headers.RetryAfter);
        using var elsewhere = await OpenAsync(other, path);
        Assert.Equal(HttpStatusCode.OK, elsewhere.StatusCode);
        // A stream that ended makes room.
        open[0].Dispose();
        await Wait.UntilAsync("a stream is taken again", async () =>
        {
            using var next = await OpenAsync(client, path);
            return next.StatusCode == HttpStatusCode.OK;
        });
        open.ForEach(answer => answer.Dispose());
    }

    [Fact]
    public async Task A_viewer_that_left_many_changes_unread_receives_everything_once_more()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync();
        var clock = new FakeTimeProvider(DashboardHost.Now);
        await using var dashboard = await DashboardHost.StartAsync(database, clock: clock);
        var hub = dashboard.Services.GetRequiredService<LiveHub>();
        await using var slow = hub.SubscribeAsync(TestContext.Current.CancellationToken)
            .GetAsyncEnumerator(TestContext.Current.CancellationToken);
        await using var quick = hub.SubscribeAsync(TestContext.Current.CancellationToken)
            .GetAsyncEnumerator(TestContext.Current.CancellationToken);
        await Task.WhenAll(NextAsync(slow, clock), NextAsync(quick, clock));
        for (var change = 0; change < Many; change++)
        {
            await database.SubmitAsync("");
            await NextAsync(quick, clock);
        }

        // Checkpoints did not change, so only a tick with everything has them.
        var heard = "";
        for (var tick = 0; tick < 2 * Many && !heard.Contains("event: checkpoints", StringComparison.Ordinal); tick++)
            heard = await NextAsync(slow, clock);
        Assert.Contains("event: checkpoints", heard, StringComparison.Ordinal);
        Assert.Contains($"data: {Many} 0 0 0 0 0", heard, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_hub_asks_the_database_nothing_after_all_viewers_have_left()
    {
        await using var database = await TestDatabase.CreateAsync();
        var clock = new FakeTimeProvider(DashboardHost.Now);
        await using var dashboard = await DashboardHost.StartAsync(database, clock: clock);
        // What looks at the database every few seconds, also when nobody looks at pages.
        foreach (var service in dashboard.Services.GetServices<IHostedService>())
            if (service is QueueMonitor or StandstillWatch) await service.StopAsync(TestContext.Current.CancellationToken);
        var hub = dashboard.Services.GetRequiredService<LiveHub>();
        var viewers = Enumerable.Range(0, 5).Select(_ =>
            hub.SubscribeAsync(TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken)).ToArray();
        await Task.WhenAll(viewers.Select(viewer => NextAsync(viewer, clock)));
        foreach (var viewer in viewers) await viewer.DisposeAsync();
        var left = await database.SqlAsync<DateTime>("select clock_timestamp()");
        for (var second = 0; second < Many; second++)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            await database.SqlAsync("select 1"); // Takes as long as the hub would need to look.
        }

        // The connections of the queue carry the name of the database, those of the statements above another one.
        Assert.Equal(0L, await database.SqlAsync<long>(
            "select count(*) from pg_stat_activity where application_name = $1 and query_start > $2", database.Name, left));
    }

    // Advances the clock until the viewer receives a tick.
    private static Task<string> NextAsync(IAsyncEnumerator<LiveTick> viewer, FakeTimeProvider clock) =>
        NextAsync(viewer, viewer.MoveNextAsync().AsTask(), clock);

    private static async Task<string> NextAsync(IAsyncEnumerator<LiveTick> viewer, Task<bool> next, FakeTimeProvider clock)
    {
        await Wait.UntilAsync("the viewer has received a tick", () =>
        {
            if (!next.IsCompleted) clock.Advance(TimeSpan.FromSeconds(1));
            return next.IsCompleted;
        });
        Assert.True(await next);
        return Encoding.UTF8.GetString(viewer.Current.Page.Span);
    }

    private static Task<HttpResponseMessage> OpenAsync(HttpClient client, string path) =>
        client.GetAsync(path, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);

    private static async Task<StreamReader> ReaderAsync(HttpClient client, string path) =>
        new(await client.GetStreamAsync(path, TestContext.Current.CancellationToken));

    private static async Task<List<string>> ReadUntilAsync(StreamReader reader, string wanted)
    {
        using var limit = new CancellationTokenSource(Limit);
        var lines = new List<string>();
        while (lines.Count == 0 || lines[^1] != wanted)
            lines.Add(await reader.ReadLineAsync(limit.Token) ?? throw new EndOfStreamException($"ended before '{wanted}'"));
        return lines;
    }

    /// <summary>A clock that cannot say the time, as no database and no page ever fails.</summary>
    private sealed class FailingClock() : FakeTimeProvider(DashboardHost.Now)
    {
        private volatile bool _fails = true;

        public bool Fails
        {
            set => _fails = value;
        }

        public override DateTimeOffset GetUtcNow() => _fails ? throw new InvalidOperationException("no time") : base.GetUtcNow();
    }
}
