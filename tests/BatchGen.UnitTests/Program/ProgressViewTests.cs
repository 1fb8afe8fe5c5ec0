using BatchGen.Core.Jobs;
using BatchGen.Core.Rendering;
using BatchGen.Output;
using BatchGen.Queue.Workers;
using Microsoft.Extensions.Time.Testing;

namespace BatchGen.UnitTests.Program;

public sealed class ProgressViewTests
{
    private static readonly JobCounts Counts = new(Queued: 60, Running: 4, Succeeded: 30, Failed: 5, Cancelled: 1, Verified: 28);

    [Fact]
    public void The_line_for_logs_has_every_count() => Assert.Equal(
        "36 of 100 ended: 30 succeeded (28 verified), 5 failed, 1 cancelled; 60 waiting, 4 running",
        ProgressView.Line(Counts, new ThroughputMeter(new FakeTimeProvider())));

    [Fact]
    public void The_line_for_logs_ends_with_rate_and_time_left_once_jobs_have_ended() =>
        Assert.EndsWith(
            "4 running; 12 images/min, 5 min left", ProgressView.Line(Counts, MeterOfTwelveAMinute()), StringComparison.Ordinal);

    [Fact]
    public void Bars_show_the_share_of_ended_jobs_with_rate_and_time_left()
    {
        var lines = Show();
        Assert.Equal("Campaign tonight", lines[0]);
        Assert.Equal($"{new string('━', 12)}{new string('─', 20)} 36/100  12 images/min, 5 min left", lines[1]);
        Assert.Equal("waiting 60  running 4  succeeded 30  verified 28  failed 5  cancelled 1", lines[2]);
    }

    [Fact]
    public void Bars_without_a_worker_say_how_to_start_one() =>
        Assert.Equal("No worker is running; 'batchgen worker' starts one.", Show()[3]);

    [Fact]
    public void A_worker_without_a_batch_is_shown_as_idle() => Assert.Equal("gpu-1".PadRight(29) + "idle", Show(Worker(batch: null))[3]);

    [Theory]
    [InlineData(0, 0, 8, 0)] // Nothing yet.
    [InlineData(2, 0, 8, 16)] // Half of the batch.
    [InlineData(2, 4, 8, 20)] // And half of the third image: half of 4 images are 16 cells, an eighth of 32 cells are 4.
    [InlineData(4, 8, 8, 32)] // Never beyond the end.
    public void The_bar_of_a_worker_grows_with_finished_images_and_the_steps_of_the_current_one(
        int finished, int step, int steps, int cells)
    {
        var line = Show(Worker(batch: 7, finished, step, steps))[3];
        var bar = new string('━', cells) + new string('─', 32 - cells);
        Assert.Equal($"{"gpu-1",-28} {bar} {finished}/4  step {step}/{steps}  demo|demo-neon@0.8", line);
    }

    private static string[] Show(params WorkerDetails[] workers)
    {
        var terminal = new ScriptedTerminal(width: 200);
        terminal.Write(ProgressView.Bars("Campaign tonight", Counts, workers, MeterOfTwelveAMinute(), []));
        return [.. terminal.Shown.Split('\n').Select(line => line.TrimEnd())];
    }

    private static ThroughputMeter MeterOfTwelveAMinute()
    {
        var clock = new FakeTimeProvider();
        var meter = new ThroughputMeter(clock);
        meter.Sample(30);
        clock.Advance(TimeSpan.FromSeconds(30));
        meter.Sample(36);
        return meter;
    }

    private static WorkerDetails Worker(long? batch, int finished = 0, int step = 0, int steps = 0) => new(
        Guid.Empty,
        "gpu-1",
        new DeviceInfo("cuda:0", "a GPU", "float16"),
        StartedAt: DateTimeOffset.UnixEpoch,
        HeartbeatAt: DateTimeOffset.UnixEpoch,
        StoppedAt: null,
        StopReason: null,
        Signature: "demo|demo-neon@0.8",
        batch,
        BatchJobs: 4,
        finished,
        step,
        steps,
        new AdapterCacheUse(0, 0, 0));
}
