using System.Net;
using BatchGen.Composition;
using BatchGen.Core.Monitoring;
using BatchGen.Monitoring;
using BatchGen.Queue;
using BatchGen.Queue.Schedules;
using BatchGen.Testing;
using BatchGen.Worker.Monitoring;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace BatchGen.UnitTests.Program;

/// <summary>Who reaches the health and metrics of a worker is checked before it listens.</summary>
public sealed class WorkerListenerTests
{
    [Theory]
    [InlineData("http://0.0.0.0:9464", "", "can be reached from other machines")]
    [InlineData("http://*:9464", "", "can be reached from other machines")]
    [InlineData("http://192.168.1.2:9464", "", "can be reached from other machines")]
    [InlineData("9464", "", "is not an address such as http://127.0.0.1:9464")]
    [InlineData("http://127.0.0.1:9464/metrics", "", "is not an address such as")]
    [InlineData("https://127.0.0.1:9464", "", "begins with https, and a worker has no certificate")]
    [InlineData("https://0.0.0.0:9464", "secret", "begins with https, and a worker has no certificate")]
    public void An_address_that_cannot_be_used_or_that_others_reach_without_a_token_is_refused(string url, string token, string expected)
    {
        var refused = Assert.Throws<CommandException>(() => WorkerListener.Check(url, token));
        Assert.Equal(ExitCodes.BadInput, refused.ExitCode);
        Assert.Contains(expected, refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://127.0.0.1:9464", "")]
    [InlineData("http://localhost:9464", "")]
    [InlineData("http://[::1]:9464", "")]
    [InlineData("http://0.0.0.0:9464", "secret")]
    public void An_address_of_this_machine_or_with_a_token_is_taken(string url, string token) => WorkerListener.Check(url, token);

    [Theory]
    [InlineData("http://127.0.0.1:9464", null)]
    [InlineData("https://127.0.0.1:9464", "BatchGen:Worker:HealthUrl: 'https://127.0.0.1:9464' begins with https, ")]
    [InlineData("9464", "BatchGen:Worker:HealthUrl: '9464' is not an address such as ")]
    public void An_address_is_checked_with_the_other_settings(string url, string? problem)
    {
        var options = new BatchGenOptions();
        options.Worker.HealthUrl = url;
        if (problem is null)
        {
            OptionsReader.Check("BatchGen", options);
            return;
        }

        var refused = Assert.Throws<CommandException>(() => OptionsReader.Check("BatchGen", options));
        Assert.Contains(problem, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_worker_that_signs_off_is_alive_and_not_ready()
    {
        var health = Health();
        health.Enter(ProcessStates.Stopping);
        var log = new RecordedLog();
        using var metrics = Sdk.CreateMeterProviderBuilder().AddPrometheusExporter().Build();
        using var listener = Listener(health, metrics, log, TimeProvider.System);
        await listener.StartAsync(TestContext.Current.CancellationToken);
        await log.UntilAsync("Health and metrics are answered on http", TestContext.Current.CancellationToken);
        var url = log.Lines.Last(line => line.StartsWith("Health and metrics are answered", StringComparison.Ordinal)).Split(' ')[^1];
        using var client = new HttpClient();
        using var alive = await client.GetAsync(new Uri(url + "/healthz"), TestContext.Current.CancellationToken);
        using var ready = await client.GetAsync(new Uri(url + "/readyz"), TestContext.Current.CancellationToken);
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.ServiceUnavailable), (alive.StatusCode, ready.StatusCode));
        Assert.Equal("stopping\n", await ready.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        await listener.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_listener_that_cannot_be_built_is_tried_again_and_ends_no_worker()
    {
        var log = new RecordedLog();
        var clock = new FakeTimeProvider();
        // Without an exporter for Prometheus there is nothing to answer with.
        using var metrics = Sdk.CreateMeterProviderBuilder().Build();
        using var listener = Listener(Health(), metrics, log, clock);
        await listener.StartAsync(TestContext.Current.CancellationToken);
        await Wait.UntilAsync(
            "it was tried twice",
            () =>
            {
                clock.Advance(TimeSpan.FromSeconds(15));
                return log.Lines.Count(line => line.StartsWith("Health and metrics cannot be answered", StringComparison.Ordinal)) > 1;
            },
            cancellationToken: TestContext.Current.CancellationToken);
        Assert.False(listener.ExecuteTask!.IsCompleted);
        await listener.StopAsync(TestContext.Current.CancellationToken);
        Assert.True(listener.ExecuteTask.IsCompletedSuccessfully);
    }

    [Theory]
    [InlineData("", 3, "")]
    [InlineData("http://127.0.0.1:9464", 1, "http://127.0.0.1:9464")]
    [InlineData("http://127.0.0.1:9464", 3, "http://127.0.0.1:9466")]
    [InlineData("http://*:9464", 2, "http://*:9465")]
    public void Each_of_several_workers_takes_the_next_port(string url, int number, string expected) =>
        Assert.Equal(expected, WorkerListener.UrlOf(url, number));

    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1:9464", "", "", true)]
    [InlineData("127.0.0.1", "localhost", "", "", true)]
    [InlineData("127.0.0.1", "evil.example", "", "", false)]
    [InlineData("10.0.0.5", "127.0.0.1:9464", "", "", false)]
    [InlineData("10.0.0.5", "worker:9464", "secret", "Bearer secret", true)]
    [InlineData("127.0.0.1", "127.0.0.1:9464", "secret", "", false)]
    [InlineData("10.0.0.5", "worker:9464", "secret", "Bearer secret2", false)]
    [InlineData("10.0.0.5", "worker:9464", "secret", "secret", false)]
    public void Metrics_are_read_by_this_machine_or_with_the_token(string from, string host, string token, string header, bool expected)
    {
        var context = new Microsoft.AspNetCore.Http.DefaultHttpContext();
        context.Connection.RemoteIpAddress = IPAddress.Parse(from);
        context.Request.Host = new Microsoft.AspNetCore.Http.HostString(host);
        if (header.Length > 0) context.Request.Headers.Authorization = header;
        Assert.Equal(expected, WorkerListener.MayRead(context, token));
    }

    // Nothing that is asked of it here needs the database.
    private static WorkerHealth Health() =>
        new(new WindowStore(QueueDatabase.Open("Host=127.0.0.1;Port=1", new QueueOptions())), TimeProvider.System);

    private static WorkerListener Listener(WorkerHealth health, MeterProvider metrics, RecordedLog log, TimeProvider clock) =>
        new("http://127.0.0.1:0", "", health, metrics, clock, new LoggerFactory([log]).CreateLogger<WorkerListener>());
}
