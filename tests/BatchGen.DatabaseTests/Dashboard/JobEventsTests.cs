using System.Net;
using System.Net.ServerSentEvents;
using System.Text.Json;
using BatchGen.Core.Jobs;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Dashboard;

/// <summary>Events of jobs that ended: each listener receives those of its tenant, and of the campaign it asked for.</summary>
[Collection(DashboardHost.OneAtATime)]
public sealed class JobEventsTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Listeners_receive_the_endings_of_their_tenants_jobs_or_of_the_campaign_asked_for()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync();
        await database.SqlAsync("insert into tenants (name) values ('shop')");
        var others = await database.Submitter.SubmitAsync(
            [new JobRequest { Campaign = "night" }, new JobRequest()], CancellationToken.None);
        var own = await database.Submitter.SubmitAsync(
            [new JobRequest { Campaign = "night" }, new JobRequest()], "shop", CancellationToken.None);
        await using var dashboard = await DashboardHost.StartAsync(database);
        using var limit = new CancellationTokenSource(Limit);
        using var submitter = await dashboard.ClientAsync("submitter", "shop");
        using var viewer = await dashboard.ClientAsync("viewer");
        await using var ofTenant = Listen(submitter, "", limit.Token);
        await using var ofCampaign = Listen(viewer, "?campaign=night", limit.Token);
        Assert.Equal("listening", await NextAsync(ofTenant));
        Assert.Equal("listening", await NextAsync(ofCampaign));

        var worker = await database.AddWorkerAsync();
        await database.Actions.CancelAsync([others[1]], CancellationToken.None);
        await database.Actions.CancelAsync([own[1]], CancellationToken.None);
        while (await database.ClaimAsync(worker) is { } batch) await database.CompleteAsync(batch);

        Assert.Equal(Event(own[1], "cancelled", null), await NextAsync(ofTenant));
        Assert.Equal(Event(own[0], "succeeded", "night"), await NextAsync(ofTenant));
        string[] heard = [await NextAsync(ofCampaign), await NextAsync(ofCampaign)];
        Assert.Equal([Event(others[0], "succeeded", "night"), Event(own[0], "succeeded", "night")], heard.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task More_endings_at_once_than_a_listener_is_sent_are_announced_as_missed()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync();
        await database.SubmitAsync(Enumerable.Repeat("", 301));
        await using var dashboard = await DashboardHost.StartAsync(database);
        using var limit = new CancellationTokenSource(Limit);
        using var client = await dashboard.ClientAsync("operator");
        await using var events = Listen(client, "", limit.Token);
        Assert.Equal("listening", await NextAsync(events));
        await database.Actions.CancelAsync([.. Enumerable.Range(1, 301).Select(id => (long)id)], CancellationToken.None);
        Assert.Equal("missed", await NextAsync(events));
    }

    private static string Event(long id, string state, string? campaign) => $"ended {id} {state} {campaign}";

    private static async Task<string> NextAsync(IAsyncEnumerator<string> events) =>
        await events.MoveNextAsync() ? events.Current : "the end";

    private static async IAsyncEnumerator<string> Listen(HttpClient client, string query, CancellationToken cancellationToken)
    {
        using var answer = await client.GetAsync(
            "/api/v1/events/jobs" + query, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        answer.EnsureSuccessStatusCode();
        await using var body = await answer.Content.ReadAsStreamAsync(cancellationToken);
        await foreach (var item in SseParser.Create(body).EnumerateAsync(cancellationToken))
        {
            if (item.EventType == "ping") continue;
            using var data = JsonDocument.Parse(item.Data);
            yield return item.EventType != "ended" ? item.EventType
                : Event(data.RootElement.GetProperty("id").GetInt64(), data.RootElement.GetProperty("state").GetString()!,
                    data.RootElement.TryGetProperty("campaign", out var campaign) ? campaign.GetString() : null);
        }
    }
}
