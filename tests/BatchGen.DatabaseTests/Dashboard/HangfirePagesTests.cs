using BatchGen.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Dashboard;

/// <summary>BatchGen's numbers on Hangfire's pages.</summary>
[Collection(DashboardHost.OneAtATime)]
public sealed class HangfirePagesTests
{
    [Fact]
    public async Task Hangfire_pages_show_the_present_number_of_waiting_jobs()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync();
        await database.SubmitAsync("", "", "");
        await using var dashboard = await DashboardHost.StartAsync(database);
        using var client = await dashboard.ClientAsync("viewer");
        Assert.Equal("3", await WaitingAsync(client));
        await database.SubmitAsync("");
        await Wait.UntilAsync("the page shows 4 waiting jobs", () => WaitingAsync(client), shown => shown == "4");
    }

    private static async Task<string> WaitingAsync(HttpClient client)
    {
        var page = await client.GetStringAsync("/hangfire/", TestContext.Current.CancellationToken);
        var at = page.IndexOf("data-metric=\"batchgen:waiting\"", StringComparison.Ordinal);
        Assert.True(at >= 0, page);
        return page[(page.IndexOf('>', at) + 1)..page.IndexOf('<', at)].Trim();
    }
}
