using BatchGen.Core.Jobs;
using BatchGen.Queue;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Worker;

/// <summary>Pictures that cannot be written, or must not be any more.</summary>
public sealed class PictureOutputTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);
    private readonly string _folder = Directory.CreateTempSubdirectory("batchgen-output-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_folder_that_takes_a_probe_but_no_picture_is_not_drawn_for_again_and_again()
    {
        await using var database = await DatabaseAsync();
        await database.SubmitAsync("");
        // A file where the pictures' own folder should be: the folder above can be written.
        var blocked = Path.Combine(_folder, "000000");
        await File.WriteAllTextAsync(blocked, "", TestContext.Current.CancellationToken);
        var renderer = new FakeRenderer();
        await using var worker = await WorkerHost.StartAsync(database, renderer, options => options.ExitWhenIdle = false, _folder);
        await Until(async () => await database.SqlAsync<long>("select count(*) from job_attempts where code = 'requeued'") > 0);
        // Time enough for a dozen more at the interval of these tests.
        await Task.Delay(700, TestContext.Current.CancellationToken);
        Assert.Single(renderer.Calls, call => call == "render 1");

        File.Delete(blocked);
        await Until(async () => (await database.Catalog.CountAsync(null, CancellationToken.None)).Verified == 1);
        Assert.Equal(2, renderer.Calls.Count(call => call == "render 1"));
    }

    [Fact]
    public async Task A_worker_that_slept_through_its_lease_leaves_the_new_owners_picture_alone()
    {
        await using var database = await DatabaseAsync();
        var id = (await database.SubmitAsync(""))[0];
        var asleep = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var awake = new ManualResetEventSlim();
        var renderer = new FakeRenderer
        {
            OnRender = (_, _) =>
            {
                asleep.TrySetResult();
                awake.Wait(Limit, CancellationToken.None);
            },
        };
        // No heartbeat of its own tells it.
        await using var sleeper = await WorkerHost.StartAsync(database, renderer, options => options.HeartbeatInterval = TimeSpan.FromSeconds(20), _folder);
        await asleep.Task.WaitAsync(Limit, TestContext.Current.CancellationToken);
        await database.SqlAsync("update batches set lease_expires_at = now() - interval '1 second'; select rescue_expired()");
        var batch = (await database.ClaimAsync(await database.AddWorkerAsync()))!;
        var picture = Path.Combine(_folder, "000000", $"{id:D9}.png");
        Directory.CreateDirectory(Path.GetDirectoryName(picture)!);
        await File.WriteAllBytesAsync(picture, [1, 2, 3], TestContext.Current.CancellationToken);
        await database.FinishAsync(batch);

        awake.Set();
        await sleeper.WaitForEndAsync();
        Assert.Equal([1, 2, 3], await File.ReadAllBytesAsync(picture, TestContext.Current.CancellationToken));
        Assert.Equal([id], await WorkerHost.InStateAsync(database, JobState.Succeeded));
    }

    private static async Task<TestDatabase> DatabaseAsync()
    {
        var database = await TestDatabase.CreateAsync(new QueueOptions { PollInterval = TimeSpan.FromMilliseconds(50) });
        await database.AddModelAsync(native: 64);
        return database;
    }

    private static async Task Until(Func<Task<bool>> condition)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (!await condition()) await Task.Delay(20, limit.Token);
    }
}
