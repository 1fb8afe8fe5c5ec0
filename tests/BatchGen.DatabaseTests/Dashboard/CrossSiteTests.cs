using System.Net;
using System.Text.RegularExpressions;
using BatchGen.Dashboard;
using BatchGen.Dashboard.Security;
using BatchGen.Queue.Access;
using BatchGen.Testing;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace BatchGen.DatabaseTests.Dashboard;

/// <summary>Changes that a page of another site has a browser send are refused, and so is a way in that nobody meant to open.</summary>
[Collection(DashboardHost.OneAtATime)]
public sealed partial class CrossSiteTests
{
    [Theory]
    [InlineData("Origin", "https://evil.example")]
    [InlineData("Origin", "null")]
    [InlineData("Origin", "http://127.0.0.1:1")]
    [InlineData("Sec-Fetch-Site", "same-site")]
    [InlineData("Sec-Fetch-Site", "cross-site")]
    public async Task Every_route_that_changes_something_refuses_requests_of_other_sites(string header, string value)
    {
        await using var database = await TestDatabase.CreateAsync();
        var worker = await database.AddWorkerAsync();
        await using var dashboard = await DashboardHost.StartAsync(database);
        using var client = await dashboard.ClientAsync(); // Without an account whoever is at this machine is an operator.
        var endpoints = dashboard.Services.GetRequiredService<IEnumerable<EndpointDataSource>>().SelectMany(source => source.Endpoints);
        foreach (var route in CoversRouteAttribute.RoutesThatChange(endpoints).Distinct(StringComparer.Ordinal))
        {
            var parts = route.Split(' ');
            var path = Parameter().Replace(parts[1].Replace("{id:guid}", $"{worker}").Replace("{order}", "drain"), "1");
            using var request = new HttpRequestMessage(new HttpMethod(parts[0]), path);
            request.Headers.Add(header, value);
            using var answer = await client.SendAsync(request, TestContext.Current.CancellationToken);
            Assert.Equal((route, HttpStatusCode.Forbidden), (route, answer.StatusCode));
        }

        Assert.Equal(new(false, false), await database.Workers.HeartbeatAsync(worker, default, CancellationToken.None));
    }

    [Fact]
    public async Task An_order_with_a_login_is_taken_from_the_servers_own_pages_and_refused_from_others()
    {
        await using var database = await TestDatabase.CreateAsync();
        var worker = await database.AddWorkerAsync();
        await AddAccountAsync(database);
        await using var dashboard = await DashboardHost.StartAsync(database);
        using var client = await dashboard.ClientAsync();
        using var login = await LogInAsync(client);
        var own = dashboard.Address.GetLeftPart(UriPartial.Authority);
        Assert.Equal(HttpStatusCode.Forbidden, await PauseAsync(client, worker, ("Origin", "http://127.0.0.1:8000")));
        Assert.Equal(HttpStatusCode.Forbidden, await PauseAsync(client, worker, ("Origin", own), ("Sec-Fetch-Site", "same-site")));
        Assert.Equal(HttpStatusCode.OK, await PauseAsync(client, worker, ("Origin", own), ("Sec-Fetch-Site", "same-origin")));

        // A browser adds a key to no request by itself, so a program with one may name any origin.
        using var program = await dashboard.ClientAsync("operator");
        Assert.Equal(HttpStatusCode.OK, await PauseAsync(program, worker, ("Origin", "app://tool")));
    }

