using BatchGen.Core.Adapters;
using BatchGen.Core.Jobs;
using BatchGen.Queue;
using BatchGen.Queue.Claims;
using BatchGen.Queue.Schedules;
using BatchGen.Worker.Leases;
using BatchGen.Worker.Monitoring;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace BatchGen.UnitTests.Worker;

public class LeaseKeeperTests
{
    [Fact]
    public async Task A_group_of_jobs_can_be_cancelled_after_the_next_group_has_begun()
    {
        var recipe = new RenderRecipe
        {
            Signature = AdapterSignature.Create("demo", []), Prompt = "a star", WidthPixels = 64, HeightPixels = 64, Steps = 1,
            Sampler = "ddim", GuidanceScale = 1, Seed = 1,
        };
        var batch = new ClaimedBatch(1, 1, Guid.Empty, recipe.Signature, DateTimeOffset.UnixEpoch, [new(1, 1, recipe), new(2, 1, recipe)]);
        // The clock stands still, so there is no heartbeat and no database is needed.
        await using var database = QueueDatabase.Open("Host=nowhere", new QueueOptions());
        await using var keeper = new LeaseKeeper(batch, new BatchClaims(database), TimeSpan.FromSeconds(1),
            new WorkerHealth(new WindowStore(database), TimeProvider.System), new FakeTimeProvider(),
            NullLogger.Instance, CancellationToken.None);
        var (_, firstCancelled) = keeper.Begin([batch.Jobs[0]]);
        keeper.Begin([batch.Jobs[1]]);
        // A heartbeat may be about to cancel the first group. Asking for the wait handle throws where that
        // would: when the source is disposed.
        Assert.False(firstCancelled.WaitHandle.WaitOne(0));
    }
}
