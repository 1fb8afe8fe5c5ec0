using System.Net;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Dashboard;

/// <summary>A search for a long text is refused: it would be compared with every place of twenty thousand prompts.</summary>
[Collection(DashboardHost.OneAtATime)]
public sealed class SearchLimitTests
{
    [Theory]
    [InlineData("/api/v1/jobs", 200, HttpStatusCode.OK)]
    [InlineData("/api/v1/jobs", 201, HttpStatusCode.BadRequest)]
    [InlineData("/jobs", 201, HttpStatusCode.BadRequest)]
    public async Task A_text_of_more_than_200_characters_is_not_looked_for(string page, int length, HttpStatusCode expected)
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var dashboard = await DashboardHost.StartAsync(database);
        using var client = await dashboard.ClientAsync("viewer");
        using var answer = await client.GetAsync($"{page}?text={new string('a', length)}");
        Assert.Equal(expected, answer.StatusCode);
    }
}
