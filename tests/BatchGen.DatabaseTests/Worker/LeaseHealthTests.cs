using BatchGen.Core.Monitoring;
using BatchGen.Queue;
using BatchGen.Queue.Claims;
using BatchGen.Queue.Schedules;
using BatchGen.Testing;
using BatchGen.Worker.Leases;
using BatchGen.Worker.Monitoring;
using BatchGen.Worker.Output;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Worker;

/// <summary>A worker whose lease the database does not extend is not ready, whichever call finds out.</summary>
public sealed class LeaseHealthTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Leases_that_are_not_extended_for_more_than_a_second_make_the_worker_degraded_until_the_batch_ends(bool byHeartbeat)
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync();
        await database.SubmitAsync("");
        var batch = (await database.ClaimAsync(await database.AddWorkerAsync()))!;
        var health = new WorkerHealth(new WindowStore(database.Queue), TimeProvider.System);
        health.Enter(ProcessStates.Working);
        // What asks for the state reaches the database, and the lease does not.
        await using var away = QueueDatabase.Open("Host=127.0.0.1;Port=1;Username=nobody;Timeout=1", new QueueOptions());
        var clock = new FakeTimeProvider();
        using var stop = new CancellationTokenSource();
        await using (var lease = new LeaseKeeper(
            batch, new BatchClaims(away), TimeSpan.FromSeconds(5), health, clock, NullLogger.Instance, stop.Token))
        {
            Task writing = byHeartbeat ? Task.CompletedTask
                : new FencedOutput(lease).WriteAsync([], _ => throw new NotSupportedException());
            await WorkerHost.UntilAsync(
                "the worker is degraded",
                () =>
                {
                    if (byHeartbeat) clock.Advance(TimeSpan.FromSeconds(1));
                    return health.ReadAsync(TestContext.Current.CancellationToken);
                },
                now => now is { IsReady: false, State: ProcessStates.Degraded });
            await stop.CancelAsync();
            if (!byHeartbeat) await Assert.ThrowsAnyAsync<OperationCanceledException>(() => writing);
        }

        Assert.Equal(new Readiness(true, ProcessStates.Working), await health.ReadAsync(TestContext.Current.CancellationToken));
    }
}
