using Microsoft.Playwright;

namespace BatchGen.EndToEndTests.Browser;

/// <summary>The one browser of all tests, started by the first that needs it. Each test opens windows of its own in it, which share
/// neither cookies nor cache with those of another.</summary>
public sealed class SharedBrowser : IAsyncDisposable
{
    // Without these the browser contacts its maker at every start.
    private static readonly string[] Arguments =
    [
        "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync",
    ];

    private static IPlaywright? _playwright;
    private static IBrowser? _browser;

    /// <summary>The browser; a new one where that of earlier tests has died.</summary>
    /// <remarks>Tests of this assembly run one after another.</remarks>
    /// <param name="program">Path of chromium.</param>
    internal static async Task<IBrowser> StartAsync(string program)
    {
        if (_browser is { IsConnected: true }) return _browser;
        _playwright ??= await Playwright.CreateAsync();
        return _browser = await _playwright.Chromium.LaunchAsync(
            new BrowserTypeLaunchOptions { ExecutablePath = program, Args = Arguments });
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_browser is not null) await _browser.DisposeAsync();
        _playwright?.Dispose();
    }
}
