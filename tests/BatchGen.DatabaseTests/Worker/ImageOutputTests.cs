using BatchGen.Core.Failures;
using BatchGen.Core.Jobs;
using BatchGen.Core.Rendering;
using BatchGen.Imaging.Files;
using BatchGen.Queue;
using BatchGen.Queue.Schedules;
using BatchGen.Testing;
using BatchGen.Worker.Leases;
using BatchGen.Worker.Monitoring;
using BatchGen.Worker.Output;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace BatchGen.DatabaseTests.Worker;

/// <summary>Images that cannot be written, or must not be any more.</summary>
public sealed class ImageOutputTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);
    private readonly string _folder = Directory.CreateTempSubdirectory("batchgen-output-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_job_is_not_rendered_again_while_a_folder_takes_a_probe_but_no_image()
    {
        await using var database = await DatabaseAsync();
        await database.SubmitAsync("");
        // A file where the folder of the images should be: the folder above can be written.
        var blocked = Path.Combine(_folder, "000000");
        await File.WriteAllTextAsync(blocked, "", TestContext.Current.CancellationToken);
        var renderer = new FakeRenderer();
        await using var worker = await WorkerHost.StartAsync(database, renderer, options => options.ExitWhenIdle = false, _folder);
        await WorkerHost.UntilAsync(
            "the job was requeued",
            () => database.SqlAsync<long>("select count(*) from job_attempts where code = 'requeued'"),
            attempts => attempts > 0);
        // Each heartbeat comes before a claim.
        await WorkerHost.UntilHeartbeatsAsync(database, 5);
        Assert.Single(renderer.Calls, call => call == "render 1");

        File.Delete(blocked);
        await WorkerHost.UntilVerifiedAsync(database, 1);
        Assert.Equal(2, renderer.Calls.Count(call => call == "render 1"));
    }

    [Fact]
    public async Task A_worker_suspended_past_its_lease_does_not_overwrite_the_image_of_the_new_owner()
    {
        await using var database = await DatabaseAsync();
        var id = (await database.SubmitAsync(""))[0];
        var suspended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var resumed = new ManualResetEventSlim();
        var renderer = new FakeRenderer
        {
            OnRender = (_, _) =>
            {
                suspended.TrySetResult();
                resumed.Wait(Limit, CancellationToken.None);
            },
        };
        // Heartbeats are so rare that none says that the lease is lost.
        await using var worker = await WorkerHost.StartAsync(
            database, renderer, options => options.HeartbeatInterval = TimeSpan.FromSeconds(20), _folder);
        await Wait.ForAsync("the worker renders", suspended.Task, cancellationToken: TestContext.Current.CancellationToken);
        await database.SqlAsync("update batches set lease_expires_at = now() - interval '1 second'; select rescue_expired()");
        var batch = (await database.ClaimAsync(await database.AddWorkerAsync()))!;
        await database.FinishAsync(batch);

        resumed.Set();
        await worker.WaitForEndAsync();
        Assert.Empty(Files());
        Assert.Equal([id], await WorkerHost.InStateAsync(database, JobState.Succeeded));
    }

    [Fact]
    public async Task A_worker_suspended_past_its_lease_between_two_files_of_a_group_writes_no_further_file()
    {
        await using var database = await DatabaseAsync();
        await database.SubmitAsync("", "", "");
        var first = (await database.ClaimAsync(await database.AddWorkerAsync()))!;
        var clock = new SuspendableClock();
        await using var lease = new LeaseKeeper(
            first, database.Claims, TimeSpan.FromSeconds(20), new WorkerHealth(new WindowStore(database.Queue), clock), clock,
            NullLogger.Instance, CancellationToken.None);
        var images = first.Jobs.Select(job => new EncodedImage(new RenderedImage(job.JobId, 1, 1, [0, 0, 0]), job, null!, [1])).ToArray();
        var files = new ImageFileWriter(_folder);
        var written = new List<string>();

        await Assert.ThrowsAsync<LeaseLostException>(() => new FencedOutput(lease).WriteAsync(images, image =>
        {
            var file = files.Write(image.Job.JobId, first.Epoch, ImageFormat.Png, image.Bytes);
            written.Add(file.RelativePath);
            // Suspended here for an hour, in which the lease ends. The timer of the heartbeats has not come to run yet.
            WorkerHost.Sql(database, "update batches set lease_expires_at = now() - interval '1 second'; select rescue_expired()");
            clock.Suspend(TimeSpan.FromHours(1));
            return new CompletedJob(image.Job.JobId, file.RelativePath, 1, file.Sha256, 1, 1, 1, "{}");
        }));

        Assert.Equal(Assert.Single(written), Assert.Single(Files()));
        // The new owner's files have other names, so the file of the lost attempt is in nobody's way.
        var second = (await database.ClaimAsync(await database.AddWorkerAsync()))!;
        var again = files.Write(first.Jobs[0].JobId, second.Epoch, ImageFormat.Png, [2]);
        Assert.NotEqual(written[0], again.RelativePath);
        Assert.Equal([1], await File.ReadAllBytesAsync(Path.Combine(_folder, written[0]), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_new_database_over_the_image_folder_of_an_old_one_replaces_none_of_its_images()
    {
        Dictionary<string, byte[]> old;
        await using (var database = await DatabaseAsync())
        {
            await RunAsync(database);
            // As versions up to 0.2.0 named images.
            await File.WriteAllTextAsync(Path.Combine(_folder, "000000", "000000001.png"), "old", TestContext.Current.CancellationToken);
            old = Files().ToDictionary(file => file, file => File.ReadAllBytes(Path.Combine(_folder, file)), StringComparer.Ordinal);
            Assert.Equal(4, old.Count);
        }

        await using var other = await DatabaseAsync();
        await RunAsync(other);
        Assert.All(old, file => Assert.Equal(file.Value, File.ReadAllBytes(Path.Combine(_folder, file.Key))));
        Assert.Equal(7, Files().Length);
        var paths = (await other.SqlAsync<string[]>("select array_agg(path order by path) from images"))!;
        Assert.Equal(Files().Except(old.Keys, StringComparer.Ordinal).Order(StringComparer.Ordinal).ToArray(), paths);
    }

    private async Task RunAsync(TestDatabase database)
    {
        await database.SubmitAsync("", "", "");
        await using var worker = await WorkerHost.StartAsync(database, new FakeRenderer(), imageFolder: _folder);
        await worker.WaitForEndAsync();
        Assert.Equal(3, (await WorkerHost.InStateAsync(database, JobState.Succeeded)).Length);
    }

    private string[] Files() => Directory.GetFiles(_folder, "*", SearchOption.AllDirectories)
        .Select(file => Path.GetRelativePath(_folder, file).Replace('\\', '/')).ToArray();

    private static async Task<TestDatabase> DatabaseAsync()
    {
        var database = await TestDatabase.CreateAsync(new QueueOptions { PollInterval = TimeSpan.FromMilliseconds(50) });
        await database.AddModelAsync(native: 64);
        return database;
    }

    // The clock of a process whose timers did not run for a while.
    private sealed class SuspendableClock : TimeProvider
    {
        private TimeSpan _suspended;

        public void Suspend(TimeSpan time) => _suspended += time;

        public override long GetTimestamp() => base.GetTimestamp() + (long)(_suspended.TotalSeconds * TimestampFrequency);
    }
}
