using System.Diagnostics;
using BatchGen.Chaos.Network;
using BatchGen.Queue;
using BatchGen.Queue.Signals;
using BatchGen.Testing;
using Npgsql;
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

    [Fact]
    public async Task A_listener_for_ended_jobs_whose_link_was_cut_without_a_word_ends_within_seconds_and_another_one_listens_again()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync();
        var ids = await database.SubmitAsync("", "");
        await using var proxy = TcpProxy.Start(database.ConnectionString);
        await using var queue = QueueDatabase.Open(
            proxy.ConnectionString + ";Command Timeout=3", new QueueOptions { Schema = database.Schema });
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        await using (var notices = Listen(queue, limit.Token))
        {
            Assert.True(await notices.MoveNextAsync()); // From here on no job is missed.
            var next = notices.MoveNextAsync().AsTask();
            proxy.HalfOpen();
            await Assert.ThrowsAnyAsync<NpgsqlException>(() => next.WaitAsync(TimeSpan.FromSeconds(20), limit.Token));
        }

        // As the dashboard does: it listens again, and from then on jobs are announced at once.
        await using var again = await ListenAgainAsync(queue, limit.Token);
        await database.Actions.CancelAsync([ids[0]], limit.Token);
        Assert.True(await again.MoveNextAsync());
        Assert.Equal(ids[0], Assert.Single(again.Current.Jobs).JobId);
    }

    [Fact]
    public async Task A_connection_that_broke_between_two_waits_is_replaced()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync();
        var options = new QueueOptions { Schema = database.Schema, PollInterval = TimeSpan.FromSeconds(8) };
        await using var queue = QueueDatabase.Open(database.ConnectionString + ";Application Name=broken", options);
        await using var signal = new WorkSignal(queue);
        await signal.WaitAsync(TestContext.Current.CancellationToken); // The first wait only begins to listen.
        var ended = await database.SqlAsync<long>("""
            select count(pg_terminate_backend(pid, 5000)) from pg_stat_activity where application_name = 'broken' and query like '%listen%'
            """);
        Assert.Equal(1, ended);
        // The driver notices by the sign of life that it asks for every second.
        await Task.Delay(TimeSpan.FromSeconds(3), TestContext.Current.CancellationToken);

        await Wait.ForAsync("the wait ended", signal.WaitAsync(TestContext.Current.CancellationToken));
        await Wait.ForAsync("a new connection listens", signal.WaitAsync(TestContext.Current.CancellationToken));
        var wait = signal.WaitAsync(TestContext.Current.CancellationToken);
        await database.SubmitAsync("");
        await Wait.ForAsync("the wait ended for a job", wait, TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
    }

    // The connections of the pool were cut too; they are noticed when they are used.
    private static async Task<IAsyncEnumerator<EndedNotice>> ListenAgainAsync(QueueDatabase queue, CancellationToken cancellationToken)
    {
        while (true)
        {
            var notices = Listen(queue, cancellationToken);
            try
            {
                Assert.True(await notices.MoveNextAsync());
                return notices;
            }
            catch (Exception error) when (error is NpgsqlException or QueueException)
            {
                await notices.DisposeAsync();
            }
        }
    }

    private static IAsyncEnumerator<EndedNotice> Listen(QueueDatabase queue, CancellationToken cancellationToken) =>
        new EndedJobs(queue).ListenAsync(TimeSpan.FromMinutes(5), cancellationToken).GetAsyncEnumerator(cancellationToken);
}
