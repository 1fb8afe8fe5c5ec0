using System.Diagnostics;
using BatchGen.Queue;
using BatchGen.Queue.Signals;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Signals;

public sealed class WorkSignalTests
{
    [Fact]
    public async Task Every_waiter_wakes_when_a_job_arrives()
    {
        await using var database = await TestDatabase.CreateAsync(new() { PollInterval = TimeSpan.FromMinutes(5) });
        await database.AddModelAsync();
        await using var signal = new WorkSignal(database.Queue);
        await signal.WaitAsync(CancellationToken.None); // The first one only begins to listen.
        var waits = Enumerable.Range(0, 3).Select(_ => signal.WaitAsync(CancellationToken.None)).ToArray();
        await UntilListeningAsync(database);

        await database.SubmitAsync("");

        await Task.WhenAll(waits).WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task A_notification_between_two_waits_is_not_lost()
    {
        await using var database = await TestDatabase.CreateAsync(new() { PollInterval = TimeSpan.FromMinutes(5) });
        await database.AddModelAsync();
        await using var signal = new WorkSignal(database.Queue);
        await signal.WaitAsync(CancellationToken.None); // The first one only begins to listen.
        var first = signal.WaitAsync(CancellationToken.None);
        await UntilListeningAsync(database);
        await database.SubmitAsync("");
        await first.WaitAsync(TimeSpan.FromSeconds(30));
        await database.SqlAsync("delete from jobs");

        await database.SubmitAsync("");

        await signal.WaitAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task Without_notification_a_wait_ends_after_the_poll_interval()
    {
        await using var database = await TestDatabase.CreateAsync(new() { PollInterval = TimeSpan.FromMilliseconds(100) });
        await using var signal = new WorkSignal(database.Queue);
        await signal.WaitAsync(CancellationToken.None); // The first one only begins to listen.
        var started = Stopwatch.GetTimestamp();

        await signal.WaitAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(30));

        Assert.True(Stopwatch.GetElapsedTime(started) >= TimeSpan.FromMilliseconds(90));
    }

    [Fact]
    public async Task A_cancelled_wait_ends_and_the_next_one_works()
    {
        await using var database = await TestDatabase.CreateAsync(new() { PollInterval = TimeSpan.FromMinutes(5) });
        await database.AddModelAsync();
        await using var signal = new WorkSignal(database.Queue);
        await signal.WaitAsync(CancellationToken.None); // The first one only begins to listen.
        using var stop = new CancellationTokenSource();
        var wait = signal.WaitAsync(stop.Token);
        await UntilListeningAsync(database);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => wait);

        await signal.WaitAsync(CancellationToken.None);
        var next = signal.WaitAsync(CancellationToken.None);
        await UntilListeningAsync(database);
        await database.SubmitAsync("");
        await next.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task A_lost_connection_means_polling_and_then_listening_again()
    {
        await using var database = await TestDatabase.CreateAsync(new() { PollInterval = TimeSpan.FromMilliseconds(200) });
        await using var signal = new WorkSignal(database.Queue);
        await signal.WaitAsync(CancellationToken.None); // The first one only begins to listen.
        var wait = signal.WaitAsync(CancellationToken.None);
        await UntilListeningAsync(database);
        await database.SqlAsync("select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1", database.Schema);

        await wait.WaitAsync(TimeSpan.FromSeconds(30));
        await signal.WaitAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task Ended_jobs_are_announced_to_upstream_apps()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync();
        await using var listener = await database.ConnectAsync();
        var told = new TaskCompletionSource<string>();
        listener.Notification += (_, notification) => told.TrySetResult(notification.Payload);
        await using (var command = new Npgsql.NpgsqlCommand($"listen {database.Schema}_done", listener)) await command.ExecuteNonQueryAsync();
        var id = (await database.SubmitAsync(""))[0];

        await database.FinishAsync((await database.ClaimAsync(await database.AddWorkerAsync()))!);
        Assert.True(await listener.WaitAsync(TimeSpan.FromSeconds(30)));

        Assert.Equal($$"""{"count": 1, "state": "succeeded", "job_ids": [{{id}}]}""", await told.Task);
    }

    // Waits until the server has the listening connection idle, so that a notification sent from here on reaches it.
    private static async Task UntilListeningAsync(TestDatabase database)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!await database.SqlAsync<bool>("select exists (select from pg_stat_activity where application_name = $1 and state = 'idle' and query like '%format(''listen %')", database.Schema))
            await Task.Delay(20, limit.Token);
    }
}
