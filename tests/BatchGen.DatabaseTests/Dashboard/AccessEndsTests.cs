using System.Net;
using System.Text.RegularExpressions;
using BatchGen.Dashboard.Security;
using BatchGen.Queue.Access;
using BatchGen.Testing;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Dashboard;

/// <summary>Logins and open streams end when the access behind them is changed or taken away.</summary>
[Collection(DashboardHost.OneAtATime)]
public sealed partial class AccessEndsTests
{
    private const string Password = "a long password";

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
    public async Task Open_streams_end_soon_after_access_was_taken_away(string path)
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
        await Wait.UntilAsync("both streams have ended", () =>
        {
            site.Clock.Advance(TimeSpan.FromSeconds(1));
            return first.IsCompleted && second.IsCompleted;
        });
        Assert.False(stays.IsCompleted);
        await Task.WhenAll(first, second); // Neither stream was broken off with an error.
    }

    private static async Task<Site> StartAsync()
    {
        var database = await TestDatabase.CreateAsync();
        var accounts = new AccessStore(database.Queue);
        foreach (var name in (string[])["eve", "otto"])
            await accounts.SaveAccountAsync(name, PasswordHash.Make(Password), "viewer", CancellationToken.None);
        var clock = new FakeTimeProvider(DashboardHost.Now);
        return new Site(database, accounts, clock, await DashboardHost.StartAsync(database, clock: clock));
    }

    private static HttpClient Browser(DashboardHost dashboard) => new(
        new SocketsHttpHandler { AllowAutoRedirect = false, CookieContainer = new CookieContainer() }) { BaseAddress = dashboard.Address };

    private static async Task LogInAsync(HttpClient client, string name = "eve")
    {
        var token = Token().Match(await client.GetStringAsync("/login", TestContext.Current.CancellationToken)).Groups["token"].Value;
        using var form = new FormUrlEncodedContent(
            [new("__RequestVerificationToken", token), new("name", name), new("password", Password), new("return", "/jobs")]);
        using var answer = await client.PostAsync("/login", form, TestContext.Current.CancellationToken);
        Assert.Equal("/jobs", answer.Headers.Location?.OriginalString);
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
