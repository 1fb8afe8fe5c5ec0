using BatchGen.Core.Adapters;
using BatchGen.Core.Jobs;
using BatchGen.Queue;
using BatchGen.Queue.Claims;
using BatchGen.Worker.Leases;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace BatchGen.UnitTests.Worker;

public class LeaseKeeperTests
{
    [Fact]
    public async Task A_tensor_batch_can_be_cancelled_after_the_next_has_begun()
    {
        var recipe = new RenderRecipe
        {
            Signature = AdapterSignature.Create("demo", []), Prompt = "a star", WidthPixels = 64, HeightPixels = 64, Steps = 1, Sampler = "ddim", GuidanceScale = 1, Seed = 1,
        };
        var batch = new ClaimedBatch(1, 1, Guid.Empty, recipe.Signature, DateTimeOffset.UnixEpoch, [new(1, 1, recipe), new(2, 1, recipe)]);
        // Its clock stands still: no heartbeat, and no database.
        await using var database = QueueDatabase.Open("Host=nowhere", new QueueOptions());
        await using var keeper = new LeaseKeeper(batch, new BatchClaims(database), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(3), new FakeTimeProvider(), NullLogger.Instance);
        var (_, firstCancelled) = keeper.Begin([batch.Jobs[0]]);
        keeper.Begin([batch.Jobs[1]]);
        // A heartbeat may be just about to cancel the first. Asking for the handle throws where that would: when the source is disposed.
        Assert.False(firstCancelled.WaitHandle.WaitOne(0));
    }
}
