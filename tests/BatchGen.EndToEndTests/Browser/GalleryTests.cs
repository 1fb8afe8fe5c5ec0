using BatchGen.Core.Jobs;
using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace BatchGen.EndToEndTests.Browser;

/// <summary>The gallery by keyboard.</summary>
public sealed class GalleryTests
{
    [Fact]
    public async Task Arrow_keys_walk_both_ways_and_stay_in_the_filtered_list()
    {
        await using var site = await Site.StartAsync(worker: true);
        await site.Database.Submitter.SubmitAsync(
            Enumerable.Range(0, 6).Select(i => new JobRequest
            {
                Prompt = "a yellow star",
                Width = 64,
                Height = 64,
                Steps = 2,
                Seed = i,
                Campaign = i % 2 == 0 ? "even" : "odd",
            }).ToArray(),
            TestContext.Current.CancellationToken);
        await site.UntilCountsAsync("six images are drawn", counts => counts.Succeeded == 6);

        var page = await site.OpenAsync();
        await page.GotoAsync("/gallery?campaign=even");
        await Expect(page.Locator(".images img")).ToHaveCountAsync(3);
        await Site.ShowsAsync(page.Locator(".images img").First, 64);
        await page.Locator(".images a").First.ClickAsync();
        await Site.AtAsync(page, "/gallery/5?campaign=even");
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = "← Newer" })).ToHaveCountAsync(0);
        await PressAsync(page, "ArrowRight", "/gallery/3?campaign=even");
        await PressAsync(page, "ArrowRight", "/gallery/1?campaign=even");
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = "Older →" })).ToHaveCountAsync(0);
        await PressAsync(page, "ArrowLeft", "/gallery/3?campaign=even");
        await PressAsync(page, "ArrowLeft", "/gallery/5?campaign=even");
        await PressAsync(page, "Escape", "/gallery?campaign=even");

        // Without a filter the neighbours are those of the whole gallery.
        await page.GotoAsync("/gallery/3");
        await PressAsync(page, "ArrowLeft", "/gallery/4");
        await PressAsync(page, "ArrowRight", "/gallery/3");
        await PressAsync(page, "ArrowRight", "/gallery/2");
    }

    private static async Task PressAsync(IPage page, string key, string path)
    {
        await page.Keyboard.PressAsync(key);
        await Site.AtAsync(page, path);
        if (key != "Escape")
            await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync($"Image of job {path.Split('/', '?')[2]}");
    }
}
