using BatchGen.Core.Jobs;
using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace BatchGen.EndToEndTests.Browser;

/// <summary>Open pages that load their content again when something changes.</summary>
public sealed class LiveTests
{
    [Fact]
    public async Task A_page_opened_beside_another_follows_the_first_change_too()
    {
        await using var site = await Site.StartAsync(worker: false);
        await SubmitAsync(site);
        var tonight = await site.OpenAsync();
        await tonight.GotoAsync("/");
        var job = await site.OpenAsync();
        await job.GotoAsync("/jobs/1");
        await Expect(job.Locator("h1 .badge")).ToHaveTextAsync("queued");
        await site.Database.Actions.CancelAsync([1], TestContext.Current.CancellationToken);
        await Expect(job.Locator("h1 .badge")).ToHaveTextAsync("cancelled");
    }

    [Fact]
    public async Task A_page_older_than_the_first_event_of_its_stream_loads_its_content_again()
    {
        await using var site = await Site.StartAsync(worker: false);
        await SubmitAsync(site);
        var page = await site.OpenAsync();
        await page.RouteAsync("**/live", async route =>
        {
            await site.Database.Actions.CancelAsync([1], TestContext.Current.CancellationToken);
            await route.ContinueAsync();
        });
        await page.GotoAsync("/jobs/1");
        await Expect(page.Locator("h1 .badge")).ToHaveTextAsync("cancelled");
    }

    [Fact]
    public async Task A_form_that_was_opened_stays_open_while_the_queue_changes()
    {
        await using var site = await Site.StartAsync(worker: false);
        var (filling, watching) = (await site.OpenAsync(), await site.OpenAsync());
        await filling.GotoAsync("/queue");
        await filling.GetByText("Add a window").ClickAsync();
        await watching.GotoAsync("/queue");
        await SubmitAsync(site);
        await Expect(watching.GetByRole(AriaRole.Main)).ToContainTextAsync("demo|");
        await Expect(filling.GetByLabel("Opens")).ToBeVisibleAsync();
        await filling.GetByText("Add a window").ClickAsync(); // With the form closed again, the page loads its content again.
        await Expect(filling.GetByRole(AriaRole.Main)).ToContainTextAsync("demo|");
    }

    private static Task<IReadOnlyList<long>> SubmitAsync(Site site) =>
        site.Database.Submitter.SubmitAsync(
            [new JobRequest { Prompt = "a star", Width = 64, Height = 64 }], TestContext.Current.CancellationToken);
}
