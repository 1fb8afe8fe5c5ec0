using BatchGen.Core.Jobs;
using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace BatchGen.EndToEndTests.Browser;

/// <summary>Walking through pictures with the keyboard.</summary>
public sealed class GalleryTests
{
    [Fact]
    public async Task Arrow_keys_walk_both_ways_and_stay_in_the_list()
    {
        await using var site = await Site.StartAsync(worker: true);
        await site.Database.Submitter.SubmitAsync(
            Enumerable.Range(0, 6).Select(i => new JobRequest { Prompt = "a yellow star", Width = 64, Height = 64, Steps = 2, Seed = i, Campaign = i % 2 == 0 ? "even" : "odd" }).ToArray(),
            TestContext.Current.CancellationToken);
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while ((await site.Database.Catalog.CountAsync(null, limit.Token)).Succeeded < 6) await Task.Delay(100, limit.Token);

        var page = await site.OpenAsync();
        await page.GotoAsync("/gallery?campaign=even");
        await Expect(page.Locator(".pictures img")).ToHaveCountAsync(3);
        Assert.Equal(64, await page.EvaluateAsync<int>("document.querySelector('.pictures img').naturalWidth"));
        await page.Locator(".pictures a").First.ClickAsync();
        await AtAsync(page, 5);
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = "← Newer" })).ToHaveCountAsync(0);
        await PressAsync(page, "ArrowRight", 3);
        await PressAsync(page, "ArrowRight", 1);
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = "Older →" })).ToHaveCountAsync(0);
        await PressAsync(page, "ArrowLeft", 3);
        await PressAsync(page, "ArrowLeft", 5);
        await page.Keyboard.PressAsync("Escape");
        await page.WaitForURLAsync(site.Url + "/gallery?campaign=even");

        // Without a filter the neighbours are those of the whole gallery.
        await page.GotoAsync("/gallery/3");
        await PressAsync(page, "ArrowLeft", 4);
        await PressAsync(page, "ArrowRight", 3);
        await PressAsync(page, "ArrowRight", 2);
    }

    private static async Task PressAsync(IPage page, string key, long job)
    {
        await page.Keyboard.PressAsync(key);
        await AtAsync(page, job);
    }

    // A key pressed before the page's script has run is lost, as it is for people.
    private static async Task AtAsync(IPage page, long job)
    {
        await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync($"Picture of job {job}");
        await page.WaitForLoadStateAsync(LoadState.Load);
    }
}
