using BatchGen.Core.Failures;
using BatchGen.Core.Files;
using BatchGen.Core.Imaging;
using BatchGen.Core.Jobs;
using BatchGen.Imaging.Files;
using BatchGen.Queue.Upkeep;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Upkeep;

/// <summary>What workers left behind in the image folder is removed, and nothing else.</summary>
public sealed class ImageFolderSweepTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("batchgen-sweep-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Images_of_jobs_that_failed_or_were_cancelled_while_being_saved_are_removed_and_recorded_ones_stay()
    {
        await using var database = await StartAsync();
        await database.SubmitAsync("", "", "", "");
        var batch = (await database.ClaimAsync(await database.AddWorkerAsync()))!;
        var files = batch.Jobs.Select(job => Write(job.JobId, batch.Epoch)).ToArray();
        var unfinished = Unfinished(batch.Jobs[2].JobId, batch.Epoch);
        await database.Actions.CancelAsync([batch.Jobs[1].JobId], CancellationToken.None);
        await database.Claims.FailAsync(
            batch, [new(batch.Jobs[2].JobId, FailureCode.Generation, "no memory")], CancellationToken.None);
        await database.Claims.CompleteAsync(
            batch,
            [.. new[] { 0, 1, 3 }.Select(i => new CompletedJob(batch.Jobs[i].JobId, files[i], 1, new string('0', 64), 8, 8, 1, "{}"))],
            CancellationToken.None);

        // Nothing of a batch that is under way is touched: its images may be recorded yet.
        Assert.Equal(0, await SweepAsync(database));
        await database.Claims.CloseAsync(batch, CancellationToken.None);
        Assert.Equal(0, await new ImageFolderSweep(database.Queue, TimeProvider.System)
            .SweepAsync(_folder, TimeSpan.FromHours(1), CancellationToken.None));
        Assert.Equal(3, await SweepAsync(database));

        Assert.Equal([files[0], files[3]], Files());
        Assert.False(File.Exists(unfinished));
        Assert.Equal(0, await SweepAsync(database));
    }

    [Fact]
    public async Task Files_of_a_worker_that_lost_its_lease_are_removed_and_those_of_the_new_owner_stay()
    {
        await using var database = await StartAsync();
        await database.SubmitAsync("");
        var lost = (await database.ClaimAsync(await database.AddWorkerAsync()))!;
        Write(1, lost.Epoch);
        await database.SqlAsync("update batches set lease_expires_at = now() - interval '1 second'");
        await database.Claims.RescueExpiredAsync(CancellationToken.None);
        var batch = (await database.ClaimAsync(await database.AddWorkerAsync()))!;
        var kept = Write(1, batch.Epoch);
        await database.Claims.CompleteAsync(
            batch, [new CompletedJob(1, kept, 1, new string('0', 64), 8, 8, 1, "{}")], CancellationToken.None);
        await database.Claims.CloseAsync(batch, CancellationToken.None);

        Assert.Equal(1, await SweepAsync(database));
        Assert.Equal([kept], Files());
    }

    [Fact]
    public async Task Recorded_images_stay_when_their_job_is_archived_and_when_the_archive_has_forgotten_it()
    {
        await using var database = await StartAsync();
        await database.SubmitAsync("");
        var worker = await database.AddWorkerAsync();
        var batch = (await database.ClaimAsync(worker))!;
        var file = Write(1, batch.Epoch);
        await database.Claims.CompleteAsync(
            batch, [new CompletedJob(1, file, 1, new string('0', 64), 8, 8, 1, "{}")], CancellationToken.None);
        await database.CheckpointAsync(worker, Core.Rendering.CheckpointVerdict.Passed, batch);
        await database.Claims.CloseAsync(batch, CancellationToken.None);
        var upkeep = new QueueUpkeep(database.Queue);

        Assert.Equal(1, await upkeep.ArchiveJobsAsync(TimeSpan.Zero, CancellationToken.None));
        Assert.Equal(0, await SweepAsync(database));
        Assert.Equal(1, await upkeep.PruneArchiveAsync(TimeSpan.Zero, CancellationToken.None));
        Assert.Equal(0, await SweepAsync(database));
        Assert.Equal([file], Files());
    }

    [Fact]
    public async Task Files_of_another_database_and_files_that_no_worker_writes_are_never_removed()
    {
        await using var database = await StartAsync();
        await database.SubmitAsync("");
        var batch = (await database.ClaimAsync(await database.AddWorkerAsync()))!;
        await database.Claims.CloseAsync(batch, CancellationToken.None);
        var job = batch.Jobs[0].JobId;
        Write(job, batch.Epoch - 60_000_000); // A database that handed out a job of the same number a minute earlier.
        Write(job + 1, batch.Epoch); // A job that the batch did not have.
        Put("000000/000000001.png");
        Put("000000/000000001.png.part");
        Put("000000/notes.txt");
        Put("000000/.probe-1", "somebody's");
        Put(".probe-notes");
        Put("000001/" + Path.GetFileName(ImagePaths.Of(job, batch.Epoch, ImageFormat.Png))); // Not where workers put it.
        var before = Files();

        Assert.Equal(0, await SweepAsync(database));
        Assert.Equal(before, Files());
    }

    [Fact]
    public async Task Probes_of_workers_that_were_killed_are_removed()
    {
        await using var database = await StartAsync();
        Put(".probe-4711", "\0\0\0");
        Put("000000/.probe-0123456789abcdef0123456789abcdef", "");
        Assert.Equal(2, await SweepAsync(database));
        Assert.Equal(0, await new ImageFolderSweep(database.Queue, TimeProvider.System)
            .SweepAsync(Path.Combine(_folder, "gone"), TimeSpan.Zero, CancellationToken.None));
        Assert.Empty(Files());
    }

    private Task<int> SweepAsync(TestDatabase database) => new ImageFolderSweep(database.Queue, TimeProvider.System)
        .SweepAsync(_folder, TimeSpan.Zero, CancellationToken.None);

    private string Write(long jobId, long epoch) => new ImageFileWriter(_folder).Write(jobId, epoch, ImageFormat.Png, [1]).RelativePath;

    private string Unfinished(long jobId, long epoch) =>
        Put(ImagePaths.Of(jobId, epoch, ImageFormat.Png) + TemporaryNames.UnfinishedExtension);

    private string Put(string relative, string content = "x")
    {
        var path = Path.Combine(_folder, relative);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, content);
        return path;
    }

    private string[] Files() => Directory.GetFiles(_folder, "*", SearchOption.AllDirectories)
        .Select(file => Path.GetRelativePath(_folder, file).Replace('\\', '/')).Order(StringComparer.Ordinal).ToArray();

    private static async Task<TestDatabase> StartAsync()
    {
        var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync(native: 64);
        return database;
    }
}
