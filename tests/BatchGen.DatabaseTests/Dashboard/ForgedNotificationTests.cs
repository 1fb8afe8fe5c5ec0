using System.Net.ServerSentEvents;
using BatchGen.DatabaseTests.Signals;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Dashboard;

/// <summary>Notifications that somebody else sends neither end the dashboard nor reach its listeners.</summary>
[Collection(DashboardHost.OneAtATime)]
public sealed class ForgedNotificationTests
{
    [Theory]
    [InlineData("x")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("""{"state": "succeeded", "count": 1, "job_ids": [1]}""")]
    public async Task Listeners_hear_of_the_next_job_that_ends_after_a_forged_notification_and_of_nothing_before(string payload)
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync();
        var ids = await database.SubmitAsync("", "");
        await using var dashboard = await DashboardHost.StartAsync(database);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        using var client = await dashboard.ClientAsync("viewer");
        using var answer = await client.GetAsync("/api/v1/events/jobs", HttpCompletionOption.ResponseHeadersRead, limit.Token);
        await using var body = await answer.Content.ReadAsStreamAsync(limit.Token);
        await using var events = SseParser.Create(body).EnumerateAsync(limit.Token).GetAsyncEnumerator(limit.Token);
        Assert.True(await events.MoveNextAsync());
        Assert.Equal("listening", events.Current.EventType);

        await EndedJobsTests.NotifyAsAnybodyAsync(database, payload);
        await database.Actions.CancelAsync([ids[1]], CancellationToken.None);

        // A ping is about no job; the dashboard sends one when it has begun to listen, also to whoever came just before.
        do Assert.True(await events.MoveNextAsync());
        while (events.Current.EventType == "ping");
        Assert.Equal("ended", events.Current.EventType);
        Assert.Contains($"\"id\":{ids[1]},\"state\":\"cancelled\"", events.Current.Data, StringComparison.Ordinal);
    }
}