    [Fact]
    public async Task The_name_of_the_server_comes_from_Host_and_never_from_X_Forwarded_Host()
    {
        await using var database = await TestDatabase.CreateAsync();
        var worker = await database.AddWorkerAsync();
        await AddAccountAsync(database);
        await using var dashboard = await DashboardHost.StartAsync(database, options => options.TrustedProxies.Add("127.0.0.1"));
        using var client = await dashboard.ClientAsync();
        using var login = await LogInAsync(client);
        (string, string)[] proxy =
        [
            ("Host", "batch.example"), ("X-Forwarded-For", "203.0.113.9"), ("X-Forwarded-Proto", "https"),
            ("X-Forwarded-Host", "evil.example"),
        ];
        Assert.Equal(HttpStatusCode.Forbidden, await PauseAsync(client, worker, [.. proxy, ("Origin", "https://evil.example")]));
        Assert.Equal(HttpStatusCode.Forbidden, await PauseAsync(client, worker, [.. proxy, ("Origin", "http://batch.example")]));
        Assert.Equal(HttpStatusCode.OK, await PauseAsync(client, worker, [.. proxy, ("Origin", "https://batch.example")]));
    }

    [Fact]
    public async Task Cookies_are_for_TLS_only_when_the_proxy_says_that_the_browser_uses_it()
    {
        await using var database = await TestDatabase.CreateAsync();
        await AddAccountAsync(database);
        await using var dashboard = await DashboardHost.StartAsync(database, options => options.TrustedProxies.Add("127.0.0.1"));
        using var handler = new HttpClientHandler { AllowAutoRedirect = false, UseCookies = false };
        using var client = new HttpClient(handler) { BaseAddress = dashboard.Address };
        client.DefaultRequestHeaders.Add("X-Forwarded-Proto", "https");
        using var page = await client.GetAsync("/login", TestContext.Current.CancellationToken);
        var form = Assert.Single(
            page.Headers.GetValues("Set-Cookie"), cookie => cookie.StartsWith("batchgen-form=", StringComparison.Ordinal));
        Assert.Contains("secure", form, StringComparison.OrdinalIgnoreCase);
        client.DefaultRequestHeaders.Add("Cookie", form.Split(';')[0]);
        using var login = await LogInAsync(client);
        Assert.Contains("secure", Assert.Single(
            login.Headers.GetValues("Set-Cookie"), cookie => cookie.StartsWith("batchgen-login=", StringComparison.Ordinal)),
            StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("http://127.0.0.1:0/;http://0.0.0.0:0", "http://0.0.0.0:0")]
    [InlineData("http://127.0.0.1:0;http://*:0", "http://*:0")]
    [InlineData("http://me@127.0.0.1:0", "http://me@127.0.0.1:0")]
    [InlineData("http://127.0.0.1:0;http://127.0.0.1:0/;nowhere", "nowhere")]
    [InlineData(";", "")]
    public async Task Start_is_refused_when_any_of_several_addresses_is_open_to_others_without_login(string url, string named)
    {
        await using var database = await TestDatabase.CreateAsync();
        var refused = await Assert.ThrowsAsync<DashboardException>(() => DashboardHost.StartAsync(database, options => options.Url = url));
        Assert.Contains($"'{named}'", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Several_addresses_of_this_machine_alone_need_no_login()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var dashboard = await DashboardHost.StartAsync(database, options => options.Url = "http://127.0.0.1:0;http://[::1]:0");
        using var client = await dashboard.ClientAsync();
        using var answer = await client.GetAsync("/jobs", TestContext.Current.CancellationToken);
        Assert.Equal("/jobs", answer.RequestMessage!.RequestUri!.AbsolutePath);
    }

    private static Task AddAccountAsync(TestDatabase database) => new AccessStore(database.Queue)
        .SaveAccountAsync("otto", PasswordHash.Make("operator password"), "operator", CancellationToken.None);

    private static Task<HttpResponseMessage> LogInAsync(HttpClient client) => DashboardHost.PostFormAsync(
        client, "/login", "/login", ("name", "otto"), ("password", "operator password"), ("return", "/jobs"));

    private static async Task<HttpStatusCode> PauseAsync(HttpClient client, Guid worker, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/api/v1/workers/{worker}/pause");
        foreach (var (name, value) in headers) request.Headers.Add(name, value);
        using var answer = await client.SendAsync(request, TestContext.Current.CancellationToken);
        return answer.StatusCode;
    }

    [GeneratedRegex(@"\{[^}]*\}")]
    private static partial Regex Parameter();
}
