using System.Diagnostics;
using BatchGen.Chaos.Network;
using BatchGen.Queue;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Worker;

/// <summary>Everything that a worker does after it was asked to stop has one time limit.</summary>
public sealed class StopLimitTests
{
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(4);

    [Fact]
    public async Task A_stop_with_a_server_that_does_not_answer_takes_no_longer_than_StopTimeout()
    {
        await using var database = await TestDatabase.CreateAsync(new QueueOptions { PollInterval = TimeSpan.FromMilliseconds(50) });
        await database.AddModelAsync(native: 64);
        await using var proxy = TcpProxy.Start(database.ConnectionString);
        using var drawing = new ManualResetEventSlim();
        var renderer = new FakeRenderer
        {
            OnRender = (_, token) =>
            {
                drawing.Set();
                token.WaitHandle.WaitOne();
            },
        };
        await database.SubmitAsync("", "");
        await using var worker = await WorkerHost.StartAsync(
            database, renderer,
            options => (options.ExitWhenIdle, options.StopTimeout, options.TensorBatchSize) = (false, StopTimeout, 1),
            connectionString: proxy.ConnectionString);
        await WorkerHost.UntilAsync("a job is drawn", () => drawing.IsSet);

        proxy.Stall();
        var started = Stopwatch.GetTimestamp();
        await Wait.ForAsync("the worker stopped", worker.StopAsync(), cancellationToken: TestContext.Current.CancellationToken);

        // Half as long again for a machine that is busy; each of the calls alone would take StopTimeout.
        Assert.InRange(Stopwatch.GetElapsedTime(started), TimeSpan.Zero, StopTimeout * 1.5);
        Assert.Null(worker.Outcome.Failure);
    }
}
