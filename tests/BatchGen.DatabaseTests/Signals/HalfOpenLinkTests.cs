using System.Diagnostics;
using BatchGen.Chaos.Network;
using BatchGen.Queue;
using BatchGen.Queue.Signals;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Signals;

public sealed class HalfOpenLinkTests
{
    [Fact]
    public async Task A_link_that_was_cut_without_a_word_is_noticed_long_before_the_poll_interval_ends()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync();
        await using var proxy = TcpProxy.Start(database.ConnectionString);
        var options = new QueueOptions { Schema = database.Schema, PollInterval = TimeSpan.FromMinutes(2) };
        await using var queue = QueueDatabase.Open(proxy.ConnectionString, options);
        await using var signal = new WorkSignal(queue);
        await signal.WaitAsync(TestContext.Current.CancellationToken); // The first wait only begins to listen.
        var wait = signal.WaitAsync(TestContext.Current.CancellationToken);

        proxy.HalfOpen();
        var started = Stopwatch.GetTimestamp();
        await Wait.ForAsync("the wait ended", wait, cancellationToken: TestContext.Current.CancellationToken);
        Assert.InRange(Stopwatch.GetElapsedTime(started), TimeSpan.Zero, TimeSpan.FromSeconds(20));

        // The next wait listens on a new connection.
        await Wait.ForAsync("a new connection listens", signal.WaitAsync(TestContext.Current.CancellationToken));
        wait = signal.WaitAsync(TestContext.Current.CancellationToken);
        await database.SubmitAsync("");
        await Wait.ForAsync("the wait ended for a job", wait, TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
    }
}
