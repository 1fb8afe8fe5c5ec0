using System.Diagnostics;
using BatchGen.Queue;
using BatchGen.Queue.Signals;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Signals;

public sealed class WorkSignalTests
{
    [Fact]
    public async Task All_waiters_wake_when_a_job_is_submitted()
    {
        await using var database = await TestDatabase.CreateAsync(new() { PollInterval = TimeSpan.FromMinutes(5) });
        await database.AddModelAsync();
        await using var signal = new WorkSignal(database.Queue);
        await signal.WaitAsync(CancellationToken.None); // The first wait only begins to listen.
        var waits = Enumerable.Range(0, 3).Select(_ => signal.WaitAsync(CancellationToken.None)).ToArray();
        await UntilListeningAsync(database);

        await database.SubmitAsync("");

        await Wait.ForAsync("all waiters woke", Task.WhenAll(waits));
    }

    [Fact]
    public async Task A_notification_between_two_waits_ends_the_second_wait()
    {
        await using var database = await TestDatabase.CreateAsync(new() { PollInterval = TimeSpan.FromMinutes(5) });
        await database.AddModelAsync();
        await using var signal = new WorkSignal(database.Queue);
        await signal.WaitAsync(CancellationToken.None); // The first wait only begins to listen.
        var first = signal.WaitAsync(CancellationToken.None);
        await UntilListeningAsync(database);
        await database.SubmitAsync("");
        await Wait.ForAsync("the first wait ended", first);
        await database.SqlAsync("delete from jobs");

        await database.SubmitAsync("");

        await Wait.ForAsync("the next wait ended", signal.WaitAsync(CancellationToken.None));
    }

    [Fact]
    public async Task A_wait_without_notification_ends_after_the_poll_interval()
    {
        await using var database = await TestDatabase.CreateAsync(new() { PollInterval = TimeSpan.FromMilliseconds(100) });
        await using var signal = new WorkSignal(database.Queue);
        await signal.WaitAsync(CancellationToken.None); // The first wait only begins to listen.
        var started = Stopwatch.GetTimestamp();

        await Wait.ForAsync("the next wait ended", signal.WaitAsync(CancellationToken.None));

        Assert.True(Stopwatch.GetElapsedTime(started) >= TimeSpan.FromMilliseconds(90));
    }

    [Fact]
    public async Task Notifications_without_end_end_a_few_waits_a_second_and_the_first_after_quiet_at_once()
    {
        await using var database = await TestDatabase.CreateAsync(new() { PollInterval = TimeSpan.FromMinutes(5) });
        await using var signal = new WorkSignal(database.Queue);
        await signal.WaitAsync(CancellationToken.None); // The first wait only begins to listen.
        using var stop = new CancellationTokenSource();
        var flood = Task.WhenAll(NotifyAsync(database, stop.Token), NotifyAsync(database, stop.Token));
        var started = Stopwatch.GetTimestamp();
        var waits = 0;
        for (; Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(2); waits++)
        {
            await Wait.ForAsync("the wait ended", signal.WaitAsync(CancellationToken.None));
            if (waits == 0) Assert.InRange(Stopwatch.GetElapsedTime(started), TimeSpan.Zero, TimeSpan.FromSeconds(1));
        }

        await stop.CancelAsync();
        await flood;
        // Four a second, one more for each end; on a machine that is busy fewer.
        Assert.InRange(waits, 2, 10);
    }

    [Fact]
    public async Task A_wait_after_a_cancelled_one_wakes_when_a_job_is_submitted()
    {
        await using var database = await TestDatabase.CreateAsync(new() { PollInterval = TimeSpan.FromMinutes(5) });
        await database.AddModelAsync();
        await using var signal = new WorkSignal(database.Queue);
        await signal.WaitAsync(CancellationToken.None); // The first wait only begins to listen.
        using var stop = new CancellationTokenSource();
        var wait = signal.WaitAsync(stop.Token);
        await UntilListeningAsync(database);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => wait);

        await signal.WaitAsync(CancellationToken.None);
        var next = signal.WaitAsync(CancellationToken.None);
        await UntilListeningAsync(database);
        await database.SubmitAsync("");
        await Wait.ForAsync("the wait after the cancelled one ended", next);
    }

    [Fact]
    public async Task A_wait_whose_connection_is_lost_ends_soon_and_the_next_one_listens_again()
    {
        await using var database = await TestDatabase.CreateAsync(new() { PollInterval = TimeSpan.FromMilliseconds(200) });
        await using var signal = new WorkSignal(database.Queue);
        await signal.WaitAsync(CancellationToken.None); // The first wait only begins to listen.
        var wait = signal.WaitAsync(CancellationToken.None);
        await UntilListeningAsync(database);
        await database.SqlAsync("select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1", database.Name);

        await Wait.ForAsync("the wait with the lost connection ended", wait);
        await Wait.ForAsync("the next wait ended", signal.WaitAsync(CancellationToken.None));
    }

    [Fact]
    public async Task A_completed_job_is_announced_on_the_done_channel_without_its_id()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync();
        await using var listener = await database.ConnectAsync();
        var payload = new TaskCompletionSource<string>();
        listener.Notification += (_, notification) => payload.TrySetResult(notification.Payload);
        await using (var command = new Npgsql.NpgsqlCommand($"listen {database.Schema}_done", listener))
            await command.ExecuteNonQueryAsync();
        await database.SubmitAsync("");

        await database.FinishAsync((await database.ClaimAsync(await database.AddWorkerAsync()))!);
        Assert.True(await listener.WaitAsync(TimeSpan.FromSeconds(30)));

        Assert.Equal("""{"count": 1}""", await payload.Task);
    }

    // Any login may do this: notifications belong to nobody.
    private static async Task NotifyAsync(TestDatabase database, CancellationToken stop)
    {
        await using var connection = await database.ConnectAsync();
        await using var command = new Npgsql.NpgsqlCommand($"notify {database.Schema}_jobs", connection);
        while (!stop.IsCancellationRequested) await command.ExecuteNonQueryAsync(CancellationToken.None);
    }

    // Waits until the server has the listening connection idle, so that a notification sent from here on reaches it.
    private static Task UntilListeningAsync(TestDatabase database)
    {
        const string Listening =
            "select exists (select from pg_stat_activity where application_name = $1 and state = "
                + "'idle' and query like '%format(''listen %')";
        return Wait.UntilAsync("a connection listens and is idle", () => database.SqlAsync<bool>(Listening, database.Name));
    }
}
