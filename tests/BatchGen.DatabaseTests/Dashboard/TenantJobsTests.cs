using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using BatchGen.Core.Jobs;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Dashboard;

/// <summary>A tenant's key lists its own jobs, all of them, however many others have submitted since.</summary>
[Collection(DashboardHost.OneAtATime)]
public sealed class TenantJobsTests
{
    private const int Window = 20_000;

    [Fact]
    public async Task A_tenant_finds_its_jobs_behind_the_backlog_of_another_tenant()
    {
        await using var database = await DatabaseAsync();
        await SubmitAsync(
            database, "shop", 3, i => new JobRequest { Prompt = $"a star {i}", Campaign = "night", Tags = i == 1 ? ["blue"] : null });
        await SubmitAsync(
            database, "studio", Window + 1, i => new JobRequest { Prompt = $"a star {i}", Campaign = "night", Tags = ["blue"] });
        await SubmitAsync(database, "default", 1, _ => new JobRequest { Prompt = "a star" });
        await using var dashboard = await DashboardHost.StartAsync(database);
        using var client = await dashboard.ClientAsync("submitter", "shop");
        foreach (var (query, expected) in new[]
        {
            ("jobs?", "3 2 1"), ("jobs?state=queued", "3 2 1"), ("jobs?text=star", "3 2 1"), ("jobs?campaign=night", "3 2 1"),
            ("jobs?campaign=night&text=STAR", "3 2 1"), ("jobs?tag=blue", "2"),
            ("jobs?campaign=night&tag=blue", "2"), ("jobs?signature=demo%7C", "3 2 1"), ("jobs?state=failed", ""),
            ("jobs?campaign=day", ""), ("results?", ""),
        })
        {
            var page = await client.GetFromJsonAsync<JsonElement>("/api/v1/" + query, TestContext.Current.CancellationToken);
            Assert.Equal((query, expected, false), (query, Ids(page), page.TryGetProperty("next_before", out _)));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("&campaign=night")]
    public async Task A_search_that_looked_through_20000_jobs_of_the_tenant_says_where_it_goes_on(string filter)
    {
        await using var database = await DatabaseAsync();
        await SubmitAsync(
            database, "shop", Window + 2, i => new JobRequest { Prompt = "a star", Campaign = "night", Tags = i == 0 ? ["blue"] : null });
        await SubmitAsync(database, "studio", 10, _ => new JobRequest { Prompt = "a star", Campaign = "night" });
        await using var dashboard = await DashboardHost.StartAsync(database);
        using var client = await dashboard.ClientAsync("submitter", "shop");
        var first = await client.GetFromJsonAsync<JsonElement>("/api/v1/jobs?tag=blue" + filter, TestContext.Current.CancellationToken);
        Assert.Equal(("", 3L), (Ids(first), first.GetProperty("next_before").GetInt64()));
        var second = await client.GetFromJsonAsync<JsonElement>(
            "/api/v1/jobs?before=3&tag=blue" + filter, TestContext.Current.CancellationToken);
        Assert.Equal(("1", false), (Ids(second), second.TryGetProperty("next_before", out _)));
    }

    private static string Ids(JsonElement page) =>
        string.Join(' ', page.GetProperty("jobs").EnumerateArray()
            .Select(job => job.GetProperty("id").GetInt64().ToString(CultureInfo.InvariantCulture)));

    private static Task<long> SubmitAsync(TestDatabase database, string tenant, int count, Func<int, JobRequest> make) =>
        database.Submitter.SubmitManyAsync(Enumerable.Range(0, count).Select(make), tenant, CancellationToken.None);

    private static async Task<TestDatabase> DatabaseAsync()
    {
        var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync();
        await database.SqlAsync("insert into tenants (name) values ('shop'), ('studio')");
        return database;
    }
}
