using BatchGen.Dashboard.Security;
using BatchGen.EndToEndTests.Browser;
using BatchGen.EndToEndTests.Commands;
using BatchGen.Queue.Access;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.EndToEndTests.Proxies;

/// <summary>The dashboard of <c>batchgen up</c> and the proxies in front of it; each starts once, when a test first asks for it.</summary>
public sealed class ProxiedSite : IAsyncDisposable
{
    /// <summary>Login attempts that an address has in a minute.</summary>
    internal const int LoginAttempts = 2;

    /// <summary>Name and password of an operator.</summary>
    internal const string Name = "otto", Password = "operator password";

    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(2);

    private readonly Dictionary<string, ReverseProxy> _proxies = new(StringComparer.Ordinal);
    private TestDatabase? _database;
    private ProgramUnderTest? _program;
    private int _port;

    /// <summary>A key of an operator.</summary>
    internal string Key { get; } = ApiKey.Make();

    internal TestDatabase Database => _database ?? throw new InvalidOperationException("No proxy was asked for.");

    /// <summary>A proxy in front of the dashboard; without its program the test is skipped, or fails when CI=true.</summary>
    internal async Task<ReverseProxy> BehindAsync(string name)
    {
        var program = ReverseProxy.Find(name);
        if (program is null && Environment.GetEnvironmentVariable("CI") != "true")
            Assert.Skip($"{name} is not installed; ./batchgen test fetches it");
        Assert.NotNull(program);
        if (_database is null) await StartAsync();
        if (!_proxies.TryGetValue(name, out var proxy))
            _proxies[name] = proxy = await ReverseProxy.StartAsync(name, program, _port);
        return proxy;
    }

    public async ValueTask DisposeAsync()
    {
        // Processes end first: whatever fails afterwards leaves none behind.
        if (_program is not null) await _program.DisposeAsync();
        foreach (var proxy in _proxies.Values) await proxy.DisposeAsync();
        if (_database is not null) await _database.DisposeAsync();
    }

    private async Task StartAsync()
    {
        _database = await TestDatabase.CreateAsync();
        await _database.AddModelAsync();
        var access = new AccessStore(_database.Queue);
        await access.SaveAccountAsync(Name, PasswordHash.Make(Password), "operator", TestContext.Current.CancellationToken);
        await access.AddKeyAsync("program", ApiKey.Hash(Key), "operator", null, TestContext.Current.CancellationToken);
        _port = Site.FreePort();
        _program = new ProgramUnderTest(_database);
        _program.Environment["BatchGen__Dashboard__Url"] = $"http://127.0.0.1:{_port}";
        _program.Environment["BatchGen__Dashboard__TrustedProxies__0"] = "127.0.0.1";
        _program.Environment["BatchGen__Dashboard__LoginAttemptsPerMinute"] = $"{LoginAttempts}";
        var running = _program.Start("up", "--no-worker");
        using var limit = new CancellationTokenSource(StartLimit);
        await Site.WaitUntilUpAsync($"http://127.0.0.1:{_port}", running, limit.Token);
    }
}
