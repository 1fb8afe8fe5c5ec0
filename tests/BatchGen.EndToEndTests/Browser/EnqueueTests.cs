using System.Net;
using BatchGen.Core.Jobs;
using BatchGen.Imaging;
using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace BatchGen.EndToEndTests.Browser;

/// <summary>The enqueue form, from the first field to the finished image, as a person uses it.</summary>
public sealed class EnqueueTests
{
    [Fact]
    public async Task A_job_is_enqueued_by_form_watched_and_its_image_opened()
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

        // The list of jobs follows by itself, without reloading.
        await Expect(page.Locator("tbody .badge.succeeded")).ToHaveCountAsync(2, new() { Timeout = 60_000 });
        await Site.KeepAsync(page, "jobs");
        await page.GotoAsync("/jobs/1");
        await Expect(page.Locator("h1 .badge.good")).ToHaveTextAsync("verified");
        await Expect(page.Locator("dl.facts")).ToContainTextAsync("a red circle on a green background");
        await Site.KeepAsync(page, "job");
        await page.GotoAsync("/gallery");
        await page.Locator(".images a").First.ClickAsync();
        await Site.AtAsync(page, "/gallery/2");
        await Site.ShowsAsync(page.Locator(".viewer img"), 64);
        await page.Keyboard.PressAsync("ArrowRight");
        await Site.AtAsync(page, "/gallery/1");
        await page.Keyboard.PressAsync("Escape");
        await Site.AtAsync(page, "/gallery");

        // Again and vary start from the finished job.
        await page.GotoAsync("/jobs/1");
        await page.GetByRole(AriaRole.Link, new() { Name = "Vary" }).ClickAsync();
        await Expect(page.GetByLabel("Prompts")).ToHaveValueAsync("a red circle on a green background");
        await Expect(page.GetByLabel("demo-neon")).ToHaveValueAsync("0.8");
        await Expect(page.GetByLabel("Images per prompt")).ToHaveValueAsync("4");
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

        await page.GetByLabel("File")
            .SetInputFilesAsync(Csv("prompt,seed,adapters,width\na star,1,demo-neon@0.5,64\n\"a moon, big\",2,,64\n"));
        await page.GetByLabel("Campaign for rows that name none").FillAsync("from csv");
        await page.GetByRole(AriaRole.Button, new() { Name = "Check" }).Last.ClickAsync();
        await Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("2 jobs over 2 signatures");
        await Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("a moon, big");

