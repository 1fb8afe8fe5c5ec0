using System.Net;
using System.Text.RegularExpressions;
using BatchGen.Core.Jobs;
using BatchGen.Dashboard.Scheduling;
using BatchGen.Dashboard.Security;
using BatchGen.Queue.Access;
using BatchGen.Queue.Schedules;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Dashboard;

/// <summary>Forms and buttons of pages, each sent as a browser sends it: what they change, and what the next page says of it.</summary>
[Collection(DashboardHost.OneAtATime)]
public sealed partial class PageChangesTests
{
    [Fact]
    [CoversRoute("POST /logout")]
    public async Task Log_out_ends_the_login()
    {
        await using var database = await TestDatabase.CreateAsync();
        await new AccessStore(database.Queue)
            .SaveAccountAsync("otto", PasswordHash.Make("operator password"), "operator", CancellationToken.None);
        await using var dashboard = await DashboardHost.StartAsync(database);
        using var client = await dashboard.ClientAsync();
        var (_, page) = await client.SendAsync(
            await client.GetStringAsync("/login?return=%2Fjobs"), "/login", ("name", "otto"), ("password", "operator password"));
        Assert.Contains("Log out", page, StringComparison.Ordinal);
        var (status, login) = await client.SendAsync(page, "/logout");
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Contains("<h1>Log in</h1>", login, StringComparison.Ordinal);
        Assert.Contains("<h1>Log in</h1>", await client.GetStringAsync("/jobs"), StringComparison.Ordinal);
    }

    [Fact]
    [CoversRoute("POST /jobs/cancel")]
    public async Task Cancel_on_the_page_of_a_job_cancels_it()
    {
        await using var database = await DatabaseAsync();
        await database.SubmitAsync("", "");
        await using var dashboard = await DashboardHost.StartAsync(database);
        using var client = await dashboard.ClientAsync();
        var (status, page) = await client.SendAsync(await client.GetStringAsync("/jobs/1"), "/jobs/cancel");
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Contains("<h1>Job 1", page, StringComparison.Ordinal);
        Assert.Contains("badge cancelled", page, StringComparison.Ordinal);
        Assert.Equal([JobState.Cancelled, JobState.Queued], await StatesAsync(database));
    }

    [Fact]
    [CoversRoute("POST /jobs/retry")]
    public async Task Retry_in_the_list_of_jobs_requeues_the_selected_ones()
    {
        await using var database = await DatabaseAsync();
        await database.SubmitAsync("", "");
        await database.Actions.CancelAsync([1, 2], CancellationToken.None);
        await using var dashboard = await DashboardHost.StartAsync(database);
        using var client = await dashboard.ClientAsync();
        using var answer = await DashboardHost.PostFormAsync(
            client, "/jobs", "/jobs/retry", ("ids", "2"), ("back", "/jobs?state=cancelled&note=old"));
        var page = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.Contains("Requeued 1 of 1 jobs.", page, StringComparison.Ordinal);
        Assert.Equal("/jobs?state=cancelled&note=Requeued%201%20of%201%20jobs.", answer.RequestMessage!.RequestUri!.PathAndQuery);
        Assert.Equal([JobState.Cancelled, JobState.Queued], await StatesAsync(database));
    }

    [Fact]
    [CoversRoute("POST /queue/windows/delete")]
    public async Task Remove_deletes_a_dispatch_window()
    {
        await using var database = await DatabaseAsync();
        var windows = new WindowStore(database.Queue);
        await windows.SaveAsync("night", "UTC", new TimeOnly(22, 0), new TimeOnly(6, 0), CancellationToken.None);
        await windows.SaveAsync("noon", "UTC", new TimeOnly(11, 0), new TimeOnly(13, 0), CancellationToken.None);
        await using var dashboard = await DashboardHost.StartAsync(database);
        using var client = await dashboard.ClientAsync();
        var (status, page) = await client.SendAsync(
            PageForms.Row(await client.GetStringAsync("/queue"), "Remove noon"), "/queue/windows/delete");
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Contains("Removed the window.", page, StringComparison.Ordinal);
        Assert.Equal("night", Assert.Single(await windows.ListAsync(CancellationToken.None)).Name);
    }

    [Fact]
    [CoversRoute("POST /campaigns/schedules/enable")]
    public async Task Switch_off_and_on_takes_a_recurring_campaign_from_Hangfire_and_registers_it_again()
    {
        await using var database = await DatabaseAsync();
        var id = await SaveScheduleAsync(database, "nightly");
        await using var dashboard = await DashboardHost.StartAsync(database);
        using var client = await dashboard.ClientAsync();
        Assert.Contains(Recurring.NameOf(id), dashboard.NextRuns().Keys);
        var (status, page) = await client.SendAsync(
            PageForms.Row(await client.GetStringAsync("/campaigns"), "Switch off nightly"), "/campaigns/schedules/enable");
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Contains("nightly is off.", page, StringComparison.Ordinal);
        Assert.DoesNotContain(Recurring.NameOf(id), dashboard.NextRuns().Keys);
        (_, page) = await client.SendAsync(PageForms.Row(page, "Switch on nightly"), "/campaigns/schedules/enable");
        Assert.Contains("nightly is on.", page, StringComparison.Ordinal);
        Assert.Contains(Recurring.NameOf(id), dashboard.NextRuns().Keys);
    }

