using BatchGen.Core.Jobs;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using Xunit;

namespace BatchGen.EndToEndTests.Browser;

/// <summary>Every page, light and dark, wide and on a phone: whether it is accessible, and whether it fits.</summary>
public sealed class LooksTests
{
    private static readonly (string Name, string Path)[] Pages =
    [
        ("tonight", "/"), ("enqueue", "/enqueue?again=1"), ("queue", "/queue"), ("jobs-list", "/jobs"), ("job-page", "/jobs/1"),
        ("gallery", "/gallery"), ("picture", "/gallery/1"), ("campaigns", "/campaigns"), ("campaign-page", "/campaign?name=looks"),
        ("weights", "/weights"), ("workers", "/workers"), ("models", "/models"), ("api", "/api"), ("login-page", "/login"),
    ];

    private static readonly DateTimeOffset FarAway = new(2099, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task Every_page_is_accessible_and_fits()
    {
        await using var site = await Site.StartAsync(worker: true);
        await site.Database.Submitter.SubmitAsync(
            Enumerable.Range(0, 12).Select(i => new JobRequest
            {
                Prompt = i % 2 == 0 ? "a yellow star on a purple background" : "a blue house in the snow", Width = 64, Height = 64,
                Steps = 8, GuidanceScale = 4.5, Seed = i, Campaign = "looks",
                Adapters = (i % 3) switch { 0 => [], 1 => [new("demo-neon", 0.8m)], _ => [new("demo-striped", 1m)] },
            }).ToArray(), TestContext.Current.CancellationToken);
        await site.UntilCountsAsync("twelve images are verified", counts => counts.Verified == 12);
        await site.Database.Submitter.SubmitAsync(
            Enumerable.Range(0, 5).Select(_ => new JobRequest { Prompt = "later", RunAt = FarAway, Campaign = "looks" }).ToArray(),
            TestContext.Current.CancellationToken);

        var problems = new List<string>();
        foreach (var (dark, phone) in new[] { (false, false), (true, false), (false, true) })
        {
            var page = await site.OpenAsync(phone: phone, dark: dark, bypassPolicy: true);
            foreach (var (name, path) in Pages)
            {
                var answer = await page.GotoAsync(path);
                Assert.Equal((path, 200), (path, answer!.Status));
                await page.Locator("img").EvaluateAllAsync<object>(
                    "images => Promise.all(images.map(image => (image.loading = 'eager', image.complete) "
                        + "|| new Promise(done => image.onload = image.onerror = done)))");
                await Site.KeepAsync(page, $"{name}{(dark ? "-dark" : "")}{(phone ? "-phone" : "")}");
                var width = await page.EvaluateAsync<int>("document.documentElement.scrollWidth - document.documentElement.clientWidth");
                if (width > 0) problems.Add($"{path}{(phone ? " on a phone" : "")}: {width} pixels too wide");
                if (phone) continue;
                var found = await page.RunAxe();
                problems.AddRange(found.Violations.Select(violation =>
                    $"{path}{(dark ? " dark" : "")}: {violation.Id} ({violation.Impact}): {violation.Help}: "
                        + $"{string.Join(" | ", violation.Nodes.Take(3).Select(node => node.Html))}"));
            }

            await page.Context.CloseAsync();
        }

        Assert.True(problems.Count == 0, string.Join('\n', problems));
    }

    [Fact]
    public async Task The_page_Tonight_shows_a_new_image_and_checkpoint_by_itself()
    {
        await using var site = await Site.StartAsync(worker: true);
        var page = await site.OpenAsync();
        await page.GotoAsync("/");
        await site.Database.Submitter.SubmitAsync(
            [new JobRequest { Prompt = "a green tree on a meadow", Width = 64, Height = 64, Steps = 4, Seed = 1 }],
            TestContext.Current.CancellationToken);
        await Assertions.Expect(page.Locator("[data-live=newest] img")).ToHaveCountAsync(1, new() { Timeout = 60_000 });
        await Assertions.Expect(page.Locator("[data-live=checkpoints] li.passed")).Not.ToHaveCountAsync(0);
    }
}