        // The list that was read stays in the text box, so that submitting needs no second upload.
        await page.GetByRole(AriaRole.Button, new() { Name = "Submit" }).Last.ClickAsync();
        await Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("Submitted 2 jobs");
        var jobs = await site.Database.Catalog.ListAsync(new JobFilter(Campaign: "from csv"), TestContext.Current.CancellationToken);
        Assert.Equal(["a moon, big", "a star"], jobs.Select(job => job.Recipe.Prompt));
    }

    [Fact]
    public async Task Problems_of_the_enqueue_form_stand_beside_their_fields()
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
        await Expect(page.Locator("#problem-prompt")).ToContainTextAsync("never closes it");
        await Expect(page.GetByLabel("Steps")).ToHaveValueAsync("many");
        await Site.KeepAsync(page, "enqueue-problems");
    }

    [Fact]
    public async Task A_start_image_is_uploaded_checked_and_kept_for_again()
    {
        await using var site = await Site.StartAsync(worker: false);
        var page = await site.OpenAsync();
        await page.GotoAsync("/enqueue");
        await Expect(page.GetByLabel("Drawn anew")).ToBeHiddenAsync();
        await page.GetByText("More: start image").ClickAsync();
        await page.GetByLabel("Start image")
            .SetInputFilesAsync(new FilePayload { Name = "notes.png", MimeType = "image/png", Buffer = "no image"u8.ToArray() });
        await page.GetByRole(AriaRole.Button, new() { Name = "Check" }).First.ClickAsync();
        await Expect(page.Locator("#problem-start_image")).ToContainTextAsync("'notes.png' is not a PNG, WebP or JPEG");

        await page.GetByLabel("or one kept already").FillAsync("cats/gone.png");
        await page.GetByRole(AriaRole.Button, new() { Name = "Check" }).First.ClickAsync();
        await Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("Not in the start image folder of this machine: cats/gone.png.");

        var image = ImageEncoder.Encode(new PixelImage(8, 8, new byte[8 * 8 * 3]), ImageFormat.Png);
        await page.GetByLabel("Start image")
            .SetInputFilesAsync(new FilePayload { Name = "sketch.png", MimeType = "image/png", Buffer = image });
        await page.GetByLabel("Drawn anew").FillAsync("2");
        await page.GetByLabel("Guidance rescale").FillAsync("0.5");
        await page.GetByLabel("demo-neon").FillAsync("0.8:0.5[1,0,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]");
        await page.GetByLabel("Sampler").SelectOptionAsync("dpmpp_2m_karras");
        await page.GetByRole(AriaRole.Button, new() { Name = "Check" }).First.ClickAsync();
        await Expect(page.Locator("#problem-strength")).ToContainTextAsync("expected a finite number above 0 to 1, got 2");
        var name = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(image)) + ".png";
        await Expect(page.GetByLabel("or one kept already")).ToHaveValueAsync(name);
        await page.GetByLabel("Drawn anew").FillAsync("0.6");
        await page.GetByRole(AriaRole.Button, new() { Name = "Submit" }).First.ClickAsync();
        await Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("Submitted job 1.");
        var job = await site.Database.Catalog.FindAsync(1, TestContext.Current.CancellationToken);
        Assert.Equal((name, 0.6, 0.5, "dpmpp_2m_karras"),
            (job!.Recipe.StartImagePath, job.Recipe.Strength, job.Recipe.GuidanceRescale, job.Recipe.Sampler));

        // Again keeps everything that decides the image, down to the blocks.
        await page.GotoAsync("/jobs/1");
        await Expect(page.Locator("dl.facts")).ToContainTextAsync(name);
        await page.GetByRole(AriaRole.Link, new() { Name = "Again" }).ClickAsync();
        await Expect(page.GetByLabel("or one kept already")).ToHaveValueAsync(name);
        await Expect(page.GetByLabel("Drawn anew")).ToHaveValueAsync("0.6");
        await Expect(page.GetByLabel("demo-neon")).ToHaveValueAsync("0.8:0.5[1,0,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]");
        await Site.KeepAsync(page, "enqueue-more");
    }

    [Fact]
    public async Task The_API_keeps_start_images_and_answers_with_their_name()
    {
        await using var site = await Site.StartAsync(worker: false);
        using var client = new HttpClient { BaseAddress = new Uri(site.Url) };
        var image = ImageEncoder.Encode(new PixelImage(16, 8, new byte[16 * 8 * 3]), ImageFormat.WebP);
        var kept = await PostAsync("/api/v1/start-images", image, "image/webp");
        var name = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(image)) + ".webp";
        Assert.Equal((HttpStatusCode.Created, $$"""{"name":"{{name}}","width":16,"height":8}"""), kept);
        Assert.Equal(kept, await PostAsync("/api/v1/start-images", image, "image/webp"));
        var refused = await PostAsync("/api/v1/start-images", "no image"u8.ToArray(), "image/png");
        Assert.Equal(HttpStatusCode.BadRequest, refused.Status);
        Assert.Contains("is not a PNG, WebP or JPEG", refused.Body, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, (await PostAsync("/api/v1/start-images", image, "text/plain")).Status);

        var submitted = await PostAsync("/api/v1/jobs",
            System.Text.Encoding.UTF8.GetBytes($$"""{"prompt":"a star","start_image":"{{name}}","strength":0.5}"""), "application/json");
        Assert.Equal((HttpStatusCode.Created, """{"job_ids":[1]}"""), submitted);
        var job = await client.GetStringAsync("/api/v1/jobs/1", TestContext.Current.CancellationToken);
        Assert.Contains($"\"start_image\":\"{name}\",\"strength\":0.5", job, StringComparison.Ordinal);
        var description = await client.GetStringAsync("/openapi/v1.json", TestContext.Current.CancellationToken);
        Assert.All((string[])["/api/v1/start-images", "\"start_image\"", "\"strength\"", "\"guidance_rescale\""],
            part => Assert.Contains(part, description, StringComparison.Ordinal));

        async Task<(HttpStatusCode Status, string Body)> PostAsync(string path, byte[] body, string type)
        {
            using var content = new ByteArrayContent(body);
            content.Headers.ContentType = new System.Net.Http.Headers.MediaTypeHeaderValue(type);
            using var answer = await client.PostAsync(path, content, TestContext.Current.CancellationToken);
            return (answer.StatusCode, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        }
    }

    [Fact]
    public async Task Enqueueing_and_reading_work_without_JavaScript()
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

    private static FilePayload Csv(string text) =>
        new() { Name = "jobs.csv", MimeType = "text/csv", Buffer = System.Text.Encoding.UTF8.GetBytes(text) };
}
