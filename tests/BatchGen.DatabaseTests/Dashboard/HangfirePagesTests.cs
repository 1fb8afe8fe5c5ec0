using System.Net;
using BatchGen.Dashboard.Scheduling;
using BatchGen.Testing;
using Hangfire;
using Hangfire.Storage;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace BatchGen.DatabaseTests.Dashboard;

/// <summary>BatchGen's numbers on Hangfire's pages, and requests for them that no page sends.</summary>
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

    [Theory]
    [InlineData("viewer")]
    [InlineData("operator")]
    public async Task Addresses_that_name_no_job_of_Hangfire_are_answered_with_a_sentence_and_leave_no_stack_trace(string role)
    {
        await using var database = await TestDatabase.CreateAsync();
        using var log = new RecordedLog();
        await using var dashboard = await DashboardHost.StartAsync(database, log: log);
        using var client = await dashboard.ClientAsync(role);
        foreach (var path in (string[])
            ["jobs/details/abc", "jobs/details/-1", "jobs/details/99999999999999999999", "jobs/details/1.5", "jobs/enqueued/nowhere",
                "jobs/enqueued/fetched/nowhere", "jobs/failed?from=abc&count=xyz", "jobs/failed?from=-1&count=-1", "nowhere",
                "jobs/failed?from=2147483647&count=2147483647", "jobs/failed?from=99999999999", "recurring?from=-5&count=0"])
        {
            using var answer = await client.GetAsync("/hangfire/" + path, TestContext.Current.CancellationToken);
            Assert.InRange((path, (int)answer.StatusCode), (path, 200), (path, 499));
        }

        Assert.DoesNotContain(log.Lines, line => line.Contains("unhandled exception", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("viewer", 401)]
    [InlineData("operator", 204)]
    public async Task Nothing_on_Hangfires_pages_is_changed_but_by_a_POST_with_the_token_of_forms(string role, int answered)
    {
        await using var database = await TestDatabase.CreateAsync();
        using var log = new RecordedLog();
        await using var dashboard = await DashboardHost.StartAsync(database, log: log);
        var storage = dashboard.Services.GetRequiredService<JobStorage>();
        using var client = await dashboard.ClientAsync(role);
        foreach (var method in (string[])["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "PATCH"])
        {
            foreach (var path in (string[])
                ["recurring/trigger", "recurring/remove", "jobs/enqueued/delete", "jobs/failed/requeue", "jobs/scheduled/enqueue",
                    "jobs/actions/delete/1", "jobs/actions/requeue/abc", "stats"])
            {
                foreach (var hasForm in (bool[])[true, false])
                {
                    using var request = new HttpRequestMessage(new HttpMethod(method), "/hangfire/" + path);
                    // The client sends no body with this method.
                    if (hasForm && method != "TRACE")
                        request.Content = new FormUrlEncodedContent([new("jobs[]", Recurring.RescueLeases), new("jobs[]", "1")]);
                    using var answer = await client.SendAsync(request, TestContext.Current.CancellationToken);
                    Assert.Equal((method, path, HttpStatusCode.MethodNotAllowed), (method, path, answer.StatusCode));
                    Assert.Equal(["POST"], answer.Content.Headers.Allow);
                }
            }
        }

        foreach (var path in (string[])["recurring/trigger", "jobs/failed/requeue", "jobs/actions/delete/abc"])
        {
            using var form = new FormUrlEncodedContent([new("jobs[]", "abc")]);
            using var answer = await client.PostAsync("/hangfire/" + path, form, TestContext.Current.CancellationToken);
            Assert.Equal((path, HttpStatusCode.Forbidden), (path, answer.StatusCode));
        }

        // With the token texts that are no ids, and no form at all, are refused too.
        var (name, token) = await TokenAsync(client);
        client.DefaultRequestHeaders.Add(name, token);
        foreach (var (path, body) in ((string, HttpContent)[])
            [("jobs/failed/requeue", new FormUrlEncodedContent([new("jobs[]", "abc")])), ("jobs/failed/requeue", new StringContent("x")),
                ("jobs/actions/delete/abc", new StringContent("")), ("stats", new StringContent("x"))])
        {
            using var answer = await client.PostAsync("/hangfire/" + path, body, TestContext.Current.CancellationToken);
            Assert.InRange((path, (int)answer.StatusCode), (path, 200), (path, 499));
        }

        using (var connection = storage.GetConnection())
            Assert.Contains(connection.GetRecurringJobs(), job => job.Id == Recurring.RescueLeases && job.LastExecution is null);
        using var right = new FormUrlEncodedContent([new("jobs[]", Recurring.RescueLeases)]);
        using var triggered = await client.PostAsync("/hangfire/recurring/trigger", right, TestContext.Current.CancellationToken);
        Assert.Equal(answered, (int)triggered.StatusCode);
        Assert.DoesNotContain(log.Lines, line => line.Contains("unhandled exception", StringComparison.Ordinal));
    }

    private static async Task<(string Name, string Value)> TokenAsync(HttpClient client)
    {
        var page = await client.GetStringAsync("/hangfire/recurring", TestContext.Current.CancellationToken);
        return (PageChangesTests.CsrfHeader().Match(page).Groups["value"].Value,
            WebUtility.HtmlDecode(PageChangesTests.CsrfToken().Match(page).Groups["value"].Value));
    }

    private static async Task<string> WaitingAsync(HttpClient client)
    {
        var page = await client.GetStringAsync("/hangfire/", TestContext.Current.CancellationToken);
        var at = page.IndexOf("data-metric=\"batchgen:waiting\"", StringComparison.Ordinal);
        Assert.True(at >= 0, page);
        return page[(page.IndexOf('>', at) + 1)..page.IndexOf('<', at)].Trim();
    }
}