    [Fact]
    [CoversRoute("POST /campaigns/schedules/delete")]
    public async Task Remove_deletes_a_recurring_campaign_here_and_in_Hangfire()
    {
        await using var database = await DatabaseAsync();
        var id = await SaveScheduleAsync(database, "nightly");
        await using var dashboard = await DashboardHost.StartAsync(database);
        using var client = await dashboard.ClientAsync();
        var (status, page) = await client.SendAsync(
            PageForms.Row(await client.GetStringAsync("/campaigns"), "Remove nightly"), "/campaigns/schedules/delete");
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Contains("Removed the schedule.", page, StringComparison.Ordinal);
        Assert.Empty(await new ScheduleStore(database.Queue).ListAsync(CancellationToken.None));
        Assert.DoesNotContain(Recurring.NameOf(id), dashboard.NextRuns().Keys);
    }

    [Theory]
    [CoversRoute("POST /workers/{id:guid}/{order}")]
    [InlineData("pause", "pause", true, false, false)]
    [InlineData("drain", "drain", false, true, false)]
    [InlineData("canary", "draw a canary", false, false, true)]
    public async Task Buttons_of_a_worker_give_it_an_order(string order, string action, bool paused, bool draining, bool canary)
    {
        await using var database = await DatabaseAsync();
        var worker = await database.AddWorkerAsync("loom");
        await using var dashboard = await DashboardHost.StartAsync(database);
        using var client = await dashboard.ClientAsync();
        var (status, page) = await client.SendAsync(
            PageForms.Row(await client.GetStringAsync("/workers"), "loom"), $"/workers/{worker}/{order}");
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Contains($"Ordered loom to {action};", page, StringComparison.Ordinal);
        Assert.Equal(new(paused, draining, canary), await database.Workers.HeartbeatAsync(worker, default, CancellationToken.None));
    }

    [Fact]
    public async Task An_order_to_a_worker_that_has_stopped_is_answered_with_404()
    {
        await using var database = await DatabaseAsync();
        var worker = await database.AddWorkerAsync("loom");
        await using var dashboard = await DashboardHost.StartAsync(database);
        using var client = await dashboard.ClientAsync();
        var row = PageForms.Row(await client.GetStringAsync("/workers"), "loom");
        await database.Workers.StopAsync(worker, "stopped", CancellationToken.None);
        var (status, page) = await client.SendAsync(row, $"/workers/{worker}/pause");
        Assert.Equal(HttpStatusCode.NotFound, status);
        Assert.Contains($"No worker {worker} is running.", page, StringComparison.Ordinal);
    }

    [Fact]
    [CoversRoute("POST /hangfire/{**path}")]
    public async Task Trigger_on_Hangfires_own_page_runs_recurring_work_at_once()
    {
        await using var database = await DatabaseAsync();
        await database.SubmitAsync("");
        Assert.NotNull(await database.ClaimAsync(await database.AddWorkerAsync()));
        await database.SqlAsync("update batches set lease_expires_at = now() - interval '1 second'");
        await using var dashboard = await DashboardHost.StartAsync(database, options => options.RunRecurringWork = true);
        using var client = await dashboard.ClientAsync();
        var page = await client.GetStringAsync("/hangfire/recurring", TestContext.Current.CancellationToken);
        using var form = new FormUrlEncodedContent([new("jobs[]", Recurring.RescueLeases)]);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/hangfire/recurring/trigger") { Content = form };
        request.Headers.Add(
            CsrfHeader().Match(page).Groups["value"].Value, WebUtility.HtmlDecode(CsrfToken().Match(page).Groups["value"].Value));
        using var answer = await client.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        await dashboard.UntilRunAsync([nameof(RecurringWork.RescueLeasesAsync)]);
        Assert.Equal([JobState.Queued], await StatesAsync(database));
    }

    private static async Task<IEnumerable<JobState>> StatesAsync(TestDatabase database) =>
        (await database.Catalog.FindAsync([1, 2], CancellationToken.None)).Select(job => job.State);

    private static Task<int> SaveScheduleAsync(TestDatabase database, string name) =>
        new ScheduleStore(database.Queue).SaveAsync(name, "0 22 * * *", "UTC", """[{"prompt":"a star"}]""", 1, CancellationToken.None);

    private static async Task<TestDatabase> DatabaseAsync()
    {
        var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync();
        return database;
    }

    [GeneratedRegex("<meta name=\"csrf-header\" content=\"(?<value>[^\"]+)\"", RegexOptions.ExplicitCapture)]
    internal static partial Regex CsrfHeader();

    [GeneratedRegex("<meta name=\"csrf-token\" content=\"(?<value>[^\"]+)\"", RegexOptions.ExplicitCapture)]
    internal static partial Regex CsrfToken();
}
