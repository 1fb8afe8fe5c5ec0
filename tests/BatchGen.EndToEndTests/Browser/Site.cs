using System.Net;
using System.Net.Sockets;
using BatchGen.Core.Jobs;
using BatchGen.Dashboard.Security;
using BatchGen.EndToEndTests.Commands;
using BatchGen.Queue.Access;
using BatchGen.Testing;
using Microsoft.Playwright;
using Xunit;

namespace BatchGen.EndToEndTests.Browser;

/// <summary>The program as <c>batchgen up</c> runs it, and windows of a browser that show its pages.</summary>
internal sealed class Site : IAsyncDisposable
{
    private static readonly string[] Programs = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

    // Below the ports that the system gives to outgoing connections, which would now and then take the same one.
    private const int FirstPort = 10_000, LastPort = 32_000;

    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(2);

    private readonly TestDatabase _database;
    private readonly ProgramUnderTest _program;
    private readonly IBrowser _browser;
    private readonly List<IBrowserContext> _windows = [];

    /// <summary>A busy machine may take long to answer; five seconds, the driver's own limit, is too few.</summary>
    static Site() => Assertions.SetDefaultExpectTimeout(30_000);

    private Site(TestDatabase database, ProgramUnderTest program, IBrowser browser, string url)
    {
        _database = database;
        _program = program;
        _browser = browser;
        Url = url;
    }

    public string Url { get; }

    public TestDatabase Database => _database;

    /// <summary>The folder that the worker saves images in.</summary>
    public string ImageFolder => Path.Combine(_program.DataFolder, "images");

    /// <summary>Starts a database and the program, and the browser if none runs.</summary>
    /// <param name="worker">With a worker, and the demo model and adapters registered.</param>
    /// <param name="accounts">People who may log in: name, password, role.</param>
    public static async Task<Site> StartAsync(bool worker, params (string Name, string Password, string Role)[] accounts)
    {
        var chromium = Array.Find(Programs, File.Exists);
        var mustRun = string.Equals(System.Environment.GetEnvironmentVariable("CI"), "true", StringComparison.OrdinalIgnoreCase);
        if (chromium is null && mustRun) Assert.Fail("chromium is missing; the browser tests need it.");
        Assert.SkipWhen(chromium is null, "chromium is missing; the browser tests need it.");

        var database = await TestDatabase.CreateAsync();
        var access = new AccessStore(database.Queue);
        foreach (var (name, password, role) in accounts)
            await access.SaveAccountAsync(name, PasswordHash.Make(password), role, TestContext.Current.CancellationToken);
        var program = new ProgramUnderTest(database);
        var url = $"http://127.0.0.1:{FreePort()}";
        program.Environment["BatchGen__Dashboard__Url"] = url;
        program.Environment["BatchGen__Dashboard__TimeZone"] = "UTC";
        program.Environment["BatchGen__Worker__HeartbeatInterval"] = "00:00:00.300";
        var model = await program.RunHereAsync("models", "add", Path.Combine(RepositoryPaths.Models, "demo"), "--name", "demo");
        var adapters = await program.RunHereAsync("adapters", "add", Path.Combine(RepositoryPaths.Models, "demo-adapters"));
        Assert.Equal((0, 0), (model.ExitCode, adapters.ExitCode));
        var running = program.Start(worker ? ["up"] : ["up", "--no-worker"]);
        using var limit = new CancellationTokenSource(StartLimit);
        await WaitUntilUpAsync(url, running, limit.Token);
        // Loading torch from a cold disk takes longer than the waits of a test allow.
        if (worker)
        {
            await Wait.UntilAsync(
                "a worker has registered", async () => (await database.Workers.ListAsync(limit.Token)).Count > 0, StartLimit, limit.Token);
        }

        return new Site(database, program, await SharedBrowser.StartAsync(chromium!), url);
    }

    /// <summary>A fresh window: no cookies, nothing cached.</summary>
    public async Task<IPage> OpenAsync(bool javaScript = true, bool phone = false, bool dark = false, bool bypassPolicy = false)
    {
        var context = await _browser.NewContextAsync(new BrowserNewContextOptions
        {
            BaseURL = Url, JavaScriptEnabled = javaScript, ColorScheme = dark ? ColorScheme.Dark : ColorScheme.Light,
            BypassCSP = bypassPolicy,
            ViewportSize = phone ? new ViewportSize { Width = 390, Height = 844 } : new ViewportSize { Width = 1280, Height = 900 },
        });
        _windows.Add(context);
        context.SetDefaultTimeout(30_000);
        return await context.NewPageAsync();
    }

    /// <summary>Waits until the page stands at an address, whole: a key pressed before its script has run is lost,
    /// as it is for people.</summary>
    /// <remarks>Playwright's own wait for an address reads it before it listens, and misses a navigation that comes between.</remarks>
    public static async Task AtAsync(IPage page, string path)
    {
        await Assertions.Expect(page).ToHaveURLAsync(path);
        await page.WaitForLoadStateAsync(LoadState.Load);
    }

    /// <summary>Waits until an image is there: one that loads lazily comes after the page has loaded.</summary>
    public static Task ShowsAsync(ILocator image, int width) => Assertions.Expect(image).ToHaveJSPropertyAsync("naturalWidth", width);

    /// <summary>Waits until the jobs stand as wanted.</summary>
    /// <param name="what">The statement that is to become true.</param>
    /// <param name="hold">Whether the counts are as wanted.</param>
    public Task UntilCountsAsync(string what, Func<JobCounts, bool> hold) => Wait.UntilAsync(
        what, () => Database.Catalog.CountAsync(null, TestContext.Current.CancellationToken), hold, TimeSpan.FromMinutes(3),
        TestContext.Current.CancellationToken);

    /// <summary>Keeps a screenshot of the page under <c>out/screenshots</c>, for people to look at.</summary>
    public static Task<byte[]> KeepAsync(IPage page, string name) => page.ScreenshotAsync(new PageScreenshotOptions
    {
        Path = Path.Combine(RepositoryPaths.Root, "out", "screenshots", name + ".png"), FullPage = true,
    });

    public async ValueTask DisposeAsync()
    {
        foreach (var window in _windows) await window.DisposeAsync();
        await _program.DisposeAsync();
        await _database.DisposeAsync();
    }

    /// <summary>A port nobody listens on.</summary>
    public static int FreePort()
    {
        for (var port = FirstPort + (System.Environment.ProcessId % ((LastPort - FirstPort) / 2)); port < LastPort; port++)
        {
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, port);
                listener.Start();
                return port;
            }
            catch (SocketException)
            {
                // Somebody listens there.
            }
        }

        throw new InvalidOperationException("No port is free.");
    }

    /// <summary>Waits until the dashboard answers.</summary>
    public static async Task WaitUntilUpAsync(string url, RunningProgram? program, CancellationToken cancellationToken)
    {
        using var client = new HttpClient();
        await Wait.UntilAsync($"the dashboard answers on {url}", AnswersAsync, StartLimit, cancellationToken);

        async Task<bool> AnswersAsync()
        {
            if (program?.Ended is { } ended) Assert.Fail($"The program ended by itself, exit code {ended.ExitCode}:\n{ended.Error}");
            try
            {
                using var answer = await client.GetAsync(url + "/login", cancellationToken);
                return answer.IsSuccessStatusCode;
            }
            catch (HttpRequestException)
            {
                return false; // The dashboard does not listen yet.
            }
        }
    }
}
