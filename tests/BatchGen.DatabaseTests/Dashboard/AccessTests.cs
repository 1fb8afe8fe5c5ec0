using System.Globalization;
using System.Net;
using BatchGen.Dashboard;
using BatchGen.Dashboard.Security;
using BatchGen.Queue.Access;
using BatchGen.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace BatchGen.DatabaseTests.Dashboard;

/// <summary>Requests that need no login, and the limits on login attempts.</summary>
[Collection(DashboardHost.OneAtATime)]
public sealed class AccessTests
{
    private static readonly HttpClientHandler Plain = new() { AllowAutoRedirect = false, UseCookies = false };

    [Theory]
    [InlineData("X-Forwarded-For", "203.0.113.9")]
    [InlineData("X-Forwarded-Proto", "https")]
    [InlineData("Forwarded", "for=203.0.113.9")]
    [InlineData("X-Real-IP", "203.0.113.9")]
    [InlineData("Via", "1.1 proxy")]
    public async Task Requests_that_a_proxy_passes_on_need_a_login_even_before_there_is_an_account(string header, string value)
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var dashboard = await DashboardHost.StartAsync(database);
        Assert.Equal(HttpStatusCode.OK, (await GetAsync(dashboard, "/jobs")).StatusCode);
        await AssertSentToLoginAsync(dashboard, (header, value));
    }

    [Fact]
    public async Task Start_behind_a_proxy_is_refused_while_there_is_no_account_or_key()
    {
        await using var database = await TestDatabase.CreateAsync();
        var refused = await Assert.ThrowsAsync<DashboardException>(
            () => DashboardHost.StartAsync(database, options => options.TrustedProxies.Add("127.0.0.1")));
        Assert.Contains("TrustedProxies", refused.Message, StringComparison.Ordinal);
        Assert.Contains("batchgen users add", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Requests_behind_a_proxy_need_a_login_also_while_there_are_keys_only()
    {
        await using var database = await TestDatabase.CreateAsync();
        await new AccessStore(database.Queue).AddKeyAsync("key", ApiKey.Hash(ApiKey.Make()), "operator", null, CancellationToken.None);
        await using var dashboard = await DashboardHost.StartAsync(database, options => options.TrustedProxies.Add("127.0.0.1"));
        await AssertSentToLoginAsync(dashboard, ("X-Forwarded-For", "203.0.113.9"));
        await AssertSentToLoginAsync(dashboard, ("X-Forwarded-For", "127.0.0.1"));
        await AssertSentToLoginAsync(dashboard, ("Accept", "*/*")); // As from a proxy that adds no header.
    }

    [Fact]
    public async Task Login_attempts_are_limited_by_network_and_by_account()
    {
        await using var database = await TestDatabase.CreateAsync();
        await new AccessStore(database.Queue)
            .SaveAccountAsync("otto", PasswordHash.Make("operator password"), "operator", CancellationToken.None);
        await using var dashboard = await DashboardHost.StartAsync(database, options =>
        {
            options.TrustedProxies.Add("127.0.0.1");
            options.LoginAttemptsPerMinute = 1;
        });
        // Addresses of one /64 belong to one home or host and count together.
        Assert.Equal(HttpStatusCode.Unauthorized, await LogInAsync(dashboard, "eve", "2001:db8:0:1::1"));
        Assert.Equal(HttpStatusCode.TooManyRequests, await LogInAsync(dashboard, "eve", "2001:db8:0:1:ffff::2"));
        Assert.Equal(HttpStatusCode.Unauthorized, await LogInAsync(dashboard, "eve", "2001:db8:0:2::1"));

        // From all networks together, ten times as many for one account, in any case of letters.
        for (var i = 0; i < 10; i++)
        {
            var address = string.Create(CultureInfo.InvariantCulture, $"203.0.113.{i}");
            Assert.Equal((i, HttpStatusCode.Unauthorized), (i, await LogInAsync(dashboard, i % 2 == 0 ? "otto" : "OTTO", address)));
        }

        Assert.Equal(HttpStatusCode.TooManyRequests, await LogInAsync(dashboard, "Otto", "203.0.113.200"));
        Assert.Equal(HttpStatusCode.Unauthorized, await LogInAsync(dashboard, "another", "203.0.113.201"));
    }

    private static async Task<HttpStatusCode> LogInAsync(DashboardHost dashboard, string name, string from)
    {
        using var client = await dashboard.ClientAsync();
        client.DefaultRequestHeaders.Add("X-Forwarded-For", from);
        using var answer = await DashboardHost.PostFormAsync(client, "/login", "/login", ("name", name), ("password", "wrong password"));
        return answer.StatusCode;
    }

    private static async Task AssertSentToLoginAsync(DashboardHost dashboard, (string Name, string Value) header)
    {
        using var page = await GetAsync(dashboard, "/jobs", header);
        Assert.Equal((header, HttpStatusCode.Redirect), (header, page.StatusCode));
        Assert.Equal("/login?return=%2Fjobs", page.Headers.Location!.OriginalString);
        using var call = await GetAsync(dashboard, "/api/v1/jobs", header);
        Assert.Equal((header, HttpStatusCode.Unauthorized), (header, call.StatusCode));
    }

    private static async Task<HttpResponseMessage> GetAsync(
        DashboardHost dashboard, string path, params (string Name, string Value)[] headers)
    {
        using var client = await dashboard.ClientAsync();
        using var direct = new HttpClient(Plain, disposeHandler: false) { BaseAddress = client.BaseAddress };
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        foreach (var (name, value) in headers) request.Headers.Add(name, value);
        return await direct.SendAsync(request, TestContext.Current.CancellationToken);
    }
}
