using BatchGen.Doctor;
using BatchGen.Queue.Inspection;

namespace BatchGen.UnitTests.Program;

/// <summary>What <c>batchgen doctor</c> says of servers that no test can have: the queue of notifications holds 8 GB.</summary>
public sealed class ServerSettingsCheckTests
{
    [Theory]
    [InlineData(0.49, false)]
    [InlineData(0.5, true)]
    [InlineData(1, true)]
    public void A_queue_of_notifications_that_is_half_full_is_a_warning_that_says_how_to_find_the_session(double share, bool expected)
    {
        var found = ServerSettingsCheck.Rules(new ServerFacts { NotificationQueueShare = share })
            .Where(rule => rule.IsBad && rule.What.Contains("queue of notifications", StringComparison.Ordinal)).ToArray();
        Assert.Equal(expected, found.Length == 1);
        Assert.All(found, rule => Assert.Equal(FindingState.Warning, rule.State));
        Assert.All(found, rule => Assert.Contains("select pg_terminate_backend(PID)", rule.Remedy, StringComparison.Ordinal));
    }
}
