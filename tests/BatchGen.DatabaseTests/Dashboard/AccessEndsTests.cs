using System.Net;
using System.Text.RegularExpressions;
using BatchGen.Dashboard;
using BatchGen.Dashboard.Security;
using BatchGen.Queue.Access;
using BatchGen.Testing;
using Microsoft.Extensions.Time.Testing;
using Npgsql;
using Xunit;

namespace BatchGen.DatabaseTests.Dashboard;

/// <summary>Logins and open streams end when the access behind them is changed or taken away.</summary>
[Collection(DashboardHost.OneAtATime)]
public sealed partial class AccessEndsTests
{
    private const string Password = "a long password";
    private const int ManyStreams = 25;
    private const long LooksAtOnce = 4;
    private static readonly TimeSpan FiveSeconds = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    [Theory]
    [InlineData("another password", false)]
    [InlineData(Password, true)]
    [CoversRoute("POST /login")]
    public async Task Logins_end_when_the_account_gets_a_new_password_or_is_made_anew(string password, bool removeFirst)
    {
        await using var site = await StartAsync();
        using var client = Browser(site.Dashboard);
        await LogInAsync(client);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(client, "/jobs"));

        if (removeFirst) Assert.True(await site.Accounts.DeleteAccountAsync("eve", CancellationToken.None));
        await site.Accounts.SaveAccountAsync("eve", PasswordHash.Make(password), "viewer", CancellationToken.None);
        Assert.Equal(HttpStatusCode.Redirect, await StatusAsync(client, "/jobs"));
        Assert.Equal(HttpStatusCode.Redirect, await StatusAsync(client, "/live"));
    }

    [Theory]
    [InlineData("/live")]
    [InlineData("/api/v1/events")]
    [InlineData("/api/v1/events/jobs")]
    public async Task Open_streams_end_within_five_seconds_after_access_was_taken_away(string path)
    {
        await using var site = await StartAsync();
        using var person = Browser(site.Dashboard);
        await LogInAsync(person);
        var key = ApiKey.Make();
        await site.Accounts.AddKeyAsync("monitoring", ApiKey.Hash(key), "viewer", tenant: null, CancellationToken.None);
        using var program = Browser(site.Dashboard);
        program.DefaultRequestHeaders.Authorization = new("Bearer", key);
        using var otto = Browser(site.Dashboard);
        await LogInAsync(otto, "otto");

        var (first, second, stays) = (await OpenAsync(person, path), await OpenAsync(program, path), await OpenAsync(otto, path));
        await site.Accounts.DeleteAccountAsync("eve", CancellationToken.None);
        await site.Accounts.RevokeKeyAsync("monitoring", CancellationToken.None);
        // The dashboard's clock stands still otherwise: nothing that takes longer can end them.
        site.Clock.Advance(FiveSeconds);
        await Wait.UntilAsync("both streams have ended", () => first.IsCompleted && second.IsCompleted, Limit);
        Assert.False(stays.IsCompleted);
        await Task.WhenAll(first, second); // Neither stream was broken off with an error.
    }

    [Theory]
    [InlineData("/live")]
    [InlineData("/api/v1/events")]
    [InlineData("/api/v1/events/jobs")]
    public async Task Log_out_ends_the_streams_of_the_login_and_copies_of_its_cookie_no_longer_count(string path)
    {
        await using var site = await StartAsync();
        using var client = Browser(site.Dashboard);
        using var copy = Browser(site.Dashboard);
        var cookies = await LogInAsync(client);
        copy.DefaultRequestHeaders.Add("Cookie", cookies);
        using var other = Browser(site.Dashboard); // The same person on another machine.
        await LogInAsync(other);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(copy, "/jobs"));
        var (own, copied, elsewhere) = (await OpenAsync(client, path), await OpenAsync(copy, path), await OpenAsync(other, path));

        using var answer = await DashboardHost.PostFormAsync(client, "/jobs", "/logout");
        Assert.Equal(HttpStatusCode.Redirect, answer.StatusCode);
        Assert.Equal(HttpStatusCode.Redirect, await StatusAsync(copy, "/jobs"));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(copy, "/api/v1/jobs"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(other, "/jobs"));
        site.Clock.Advance(FiveSeconds);
        await Wait.UntilAsync("the streams of the login have ended", () => own.IsCompleted && copied.IsCompleted, Limit);
        await Task.WhenAll(own, copied); // Neither stream was broken off with an error.
        Assert.False(elsewhere.IsCompleted);
    }

    [Fact]
    public async Task Many_open_streams_look_up_their_access_over_few_connections()
    {
        await using var site = await StartAsync();
        var key = ApiKey.Make();
        await site.Accounts.AddKeyAsync("monitoring", ApiKey.Hash(key), "viewer", tenant: null, CancellationToken.None);
        using var program = Browser(site.Dashboard);
        program.DefaultRequestHeaders.Authorization = new("Bearer", key);
        var streams = new List<Task>();
        for (var i = 0; i < ManyStreams; i++) streams.Add(await OpenAsync(program, "/live"));
        await using (var lockOfKeys = await site.Database.ConnectAsync())
        {
            await using var transaction = await lockOfKeys.BeginTransactionAsync(TestContext.Current.CancellationToken);
            await using var command = new NpgsqlCommand("lock table api_keys in access exclusive mode", lockOfKeys, transaction);
            await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
            site.Clock.Advance(FiveSeconds);
            await Wait.UntilAsync("looks wait for the table", LooksAsync, looks => looks >= LooksAtOnce);
            for (var i = 0; i < ManyStreams; i++) Assert.Equal(LooksAtOnce, await LooksAsync());
        }

        await Wait.UntilAsync("no look waits", LooksAsync, looks => looks == 0);
        Assert.DoesNotContain(streams, stream => stream.IsCompleted);

        Task<long> LooksAsync() => site.Database.SqlAsync<long>(
            "select count(*) from pg_stat_activity where application_name = $1 and wait_event_type = 'Lock'", site.Database.Name);
    }

    [Fact]
    public async Task A_login_ends_after_its_longest_lifetime_however_much_it_is_used()
    {
        await using var site = await StartAsync(options => options.MaxSessionLifetime = TimeSpan.FromDays(2));
        using var client = Browser(site.Dashboard);
        await LogInAsync(client);
        var stream = await OpenAsync(client, "/api/v1/events/jobs");
        await AgeAsync(site, "47 hours");
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(client, "/jobs"));
        await AgeAsync(site, "1 hour");
        Assert.Equal(HttpStatusCode.Redirect, await StatusAsync(client, "/jobs"));
        site.Clock.Advance(FiveSeconds);
        await Wait.UntilAsync("the stream has ended", () => stream.IsCompleted, Limit);

        await LogInAsync(client);
        Assert.Equal(1L, await site.Database.SqlAsync<long>("select count(*) from login_sessions")); // The old one is gone.
    }

    private static Task AgeAsync(Site site, string span) =>
        site.Database.SqlAsync($"update login_sessions set created_at = created_at - interval '{span}'");

    private static async Task<Site> StartAsync(Action<DashboardOptions>? configure = null)
    {
        var database = await TestDatabase.CreateAsync();
        var accounts = new AccessStore(database.Queue);
        foreach (var name in (string[])["eve", "otto"])
            await accounts.SaveAccountAsync(name, PasswordHash.Make(Password), "viewer", CancellationToken.None);
        var clock = new FakeTimeProvider(DashboardHost.Now);
        return new Site(database, accounts, clock, await DashboardHost.StartAsync(database, configure, clock));
    }

    private static HttpClient Browser(DashboardHost dashboard) => new(
        new SocketsHttpHandler { AllowAutoRedirect = false, CookieContainer = new CookieContainer() }) { BaseAddress = dashboard.Address };

    /// <returns>The cookies of the login, as a request carries them.</returns>
    private static async Task<string> LogInAsync(HttpClient client, string name = "eve")
    {
        var token = Token().Match(await client.GetStringAsync("/login", TestContext.Current.CancellationToken)).Groups["token"].Value;
        using var form = new FormUrlEncodedContent(
            [new("__RequestVerificationToken", token), new("name", name), new("password", Password), new("return", "/jobs")]);
        using var answer = await client.PostAsync("/login", form, TestContext.Current.CancellationToken);
        Assert.Equal("/jobs", answer.Headers.Location?.OriginalString);
        return string.Join("; ", answer.Headers.GetValues("Set-Cookie").Select(cookie => cookie.Split(';')[0]));
    }

    private static async Task<HttpStatusCode> StatusAsync(HttpClient client, string path)
    {
        using var answer = await client.GetAsync(path, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        return answer.StatusCode;
    }

    /// <returns>A task that ends when the stream does.</returns>
    private static async Task<Task> OpenAsync(HttpClient client, string path) =>
        (await client.GetStreamAsync(path, TestContext.Current.CancellationToken))
            .CopyToAsync(Stream.Null, TestContext.Current.CancellationToken);

    [GeneratedRegex("""name="__RequestVerificationToken" value="(?<token>[^"]+)""", RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex Token();

    private sealed record Site(
        TestDatabase Database, AccessStore Accounts, FakeTimeProvider Clock, DashboardHost Dashboard) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await Dashboard.DisposeAsync();
            await Database.DisposeAsync();
        }
    }
}
