using System.Net.Http.Json;
using System.Security.Cryptography;
using BatchGen.Core.Jobs;
using BatchGen.EndToEndTests.Commands;
using BatchGen.Imaging;
using BatchGen.Imaging.Recipes;
using BatchGen.Testing;
using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace BatchGen.EndToEndTests.Browser;

/// <summary>A field that is declared once reaches the image from every way of submitting.</summary>
public sealed class EtaFieldTests
{
    private const string Prompt = "a big red circle on a blue background";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Eta_reaches_the_image_and_its_recipe_from_every_way_of_submitting()
    {
        await using var site = await Site.StartAsync(worker: true);
        await using var program = new ProgramUnderTest(site.Database);
        await RunAsync(program, "submit", "--prompt", Prompt, "--seed", "1", "--steps", "6");
        await RunAsync(program, "submit", "--prompt", Prompt, "--seed", "1", "--steps", "6", "--eta", "0.1");
        await SubmitListAsync(program, "jobs.csv", $"prompt,seed,steps,eta\n{Prompt},1,6,0.2\n");
        await SubmitListAsync(program, "jobs.jsonl", $$"""{"prompt":"{{Prompt}}","seed":1,"steps":6,"eta":0.3}""");
        await site.Database.SqlAsync($$"""select submit_job('{"prompt": "{{Prompt}}", "seed": 1, "steps": 6, "eta": 0.4}')""");
        await SubmitByApiAsync(site, 0.5);
        await SubmitByFormAsync(site, "0.6");

        await Wait.UntilAsync(
            "7 images are verified", () => site.Database.Catalog.CountAsync(null, Token), counts => counts.Verified == 7,
            TimeSpan.FromMinutes(2), Token);
        var jobs = await site.Database.Catalog.ListAsync(new JobFilter(), Token);
        var images = jobs.OrderBy(job => job.JobId).Select(job => Path.Combine(site.ImageFolder, job.Image!.RelativePath)).ToArray();
        Assert.Equal(
            [null, "0.1", "0.2", "0.3", "0.4", "0.5", "0.6"], images.Select(path => RecipeReader.Read(path).TextOf(JobFields.Eta)));
        Assert.Equal(7, images.Select(PixelsOf).Distinct().Count());
    }

    [Fact]
    public async Task Eta_is_refused_for_samplers_that_do_not_use_it()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync();
        await using var program = new ProgramUnderTest(database);
        var refused = await program.RunHereAsync("submit", "--prompt", Prompt, "--sampler", "euler", "--eta", "0.5");
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("jobs[0].eta: only the samplers ddim, ddim_trailing use it, and the job's is euler; leave it out.", refused.Error,
            StringComparison.Ordinal);
    }

    private static async Task SubmitListAsync(ProgramUnderTest program, string name, string text)
    {
        var list = Path.Combine(program.DataFolder, name);
        await File.WriteAllTextAsync(list, text, Token);
        await RunAsync(program, "submit", list);
    }

    private static async Task SubmitByApiAsync(Site site, double eta)
    {
        using var client = new HttpClient { BaseAddress = new Uri(site.Url) };
        using var answer = await client.PostAsJsonAsync("/api/v1/jobs", new { prompt = Prompt, seed = 1, steps = 6, eta }, Token);
        Assert.Equal(System.Net.HttpStatusCode.Created, answer.StatusCode);
    }

    private static async Task SubmitByFormAsync(Site site, string eta)
    {
        var page = await site.OpenAsync();
        await page.GotoAsync("/enqueue");
        await page.GetByLabel("Prompts").FillAsync(Prompt);
        await page.GetByLabel("Seeds").FillAsync("1");
        await page.GetByLabel("Steps").FillAsync("6");
        await page.GetByText("More:").ClickAsync();
        await page.GetByLabel("Eta").FillAsync(eta);
        await page.GetByRole(AriaRole.Button, new() { Name = "Submit" }).First.ClickAsync();
        await Expect(page.GetByText("Submitted job")).ToBeVisibleAsync();
    }

    private static async Task RunAsync(ProgramUnderTest program, params string[] arguments)
    {
        var result = await program.RunHereAsync(arguments);
        Assert.True(result.ExitCode == 0, $"{string.Join(' ', arguments)}: {result.Error}");
    }

    private static string PixelsOf(string path) => Convert.ToHexString(SHA256.HashData(ImageEncoder.Decode(File.ReadAllBytes(path)).Rgb));
}
