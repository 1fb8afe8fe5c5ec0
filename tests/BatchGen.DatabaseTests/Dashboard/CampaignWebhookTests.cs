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

/// <summary>The report of a campaign that ended is received once, however often the work runs and the receiver fails.</summary>
[Collection(DashboardHost.OneAtATime)]
public sealed class CampaignWebhookTests
{
    [Fact]
    public async Task Each_ended_campaign_is_posted_until_the_receiver_took_it_and_then_never_again()
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

        // A campaign that ended while no webhook was set is never posted.
        await SubmitAsync(database, "older", 1);
        await database.FinishAsync((await database.ClaimAsync(worker))!);
        await database.CheckpointAsync(worker, CheckpointVerdict.Passed);
        await using (var before = await DashboardHost.StartAsync(database))
            await before.Services.GetRequiredService<EndedCampaignWork>().FindEndedAsync(CancellationToken.None);
        foreach (var (name, count) in new[] { ("ends", 2), ("goes on", 2), ("unverified", 1) }) await SubmitAsync(database, name, count);
        var batch = (await database.ClaimAsync(worker))!;
        await database.CompleteAsync(batch, batch.Jobs.Take(3).Select(job => job.JobId));
        await database.CheckpointAsync(worker, CheckpointVerdict.Passed, batch);
        await database.CompleteAsync(batch, batch.Jobs[4].JobId);
        await database.Claims.CloseAsync(batch, CancellationToken.None); // Requeues the second job of 'goes on'.

        await using var dashboard = await DashboardHost.StartAsync(
            database, options => (options.RunRecurringWork, options.ReportWebhook) = (true, receiver.Urls.First() + "/hook"));
        // The calls below take the place of the work that looks every minute, and must not run beside it.
        dashboard.Services.GetRequiredService<IRecurringJobManager>().RemoveIfExists(Recurring.EndedCampaigns);
        await UntilAsync(dashboard, "the first report was received", () => !received.IsEmpty);
        var (key, report) = Assert.Single(received);
        Assert.Equal(("ends", "Everything was rendered and verified."),
            (report.GetProperty("title").GetString(), report.GetProperty("verdict").GetString()));
        Assert.Equal(2, asked);
        Assert.StartsWith("campaign-", key, StringComparison.Ordinal);

        // Campaigns that end later follow, and none is posted again.
        await database.CheckpointAsync(worker, CheckpointVerdict.Passed);
        await UntilAsync(dashboard, "the second report was received", () => received.Count > 1);
        await database.Actions.CancelAsync([batch.Jobs[3].JobId], CancellationToken.None);
        await UntilAsync(dashboard, "the third report was received", () => received.Count > 2);
        Assert.Equal(["ends", "unverified", "goes on"], received.Select(post => post.Report.GetProperty("title").GetString()));
        Assert.Equal(4, asked);
        Assert.Equal(3, received.Select(post => post.Key).Distinct(StringComparer.Ordinal).Count());
    }

    private static Task<IReadOnlyList<long>> SubmitAsync(TestDatabase database, string campaign, int count) =>
        database.Submitter.SubmitAsync(
            Enumerable.Range(0, count).Select(_ => new JobRequest { Prompt = "a star", Campaign = campaign }).ToArray(),
            CancellationToken.None);

    // Looks for ended campaigns again and again, as happens every minute, while Hangfire posts those found.
    private static Task UntilAsync(DashboardHost dashboard, string what, Func<bool> condition) => Wait.UntilAsync(what, async () =>
    {
        await dashboard.Services.GetRequiredService<EndedCampaignWork>().FindEndedAsync(CancellationToken.None);
        return condition();
    });
}
