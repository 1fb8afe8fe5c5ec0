using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using BatchGen.Dashboard.Reports;
using BatchGen.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace BatchGen.DatabaseTests.Dashboard;

/// <summary>What a receiver of reports can make the dashboard do: nothing but take the report.</summary>
[Collection(DashboardHost.OneAtATime)]
public sealed class WebhookLimitTests
{
    [Theory]
    [InlineData(301)]
    [InlineData(302)]
    [InlineData(307)]
    [InlineData(308)]
    public async Task A_redirect_to_another_server_is_not_followed(int status)
    {
        var asked = 0;
        await using var other = await ServeAsync("/", _ =>
        {
            asked++;
            return Task.CompletedTask;
        });
        await using var receiver = await ServeAsync("/hook", context =>
        {
            context.Response.StatusCode = status;
            context.Response.Headers.Location = other.Urls.First() + "/";
            return Task.CompletedTask;
        });
        var refused = await Assert.ThrowsAsync<HttpRequestException>(() => PostAsync(receiver.Urls.First() + "/hook"));
        Assert.Contains("Redirects to another server are not followed", refused.Message, StringComparison.Ordinal);
        Assert.Equal(0, asked);
    }

    [Fact]
    public async Task A_redirect_to_another_path_of_the_same_server_takes_the_report_there()
    {
        var received = "";
        await using var receiver = await ServeAsync("/{path}", async context =>
        {
            using var reader = new StreamReader(context.Request.Body);
            var body = await reader.ReadToEndAsync(context.RequestAborted);
            if (context.Request.Path == "/new") received = $"{context.Request.Headers["Idempotency-Key"]} {body}";
            else (context.Response.StatusCode, context.Response.Headers.Location) = (308, "/new");
        });
        await PostAsync(receiver.Urls.First() + "/hook");
        Assert.StartsWith("key {", received, StringComparison.Ordinal);

        // A server that leads round in a circle is given up.
        await using var circle = await ServeAsync("/{path}", context =>
        {
            (context.Response.StatusCode, context.Response.Headers.Location) = (307, "/new");
            return Task.CompletedTask;
        });
        await Assert.ThrowsAsync<HttpRequestException>(() => PostAsync(circle.Urls.First() + "/hook"));
    }

    [Fact]
    public async Task An_answer_without_end_is_not_read()
    {
        // Of sockets, since a web server takes in what nobody reads any more for a while.
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var sending = SendWithoutEndAsync(listener);
        var started = Stopwatch.GetTimestamp();
        await PostAsync($"http://{listener.LocalEndpoint}/hook");
        Assert.InRange(Stopwatch.GetElapsedTime(started), TimeSpan.Zero, TimeSpan.FromSeconds(10));
        Assert.InRange(await sending.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken), 0, 64 << 20);
    }

    // Bytes that were sent until the other side closed the connection.
    private static async Task<long> SendWithoutEndAsync(TcpListener listener)
    {
        using var client = await listener.AcceptSocketAsync(TestContext.Current.CancellationToken);
        var sent = 0L;
        var block = new byte[1 << 20];
        await client.ReceiveAsync(block, TestContext.Current.CancellationToken);
        try
        {
            var head = "HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n"u8.ToArray();
            await client.SendAsync(head, TestContext.Current.CancellationToken);
            for (; ; sent += block.Length) await client.SendAsync(block, TestContext.Current.CancellationToken);
        }
        catch (SocketException)
        {
            return sent;
        }
    }

    private static async Task PostAsync(string address)
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var dashboard = await DashboardHost.StartAsync(database, options => options.ReportWebhook = address);
        var report = await dashboard.Services.GetRequiredService<ReportCollector>().OfNightAsync("Night", CancellationToken.None);
        await dashboard.Services.GetRequiredService<ReportWebhook>().PostAsync(report, "key", CancellationToken.None);
    }

    private static async Task<WebApplication> ServeAsync(string path, RequestDelegate answer)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var server = builder.Build();
        server.Urls.Add("http://127.0.0.1:0");
        server.MapPost(path, answer);
        server.MapGet(path, answer);
        await server.StartAsync();
        return server;
    }
}
