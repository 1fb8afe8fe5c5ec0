using Xunit;

namespace BatchGen.DatabaseTests.Claims;

/// <summary>What holds for leases in random histories of submits, claims, ends, losses, checkpoints, cancels and retries.</summary>
public sealed class LeasePropertyTests
{
    [Fact]
    public async Task Jobs_of_a_random_history_are_never_lost_or_under_two_leases_and_are_counted_right()
    {
        await using var database = await RandomHistory.CreateDatabaseAsync(new() { RetryDelay = TimeSpan.Zero });
        RandomHistory.Check(12, 70, async steps =>
        {
            var history = await LeaseHistory.BeginAsync(database);
            foreach (var step in steps) await history.TakeAsync(step);
            await history.AssertStatesAgreeAsync();
            await history.AssertCountsAgreeAsync();
        });
    }
}
