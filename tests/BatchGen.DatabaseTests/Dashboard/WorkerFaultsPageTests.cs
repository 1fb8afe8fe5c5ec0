using BatchGen.Core.Failures;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Dashboard;

/// <summary>The page Workers shows what machines lack and which workers set themselves aside.</summary>
[Collection(DashboardHost.OneAtATime)]
public sealed class WorkerFaultsPageTests
{
    [Fact]
    public async Task The_page_shows_a_lack_and_a_worker_set_aside_with_their_reasons_and_offers_to_resume_it()
    {
        await using var database = await TestDatabase.CreateAsync();
        var worker = await database.AddWorkerAsync("one");
        await database.Workers.NoteLackAsync(
            worker, new MachineLack(LackKind.Adapter, "ink", "aa"), "'ink.safetensors' is missing", CancellationToken.None);
        await database.Workers.SetAsideAsync(worker, "12 attempts in a row failed", CancellationToken.None);
        await using var dashboard = await DashboardHost.StartAsync(database);
        using var client = await dashboard.ClientAsync("operator");

        var page = await client.GetStringAsync("/workers", TestContext.Current.CancellationToken);

        string[] shown = ["lacks adapter", "is missing", "set aside", "12 attempts in a row failed", $"/workers/{worker}/resume"];
        foreach (var text in shown) Assert.Contains(text, page, StringComparison.Ordinal);
        using var resumed = await client.PostAsync(
            $"/api/v1/workers/{worker}/resume", content: null, TestContext.Current.CancellationToken);
        resumed.EnsureSuccessStatusCode();
        Assert.Null(Assert.Single(await database.Workers.ListAsync(CancellationToken.None)).SetAsideAt);
    }
}
