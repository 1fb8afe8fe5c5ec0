using BatchGen.Core.Rendering;
using BatchGen.Dashboard.Live;
using BatchGen.Queue.Workers;

namespace BatchGen.UnitTests.Dashboard;

public class WorkerStateTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch;

    [Theory]
    [InlineData(59, false)]
    [InlineData(60, true)]
    public void A_worker_counts_as_one_that_stopped_answering_after_a_minute_without_a_write(int seconds, bool stopped) =>
        Assert.Equal((stopped, !stopped), (Worker(seconds).StoppedAnswering(Now), Worker(seconds).IsAnswering(Now)));

    [Fact]
    public void A_worker_that_said_that_it_stopped_does_not_count_as_one_that_stopped_answering()
    {
        var worker = Worker(600) with { StoppedAt = Now.AddSeconds(-600) };
        Assert.Equal((false, false), (worker.StoppedAnswering(Now), worker.IsAnswering(Now)));
    }

    [Theory]
    [InlineData(0, 5, 50)]
    [InlineData(2, 5, 250)]
    [InlineData(3, 10, 300)] // The steps are those of the job before.
    public void Progress_of_a_batch_counts_finished_jobs_and_steps_of_the_present_one(int finished, int step, int expected)
    {
        var worker = Worker(0) with { BatchId = 1, BatchJobs = 3, BatchFinished = finished, Step = step, Steps = 10 };
        Assert.Equal(expected, new WorkerState(worker, false, false, false).BatchProgress);
    }

    private static WorkerDetails Worker(int silentSeconds) => new(
        Guid.Empty, "loom", new DeviceInfo("cpu", "test processor", "float32"), Now.AddHours(-1), Now.AddSeconds(-silentSeconds),
        StoppedAt: null, StopReason: null, Signature: null, BatchId: null, BatchJobs: 0, BatchFinished: 0, Step: 0, Steps: 0, default);
}
