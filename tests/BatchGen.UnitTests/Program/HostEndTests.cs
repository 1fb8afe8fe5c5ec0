using BatchGen.Composition;
using BatchGen.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace BatchGen.UnitTests.Program;

/// <summary>A host that stops without being asked says why.</summary>
public sealed class HostEndTests
{
    [Fact]
    public async Task A_host_whose_service_failed_says_which_and_why()
    {
        var log = new RecordedLog();
        using var host = Build(log, services => services.AddHostedService<FailingService>());
        var reason = await RunAsync(host);
        Assert.Equal("The program stopped because of an error in FailingService: out of order", reason);
        Assert.Contains(reason, log.Lines);
    }

    [Fact]
    public async Task A_host_that_was_stopped_from_inside_says_that_nobody_asked_it_to()
    {
        var log = new RecordedLog();
        using var host = Build(log, services => services.AddHostedService<StoppingService>());
        var reason = await RunAsync(host);
        Assert.Equal("The program stopped although nobody asked it to.", reason);
        Assert.Contains(reason, log.Lines);
    }

    [Fact]
    public async Task A_host_that_has_done_its_work_and_one_that_was_asked_to_stop_have_no_reason_to_give()
    {
        using var done = Build(new RecordedLog(), services => services.AddHostedService<StoppingService>());
        Assert.Null(await RunAsync(done, isDone: true));
        using var asked = Build(new RecordedLog(), static _ => { });
        using var stop = new CancellationTokenSource();
        Assert.Null(await HostEnd.RunAsync(asked, static () => false, stop.CancelAsync, stop.Token));
    }

    private static Task<string?> RunAsync(IHost host, bool isDone = false) => Wait.ForAsync(
        "the host ended",
        HostEnd.RunAsync(host, () => isDone, static () => Task.CompletedTask, TestContext.Current.CancellationToken),
        cancellationToken: TestContext.Current.CancellationToken);

    private static IHost Build(RecordedLog log, Action<IServiceCollection> add)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Logging.AddProvider(log);
        builder.Services.AddSingleton<IHostLifetime, CommandLifetime>();
        add(builder.Services);
        return builder.Build();
    }

    private sealed class FailingService : BackgroundService
    {
        protected override async Task ExecuteAsync(CancellationToken stoppingToken)
        {
            await Task.Yield();
            throw new InvalidOperationException("out of order");
        }
    }

    private sealed class StoppingService(IHostApplicationLifetime lifetime) : BackgroundService
    {
        protected override Task ExecuteAsync(CancellationToken stoppingToken)
        {
            lifetime.ApplicationStarted.Register(lifetime.StopApplication);
            return Task.CompletedTask;
        }
    }
}
