using System.Collections.Concurrent;
using System.Text.Json;
using BatchGen.Core.Jobs;
using BatchGen.Core.Rendering;
using BatchGen.Dashboard.Scheduling;
using BatchGen.Testing;
using Hangfire;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace BatchGen.DatabaseTests.Dashboard;

/// <summary>A campaign that ended is posted once, however often the work runs and the receiver fails.</summary>
[Collection(DashboardHost.OneAtATime)]
public sealed class CampaignWebhookTests
{
    [Fact]
    public async Task A_campaign_is_posted_once_when_it_has_ended_and_again_and_again_until_it_was_received()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync(native: 64);
        var worker = await database.AddWorkerAsync();
        var asked = 0;
        var received = new ConcurrentQueue<(string Key, JsonElement Report)>();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        await using var receiver = builder.Build();
        receiver.Urls.Add("http://127.0.0.1:0");
        receiver.MapPost("/hook", (HttpRequest request, JsonElement report) =>
        {
            if (Interlocked.Increment(ref asked) == 1) return Results.StatusCode(503);
            received.Enqueue((request.Headers["Idempotency-Key"].ToString(), report));
            return Results.Ok();
        });
        await receiver.StartAsync();

        // One that ended while no webhook was set.
        await SubmitAsync(database, "older", 1);
        await database.FinishAsync((await database.ClaimAsync(worker))!);
        await database.CheckpointAsync(worker, CheckpointVerdict.Passed);
        await using (var before = await DashboardHost.StartAsync(database)) await before.Services.GetRequiredService<EndedCampaignWork>().FindEndedAsync(CancellationToken.None);
        foreach (var (name, count) in new[] { ("ends", 2), ("goes on", 2), ("unverified", 1) }) await SubmitAsync(database, name, count);
        var batch = (await database.ClaimAsync(worker))!;
        await database.CompleteAsync(batch, batch.Jobs.Take(3).Select(job => job.JobId));
        await database.CheckpointAsync(worker, CheckpointVerdict.Passed, batch);
        await database.CompleteAsync(batch, batch.Jobs[4].JobId);
        await database.Claims.CloseAsync(batch, CancellationToken.None); // The second job of 'goes on' goes back and waits.

        await using var dashboard = await DashboardHost.StartAsync(database, options => (options.RunRecurringWork, options.ReportWebhook) = (true, receiver.Urls.First() + "/hook"));
        // The looks below take its place; it would find the same beside them.
        dashboard.Services.GetRequiredService<IRecurringJobManager>().RemoveIfExists(Recurring.EndedCampaigns);
        await UntilAsync(dashboard, () => !received.IsEmpty);
        var (key, report) = Assert.Single(received);
        Assert.Equal(("ends", "Everything was rendered and verified."), (report.GetProperty("title").GetString(), report.GetProperty("verdict").GetString()));
        Assert.Equal(2, asked);
        Assert.StartsWith("campaign-", key, StringComparison.Ordinal);

        // What ends later follows; what was posted is not posted again.
        await database.CheckpointAsync(worker, CheckpointVerdict.Passed);
        await UntilAsync(dashboard, () => received.Count > 1);
        await database.Actions.CancelAsync([batch.Jobs[3].JobId], CancellationToken.None);
        await UntilAsync(dashboard, () => received.Count > 2);
        Assert.Equal(["ends", "unverified", "goes on"], received.Select(post => post.Report.GetProperty("title").GetString()));
        Assert.Equal(4, asked);
        Assert.Equal(3, received.Select(post => post.Key).Distinct(StringComparer.Ordinal).Count());
    }

    private static Task<IReadOnlyList<long>> SubmitAsync(TestDatabase database, string campaign, int count) =>
        database.Submitter.SubmitAsync(Enumerable.Range(0, count).Select(_ => new JobRequest { Prompt = "a star", Campaign = campaign }).ToArray(), CancellationToken.None);

    // Looks again and again, as every minute does, while Hangfire posts what was found.
    private static Task UntilAsync(DashboardHost dashboard, Func<bool> condition) => DashboardHost.UntilAsync(async () =>
    {
        await dashboard.Services.GetRequiredService<EndedCampaignWork>().FindEndedAsync(CancellationToken.None);
        return condition();
    });
}
