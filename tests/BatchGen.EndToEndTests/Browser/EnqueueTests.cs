using BatchGen.Core.Jobs;
using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace BatchGen.EndToEndTests.Browser;

/// <summary>From the form to the picture, as a person does it.</summary>
public sealed class EnqueueTests
{
    [Fact]
    public async Task A_job_is_enqueued_by_form_watched_and_its_picture_opened()
    {
        await using var site = await Site.StartAsync(worker: true);
        var page = await site.OpenAsync();
        await page.GotoAsync("/enqueue");
        await page.GetByLabel("Prompts").FillAsync("a {red|blue} circle on a green background");
        await page.GetByLabel("demo-neon").FillAsync("0.8");
        await page.GetByLabel("Width").FillAsync("64");
        await page.GetByLabel("Height").FillAsync("64");
        await page.GetByLabel("Steps").FillAsync("4");
        await page.GetByLabel("Seeds").FillAsync("7");
        await page.GetByLabel("Campaign", new() { Exact = true }).FillAsync("by form");
        await page.GetByRole(AriaRole.Button, new() { Name = "Check" }).First.ClickAsync();
        await Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("2 jobs over 1 signature");
        Assert.Equal(0, (await site.Database.Catalog.CountAsync(null, TestContext.Current.CancellationToken)).Total);
        await page.GetByRole(AriaRole.Button, new() { Name = "Submit" }).First.ClickAsync();
        await Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("Submitted 2 jobs, 1 to 2.");

        // The list follows by itself, without reloading.
        await Expect(page.Locator("tbody .badge.succeeded")).ToHaveCountAsync(2, new() { Timeout = 60_000 });
        await Site.KeepAsync(page, "jobs");
        await page.GotoAsync("/jobs/1");
        await Expect(page.Locator("h1 .badge.good")).ToHaveTextAsync("verified");
        await Expect(page.Locator("dl.facts")).ToContainTextAsync("a red circle on a green background");
        await Site.KeepAsync(page, "job");
        await page.GotoAsync("/gallery");
        await page.Locator(".pictures a").First.ClickAsync();
        await page.WaitForURLAsync("**/gallery/2");
        var picture = page.Locator(".viewer img");
        Assert.Equal(64, await picture.EvaluateAsync<int>("image => image.naturalWidth"));
        await page.Keyboard.PressAsync("ArrowRight");
        await page.WaitForURLAsync("**/gallery/1");
        await page.Keyboard.PressAsync("Escape");
        await page.WaitForURLAsync("**/gallery");

        // Again and vary start from the finished job.
        await page.GotoAsync("/jobs/1");
        await page.GetByRole(AriaRole.Link, new() { Name = "Vary" }).ClickAsync();
        Assert.Equal("a red circle on a green background", await page.GetByLabel("Prompts").InputValueAsync());
        Assert.Equal("0.8", await page.GetByLabel("demo-neon").InputValueAsync());
        Assert.Equal("4", await page.GetByLabel("Pictures per prompt").InputValueAsync());
        await page.GotoAsync("/campaign?name=by%20form");
        await Expect(page.GetByRole(AriaRole.Main)).ToContainTextAsync("Everything was rendered and verified.");
        await Site.KeepAsync(page, "campaign");
    }

    [Fact]
    public async Task Jobs_are_enqueued_from_a_csv_file_and_wrong_rows_are_named()
    {
        await using var site = await Site.StartAsync(worker: false);
        var page = await site.OpenAsync();
        await page.GotoAsync("/enqueue");
        await page.GetByLabel("File").SetInputFilesAsync(Csv("prompt,sed\na,1\n"));
        await page.GetByRole(AriaRole.Button, new() { Name = "Submit" }).Last.ClickAsync();
        await Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("there is no field 'sed'. Did you mean 'seed'?");

        await page.GetByLabel("File").SetInputFilesAsync(Csv("prompt,seed,adapters,width\na star,1,demo-neon@0.5,64\n\"a moon, big\",2,,64\n"));
        await page.GetByLabel("Campaign for rows that name none").FillAsync("from csv");
        await page.GetByRole(AriaRole.Button, new() { Name = "Check" }).Last.ClickAsync();
        await Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("2 jobs over 2 signatures");
        await Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("a moon, big");

        // What was read stays in the text box, so that submitting needs no second upload.
        await page.GetByRole(AriaRole.Button, new() { Name = "Submit" }).Last.ClickAsync();
        await Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("Submitted 2 jobs");
        var jobs = await site.Database.Catalog.ListAsync(new JobFilter(Campaign: "from csv"), TestContext.Current.CancellationToken);
        Assert.Equal(["a moon, big", "a star"], jobs.Select(job => job.Recipe.Prompt));
    }

    [Fact]
    public async Task Problems_stand_beside_their_fields()
    {
        await using var site = await Site.StartAsync(worker: false);
        var page = await site.OpenAsync();
        await page.GotoAsync("/enqueue");
        await page.GetByLabel("Width").FillAsync("63");
        await page.GetByRole(AriaRole.Button, new() { Name = "Submit" }).First.ClickAsync();
        await Expect(page.Locator("#problem-width")).ToContainTextAsync("expected");
        await page.GetByLabel("Width").FillAsync("64");
        await page.GetByLabel("Steps").FillAsync("many");
        await page.GetByLabel("demo-pixel").FillAsync("NaN");
        await page.GetByLabel("Prompts").FillAsync("a {b");
        await page.GetByRole(AriaRole.Button, new() { Name = "Submit" }).First.ClickAsync();
        await Expect(page.Locator("#problem-steps")).ToContainTextAsync("expected a whole number");
        await Expect(page.Locator("#problem-adapters")).ToContainTextAsync("is not a number");
        await Expect(page.Locator("#problem-prompts")).ToContainTextAsync("never closes it");
        Assert.Equal("many", await page.GetByLabel("Steps").InputValueAsync());
        await Site.KeepAsync(page, "enqueue-problems");
    }

    [Fact]
    public async Task Enqueueing_and_reading_work_without_script()
    {
        await using var site = await Site.StartAsync(worker: false);
        var page = await site.OpenAsync(javaScript: false);
        await page.GotoAsync("/enqueue");
        await page.GetByLabel("Prompts").FillAsync("a tree");
        await page.GetByRole(AriaRole.Button, new() { Name = "Submit" }).First.ClickAsync();
        await Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("Submitted job 1.");
        await page.GotoAsync("/");
        await Expect(page.Locator(".tiles")).ToContainTextAsync("Waiting1");
    }

    private static FilePayload Csv(string text) => new() { Name = "jobs.csv", MimeType = "text/csv", Buffer = System.Text.Encoding.UTF8.GetBytes(text) };
}
