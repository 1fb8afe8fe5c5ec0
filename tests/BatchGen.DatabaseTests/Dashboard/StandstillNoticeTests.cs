using System.Collections.Concurrent;
using System.Text.Json;
using BatchGen.Dashboard;
using BatchGen.Dashboard.Reports;
using BatchGen.Dashboard.Security;
using BatchGen.Dashboard.Standstills;
using BatchGen.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Dashboard;

/// <summary>A queue that stands still is said on every page, in the log, to the webhook, and by silence to the address of the dead man's
/// switch.</summary>
[Collection(DashboardHost.OneAtATime)]
public sealed class StandstillNoticeTests
{
    private static readonly string[] Pages =
        ["/", "/enqueue", "/queue", "/jobs", "/gallery", "/campaigns", "/weights", "/workers", "/models", "/jobs/1"];

    [Fact]
    public async Task Every_page_says_that_the_queue_stands_still_until_it_goes_on()
    {
        await using var database = await StandingAsync();
        await using var dashboard = await DashboardHost.StartAsync(database);
        using var client = await dashboard.ClientAsync("operator");
        await LookAsync(dashboard);
        foreach (var page in Pages)
        {
            var html = await client.GetStringAsync(page);
            Assert.True(html.Contains("No worker runs although jobs could run.", StringComparison.Ordinal), $"{page} says nothing");
        }

        // Strangers get pages with errors too, and learn nothing from them.
        using var stranger = await dashboard.ClientAsync();
        using var refused = await stranger.GetAsync("/queue?priority=%00");
        Assert.DoesNotContain("No worker runs", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);

        await database.AddWorkerAsync();
        await LookAsync(dashboard);
        foreach (var page in Pages)
            Assert.DoesNotContain("No worker runs although", await client.GetStringAsync(page), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Log_and_webhook_hear_of_each_change_once()
    {
        await using var database = await StandingAsync();
        var received = new ConcurrentQueue<(string Key, JsonElement Notice)>();
        await using var receiver = await ServeAsync(async request =>
        {
            var notice = await JsonSerializer.DeserializeAsync<JsonElement>(request.Body);
            if (notice.TryGetProperty("standstill", out _)) received.Enqueue((request.Headers["Idempotency-Key"].ToString(), notice));
            return StatusCodes.Status200OK;
        });
        var log = new RecordedLog();
        await using var dashboard = await DashboardHost.StartAsync(
            database, options => (options.RunRecurringWork, options.ReportWebhook) = (true, receiver.Urls.First()), log: log);
        await LookAsync(dashboard);
        await LookAsync(dashboard);
        await Wait.UntilAsync("the beginning was posted", () => !received.IsEmpty);
        await database.AddWorkerAsync();
        await LookAsync(dashboard);
        await LookAsync(dashboard);
        await Wait.UntilAsync("the end was posted", () => received.Count > 1);

        Assert.Equal(["began", "ended"], received.Select(post => post.Notice.GetProperty("state").GetString()));
        Assert.All(received, post => Assert.Equal("no_workers", post.Notice.GetProperty("standstill").GetString()));
        Assert.Equal(2, received.Select(post => post.Key).Distinct(StringComparer.Ordinal).Count());
        Assert.Single(log.Lines, line => line.StartsWith("The queue stands still since ", StringComparison.Ordinal));
        Assert.Single(log.Lines, line => line.StartsWith("The queue goes on; ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_notice_that_fails_for_an_unknown_reason_is_tried_again_and_the_notifier_goes_on()
    {
        var received = new ConcurrentQueue<string>();
        await using var receiver = await ServeAsync(async request =>
        {
            using var body = new StreamReader(request.Body);
            received.Enqueue(await body.ReadToEndAsync(TestContext.Current.CancellationToken));
            return StatusCodes.Status200OK;
        });
        // No address at all, which the check at start would have refused.
        var options = new DashboardOptions { RunRecurringWork = true, ReportWebhook = "http://[" };
        var (log, clock) = (new RecordedLog(), new FakeTimeProvider());
        using var logging = new LoggerFactory([log]);
        using var notifier = new StandstillNotifier(
            new ReportWebhook(options, logging.CreateLogger<ReportWebhook>()), options, clock,
            logging.CreateLogger<StandstillNotifier>());
        await notifier.StartAsync(TestContext.Current.CancellationToken);
        notifier.Add(new StandstillNotice("No worker runs.", "no_workers", "began", DateTimeOffset.UnixEpoch, null, null));
        await log.UntilAsync(
            "The notice 'No worker runs.' could not be posted because of an error that is not known",
            TestContext.Current.CancellationToken);
        options.ReportWebhook = receiver.Urls.First();
        await Wait.UntilAsync(
            "the notice was posted",
            () =>
            {
                clock.Advance(TimeSpan.FromSeconds(10));
                return !received.IsEmpty;
            },
            cancellationToken: TestContext.Current.CancellationToken);
        Assert.Contains("no_workers", Assert.Single(received), StringComparison.Ordinal);
        await notifier.StopAsync(TestContext.Current.CancellationToken);
        Assert.True(notifier.ExecuteTask!.IsCompletedSuccessfully);
    }

    [Fact]
    public async Task The_dead_mans_switch_is_called_only_while_all_is_well()
    {
        await using var database = await StandingAsync();
        var calls = 0;
        var answer = StatusCodes.Status200OK;
        await using var receiver = await ServeAsync(_ =>
        {
            calls++;
            return Task.FromResult(answer);
        });
        var log = new RecordedLog();
        await using var dashboard = await DashboardHost.StartAsync(
            database, options => options.DeadMansSwitchUrl = receiver.Urls.First() + "/ping/1", log: log);
        var alarm = dashboard.Services.GetRequiredService<DeadMansSwitch>();
        await LookAsync(dashboard);
        Assert.False(await alarm.PingAsync(CancellationToken.None));
        Assert.Equal(0, calls);

        await database.AddWorkerAsync();
        await LookAsync(dashboard);
        Assert.True(await alarm.PingAsync(CancellationToken.None));
        Assert.Equal(1, calls);

        // A receiver that fails is logged once, however long it fails.
        answer = StatusCodes.Status503ServiceUnavailable;
        Assert.False(await alarm.PingAsync(CancellationToken.None));
        Assert.False(await alarm.PingAsync(CancellationToken.None));
        Assert.Single(log.Lines, line => line.Contains("could not be called", StringComparison.Ordinal));
        answer = StatusCodes.Status200OK;
        Assert.True(await alarm.PingAsync(CancellationToken.None));
        Assert.Single(log.Lines, line => line.Contains("is called again", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("hc-ping.com/1")]
    [InlineData("file:///etc/passwd")]
    public async Task An_address_that_cannot_be_called_is_refused_at_start(string address)
    {
        await using var database = await TestDatabase.CreateAsync();
        var refused = await Assert.ThrowsAsync<DashboardException>(
            () => DashboardHost.StartAsync(database, options => options.DeadMansSwitchUrl = address));
        Assert.StartsWith($"BatchGen:Dashboard:DeadMansSwitchUrl: '{address}' is no address", refused.Message, StringComparison.Ordinal);
    }

    // A job waits and no worker runs.
    private static async Task<TestDatabase> StandingAsync()
    {
        var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync(native: 64);
        await database.SubmitAsync("");
        await database.SqlAsync("update jobs set run_at = now() - interval '5 minutes'");
        return database;
    }

    private static Task LookAsync(DashboardHost dashboard) =>
        dashboard.Services.GetRequiredService<StandstillWatch>().LookAsync(CancellationToken.None);

    private static async Task<WebApplication> ServeAsync(Func<HttpRequest, Task<int>> answer)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var server = builder.Build();
        server.Urls.Add("http://127.0.0.1:0");
        server.MapPost("/{**path}", async context => context.Response.StatusCode = await answer(context.Request));
        await server.StartAsync();
        return server;
    }
}
