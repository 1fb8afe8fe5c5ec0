using BatchGen.Testing;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Worker;

/// <summary>A worker that waits until images can be written again lives, and says so.</summary>
public sealed class OutputWaitTests
{
    [Fact]
    public async Task Heartbeats_go_on_while_a_worker_waits_an_hour_for_a_folder()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync(native: 64);
        // A file where the folder should be: no user, not even root, can write below it.
        var blocked = Path.GetTempFileName();
        try
        {
            var clock = new FakeTimeProvider();
            await using var worker = await WorkerHost.StartAsync(
                database, new FakeRenderer(),
                options => (options.ExitWhenIdle, options.OutputRetryInterval) = (false, TimeSpan.FromHours(1)),
                Path.Combine(blocked, "images"), clock: clock);
            await WorkerHost.UntilAsync(
                "the worker waits", () => worker.Health.ReadAsync(TestContext.Current.CancellationToken), now => !now.IsReady
                    && now.State == Core.Monitoring.ProcessStates.Degraded);
            for (var beat = 1; beat <= 3; beat++)
            {
                var last = await database.SqlAsync<DateTime>("select heartbeat_at from workers");
                var waited = 0;
                await WorkerHost.UntilAsync($"heartbeat {beat} within a minute", async () =>
                {
                    if (waited++ < 60) clock.Advance(TimeSpan.FromSeconds(1));
                    return await database.SqlAsync<DateTime>("select heartbeat_at from workers") > last;
                });
            }
        }
        finally
        {
            File.Delete(blocked);
        }
    }
}
