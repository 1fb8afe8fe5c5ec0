using System.Net;
using System.Text.RegularExpressions;
using BatchGen.Core.Jobs;
using BatchGen.Queue;
using BatchGen.Queue.Schedules;
using BatchGen.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace BatchGen.DatabaseTests.Dashboard;

/// <summary>The queue page: what its rows change, which rows it shows, and its dispatch windows.</summary>
[Collection(DashboardHost.OneAtATime)]
public sealed partial class QueuePageTests
{
    [Fact]
    [CoversRoute("POST /queue/cancel")]
    public Task Cancel_of_a_row_cancels_waiting_jobs_of_its_tenant_only() => AssertChangesItsTenantOnlyAsync("/queue/cancel");

    [Fact]
    [CoversRoute("POST /queue/raise")]
    public Task Raise_of_a_row_gives_waiting_jobs_of_its_tenant_only_another_priority() => AssertChangesItsTenantOnlyAsync("/queue/raise");

    private static async Task AssertChangesItsTenantOnlyAsync(string change)
    {
        await using var database = await DatabaseAsync();
        await database.Submitter.SubmitAsync([new JobRequest(), new JobRequest()], CancellationToken.None);
        await database.Submitter.SubmitAsync([new JobRequest(), new JobRequest(), new JobRequest()], "acme", CancellationToken.None);
        await using var dashboard = await DashboardHost.StartAsync(database);
        using var client = await dashboard.ClientAsync();
        var (status, page) = await client.SendAsync(PageForms.Row(await client.GetStringAsync("/queue"), "acme"), change);
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Contains("3 waiting jobs of demo", page, StringComparison.Ordinal);
        Assert.Contains("/jobs?state=queued&signature=demo", WebUtility.HtmlDecode(page), StringComparison.Ordinal);
        Assert.Equal("default: 2, acme: 3 changed", await database.SqlAsync<string>("""
            select string_agg(t.name || ': ' || n || case when changed then ' changed' else '' end, ', ' order by t.id)
            from (
              select g.tenant_id, j.state <> 'queued' or g.priority <> 0 as changed, count(*) as n
              from jobs j
              join dispatch_groups g on g.id = j.group_id
              group by 1, 2
            ) c
            join tenants t on t.id = c.tenant_id
            """));
    }

    [Fact]
    public async Task Two_pages_of_the_queue_show_every_row_of_every_tenant_once()
    {
        await using var database = await DatabaseAsync();
        await database.AddAdaptersAsync(Enumerable.Range(10, 60).Select(i => $"s{i}"));
        // The fiftieth and the fifty-first row have the same signature and belong to two tenants.
        var jobs = Enumerable.Range(10, 60).Select(i => new JobRequest { Adapters = [new($"s{i}")] }).ToArray();
        await database.Submitter.SubmitAsync(jobs, CancellationToken.None);
        await database.Submitter.SubmitAsync([jobs[49]], "acme", CancellationToken.None);
        await using var dashboard = await DashboardHost.StartAsync(database);
        using var client = await dashboard.ClientAsync();
        var rows = new List<string>();
        for (var address = "/queue"; address is not null && rows.Count < 200;)
        {
            var page = await client.GetStringAsync(address);
            rows.AddRange(page.Split("<tr>").Skip(2).Select(row => WebUtility.HtmlDecode(SignatureInRow().Match(row).Groups[1].Value)
                + (row.Contains("acme", StringComparison.Ordinal) ? " of acme" : "")));
            address = NextPage().Match(page) is { Success: true } next ? WebUtility.HtmlDecode(next.Groups[1].Value) : null;
        }

        Assert.Equal(
            Enumerable.Range(10, 60).SelectMany(i => i == 59 ? ["demo|s59@1", "demo|s59@1 of acme"] : (string[])[$"demo|s{i}@1"]), rows);
    }

    [Fact]
    [CoversRoute("POST /queue/pause")]
    public async Task A_tenant_is_paused_and_resumed_from_its_row()
    {
        await using var database = await DatabaseAsync();
        await database.Submitter.SubmitAsync([new JobRequest()], "acme", CancellationToken.None);
        await database.Submitter.SubmitAsync([new JobRequest()], CancellationToken.None);
        await using var dashboard = await DashboardHost.StartAsync(database);
        using var client = await dashboard.ClientAsync();
        var (_, paused) = await client.SendAsync(PageForms.Row(await client.GetStringAsync("/queue"), "acme"), "/queue/pause");
        Assert.Contains("Paused tenant acme.", paused, StringComparison.Ordinal);
        var worker = await database.AddWorkerAsync();
        Assert.Equal([2L], (await database.ClaimAsync(worker))!.Jobs.Select(job => job.JobId));
        Assert.Null(await database.ClaimAsync(worker));
        var (_, resumed) = await client.SendAsync(paused, "/queue/pause");
        Assert.Contains("Resumed tenant acme.", resumed, StringComparison.Ordinal);
        Assert.Equal([1L], (await database.ClaimAsync(worker))!.Jobs.Select(job => job.JobId));
    }

    [Fact]
    public async Task A_dispatch_window_in_a_zone_that_the_database_does_not_know_is_refused()
    {
        await using var database = await DatabaseAsync();
        await database.SubmitAsync("");
        await using var dashboard = await DashboardHost.StartAsync(database);
        var windows = dashboard.Services.GetRequiredService<WindowStore>();
        var refused = await Assert.ThrowsAsync<SubmitRefusedException>(
            () => windows.SaveAsync("night", "Nowhere/Town", new TimeOnly(22, 0), new TimeOnly(6, 0), CancellationToken.None));
        Assert.Contains("'Nowhere/Town'", refused.Message, StringComparison.Ordinal);
        Assert.Empty(await windows.ListAsync(CancellationToken.None));
        Assert.NotNull(await database.ClaimAsync(await database.AddWorkerAsync()));
    }

    [Fact]
    [CoversRoute("POST /queue/windows")]
    public async Task A_refused_dispatch_window_is_shown_again_with_the_problem_beside_its_field()
    {
        await using var database = await DatabaseAsync();
        await using var dashboard = await DashboardHost.StartAsync(database);
        using var client = await dashboard.ClientAsync();
        var (status, page) = await client.SendAsync(await client.GetStringAsync("/queue"), "/queue/windows", ("name", "late"),
            ("zone", "Nowhere/Town"), ("opens", "22:00"), ("closes", "06:00"));
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("id=\"problem-zone\"", page, StringComparison.Ordinal);
        Assert.Contains("value=\"late\"", page, StringComparison.Ordinal);
        (status, page) = await client.SendAsync(page, "/queue/windows", ("zone", "Asia/Tokyo"), ("opens", "noon"));
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("id=\"problem-opens\"", page, StringComparison.Ordinal);
        (status, page) = await client.SendAsync(page, "/queue/windows", ("opens", "21:00"));
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Contains("from 21:00 to 06:00, Asia/Tokyo.", page, StringComparison.Ordinal);
    }

    private static async Task<TestDatabase> DatabaseAsync()
    {
        var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync();
        await database.SqlAsync("insert into tenants (name) values ('acme')");
        return database;
    }

    [GeneratedRegex("/jobs[^>]*>([^<]*)</a>")]
    private static partial Regex SignatureInRow();

    [GeneratedRegex("rel=\"next\" href=\"([^\"]*)\"")]
    private static partial Regex NextPage();
}
