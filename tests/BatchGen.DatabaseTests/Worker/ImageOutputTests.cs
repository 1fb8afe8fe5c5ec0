using BatchGen.Core.Jobs;
using BatchGen.Queue;
using BatchGen.Testing;
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
        var image = Path.Combine(_folder, "000000", $"{id:D9}.png");
        Directory.CreateDirectory(Path.GetDirectoryName(image)!);
        await File.WriteAllBytesAsync(image, [1, 2, 3], TestContext.Current.CancellationToken);
        await database.FinishAsync(batch);

        resumed.Set();
        await worker.WaitForEndAsync();
        Assert.Equal([1, 2, 3], await File.ReadAllBytesAsync(image, TestContext.Current.CancellationToken));
        Assert.Equal([id], await WorkerHost.InStateAsync(database, JobState.Succeeded));
    }

    private static async Task<TestDatabase> DatabaseAsync()
    {
        var database = await TestDatabase.CreateAsync(new QueueOptions { PollInterval = TimeSpan.FromMilliseconds(50) });
        await database.AddModelAsync(native: 64);
        return database;
    }
}
