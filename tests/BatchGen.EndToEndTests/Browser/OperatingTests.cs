using BatchGen.Core.Jobs;
using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace BatchGen.EndToEndTests.Browser;

/// <summary>Changes that operators make to jobs, models, signatures, windows and recurring campaigns.</summary>
public sealed class OperatingTests
{
    [Fact]
    public async Task Jobs_are_cancelled_and_retried_from_the_list()
    {
        await using var site = await Site.StartAsync(worker: false);
        await SubmitAsync(site, 3);
        var page = await site.OpenAsync();
        page.Dialog += (_, dialog) => _ = dialog.AcceptAsync();
        await page.GotoAsync("/jobs");
        await page.GetByLabel("Select job 1").CheckAsync();
        await page.GetByLabel("Select job 3").CheckAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Cancel selected" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("Cancelled 2 of 2 jobs.");
        await Expect(page.Locator("tbody .badge.cancelled")).ToHaveCountAsync(2);
        await page.GetByLabel("Select job 1").CheckAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Retry selected" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("Requeued 1 of 1 jobs.");
        var counts = await site.Database.Catalog.CountAsync(null, TestContext.Current.CancellationToken);
        Assert.Equal((2, 1), (counts.Queued, counts.Cancelled));
    }

    [Fact]
    public async Task A_model_is_paused_and_resumed_and_a_signature_raised_and_cancelled()
    {
        await using var site = await Site.StartAsync(worker: false);
        await SubmitAsync(site, 2);
        var page = await site.OpenAsync();
        page.Dialog += (_, dialog) => _ = dialog.AcceptAsync();
        await page.GotoAsync("/queue");
        await page.GetByRole(AriaRole.Button, new() { Name = "Pause demo" }).First.ClickAsync();
        await Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("Paused model demo.");
        var worker = await site.Database.AddWorkerAsync();
        Assert.Null(await site.Database.ClaimAsync(worker));
        await Site.KeepAsync(page, "queue-paused");
        await page.GetByRole(AriaRole.Button, new() { Name = "Resume demo" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("Resumed model demo.");

        await page.GetByRole(AriaRole.Button, new() { Name = "Raise the priority of demo|demo-pixel@1 of default by 10" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Status))
            .ToContainTextAsync("Gave 2 waiting jobs of demo|demo-pixel@1 of tenant default priority 10.");
        Assert.Equal(10, (await site.Database.Catalog.FindAsync(1, TestContext.Current.CancellationToken))!.Priority);
        await page.GetByRole(AriaRole.Button, new() { Name = "Cancel waiting jobs of demo|demo-pixel@1 of default" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("Cancelled 2 waiting jobs");

        await page.GetByText("Add a window").ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Add", Exact = true }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("Jobs are claimed from 22:00 to 06:00");
    }

    [Fact]
    public async Task A_campaign_is_made_to_recur()
    {
        await using var site = await Site.StartAsync(worker: false);
        var page = await site.OpenAsync();
        await page.GotoAsync("/campaigns");
        await page.GetByText("Add or change one").ClickAsync();
        await page.GetByLabel("Name", new() { Exact = true }).FillAsync("nightly");
        await page.GetByLabel("When (cron)").FillAsync("99 22 * * *");
        await page.GetByLabel("Jobs as CSV or JSON").FillAsync("prompt,count\na star,3");
        await page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("The minute '99' is not");
        await page.GetByLabel("When (cron)").FillAsync("0 22 * * *");
        await page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("nightly recurs: 0 22 * * * in UTC, 3 jobs each time.");
        await page.GotoAsync("/hangfire/recurring");
        await Expect(page.Locator("body")).ToContainTextAsync("morning-report");
        await Site.KeepAsync(page, "hangfire");
    }

    private static Task<IReadOnlyList<long>> SubmitAsync(Site site, int count) => site.Database.Submitter.SubmitAsync(
        Enumerable.Range(0, count)
            .Select(i => new JobRequest { Prompt = $"job {i}", Adapters = [new("demo-pixel", 1m)], Width = 64, Height = 64 }).ToArray(),
        TestContext.Current.CancellationToken);
}
