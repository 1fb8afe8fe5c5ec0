using System.Net;
using BatchGen.Core.Jobs;
using BatchGen.Core.Registry;
using BatchGen.Queue.Schedules;
using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace BatchGen.EndToEndTests.Browser;

/// <summary>Login, roles, tokens of forms, and texts of users that hold scripts.</summary>
public sealed class SecurityTests
{
    private const string Script = "<script>window.hacked=1</script><img src=x onerror=window.hacked=2>";

    private static readonly string[] Pages =
    [
        "/", "/enqueue", "/queue", "/jobs", "/jobs/1", "/gallery", "/campaigns", "/weights", "/workers", "/models", "/api",
    ];

    [Fact]
    public async Task People_log_in_and_viewers_change_nothing()
    {
        await using var site = await Site.StartAsync(
            worker: false, ("eve", "viewer password", "viewer"), ("otto", "operator password", "operator"));
        var page = await site.OpenAsync();
        await page.GotoAsync("/jobs?state=failed");
        await Site.AtAsync(page, "/login?return=%2Fjobs%3Fstate%3Dfailed");
        foreach (var (name, password) in new[] { ("eve", "wrong"), ("nobody", "viewer password") })
        {
            await page.GotoAsync("/login?return=%2Fjobs");
            await LogInAsync(page, name, password);
            await Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("Name or password is wrong.");
        }

        await Site.KeepAsync(page, "login");
        await page.GotoAsync("/login?return=//evil.example/");
        await LogInAsync(page, "eve", "viewer password");
        await Site.AtAsync(page, "/");
        var refused = await page.GotoAsync("/enqueue");
        Assert.Equal(403, refused!.Status);
        await Expect(page.GetByRole(AriaRole.Main)).ToContainTextAsync("Not allowed");
        Assert.Equal(200, (await page.GotoAsync("/hangfire"))!.Status);
        await page.GotoAsync("/workers");
        await page.GetByRole(AriaRole.Button, new() { Name = "Log out" }).ClickAsync();
        await Site.AtAsync(page, "/login");
        await LogInAsync(page, "otto", "operator password");
        await Site.AtAsync(page, "/");
        Assert.Equal(200, (await page.GotoAsync("/enqueue"))!.Status);
        await Site.AtAsync(page, "/enqueue");

        using var client = new HttpClient { BaseAddress = new Uri(site.Url) };
        Assert.Equal(
            HttpStatusCode.Unauthorized, (await client.GetAsync("/api/v1/jobs", TestContext.Current.CancellationToken)).StatusCode);
        using var image = new ByteArrayContent([1]);
        image.Headers.ContentType = new("image/png");
        Assert.Equal(HttpStatusCode.Unauthorized,
            (await client.PostAsync("/api/v1/start-images", image, TestContext.Current.CancellationToken)).StatusCode);
    }

    [Fact]
    public async Task A_form_without_its_token_is_refused()
    {
        await using var site = await Site.StartAsync(worker: false);
        using var client = new HttpClient { BaseAddress = new Uri(site.Url) };
        foreach (var path in new[] { "/enqueue", "/enqueue/list", "/jobs/cancel", "/jobs/retry", "/queue/pause", "/queue/cancel",
            "/campaigns/schedules", $"/workers/{Guid.NewGuid()}/drain", "/login", "/logout" })
        {
            using var form = new FormUrlEncodedContent([new("prompt", "x"), new("ids", "1"), new("kind", "model"), new("name", "demo"),
                new("paused", "true"), new("signature", "x"), new("priority", "0")]);
            using var answer = await client.PostAsync(path, form, TestContext.Current.CancellationToken);
            Assert.Equal((path, HttpStatusCode.BadRequest), (path, answer.StatusCode));
        }

        Assert.Equal(0, (await site.Database.Catalog.CountAsync(null, TestContext.Current.CancellationToken)).Total);
    }

    [Fact]
    public async Task Script_in_any_text_of_users_is_shown_as_text()
    {
        await using var site = await Site.StartAsync(worker: false);
        await site.Database.Adapters.AddAsync(
            new AdapterRecord("evil", "/x.safetensors", new string('e', 64), 1, Script, Script, "", 1, 1, 1, [Script]), replace: false,
            TestContext.Current.CancellationToken);
        await site.Database.Submitter.SubmitAsync(
            [
                new JobRequest
                {
                    Prompt = Script,
                    NegativePrompt = Script,
                    Campaign = Script,
                    Tags = [Script],
                    Adapters = [new("evil", 1m)],
                    Width = 64,
                    Height = 64,
                },
            ],
            TestContext.Current.CancellationToken);
        await site.Database.Workers.StartAsync(Guid.NewGuid(), Script, new(Script, Script, Script), TestContext.Current.CancellationToken);
        var schedules = new ScheduleStore(site.Database.Queue);
        var schedule = await schedules.SaveAsync(
            Script, "0 22 * * *", "UTC", $"prompt\n{Script}", 1, TestContext.Current.CancellationToken);
        await schedules.NoteRunAsync(schedule, Script, TestContext.Current.CancellationToken);
        await new WindowStore(site.Database.Queue)
            .SaveAsync(Script, "UTC", new TimeOnly(22, 0), new TimeOnly(6, 0), TestContext.Current.CancellationToken);
        var page = await site.OpenAsync();
        var complaints = new List<string>();
        page.Console += (_, message) =>
        {
            if (message.Type == "error") complaints.Add($"{page.Url}: {message.Text}");
        };
        foreach (var path in Pages.Concat(
            [
                "/campaign?name=" + Uri.EscapeDataString(Script), "/enqueue?again=1", "/jobs?text=" + Uri.EscapeDataString(Script),
                "/jobs?note=" + Uri.EscapeDataString(Script), "/gallery?campaign=" + Uri.EscapeDataString(Script),
            ]))
        {
            await page.GotoAsync(path);
            Assert.Equal((path, "undefined"), (path, await page.EvaluateAsync<string>("typeof window.hacked")));
        }

        await page.GotoAsync("/jobs/1");
        await Expect(page.Locator("dl.facts")).ToContainTextAsync(Script);
        await page.GotoAsync("/campaigns");
        await Expect(page.Locator("table").Last).ToContainTextAsync(Script);
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Remove " + Script })).ToBeVisibleAsync();
        await page.GotoAsync("/queue");
        await Expect(page.Locator("table").Last).ToContainTextAsync(Script);
        Assert.True(complaints.Count == 0, string.Join('\n', complaints)); // Not even the content security policy had to stop a script.
    }

    [Fact]
    public async Task An_address_open_to_others_needs_an_account_first()
    {
        await using var database = await Testing.TestDatabase.CreateAsync();
        await using var program = new Commands.ProgramUnderTest(database);
        program.Environment["BatchGen__Dashboard__Url"] = "http://0.0.0.0:0";
        var result = await program.RunAsync("up", "--no-worker");
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("nobody would have to log in", result.Error, StringComparison.Ordinal);
    }

    private static async Task LogInAsync(IPage page, string name, string password)
    {
        await page.GetByLabel("Name").FillAsync(name);
        await page.GetByLabel("Password").FillAsync(password);
        await page.GetByRole(AriaRole.Button, new() { Name = "Log in" }).ClickAsync();
    }
}
