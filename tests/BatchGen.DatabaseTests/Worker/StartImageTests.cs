using System.Security.Cryptography;
using BatchGen.Core.Failures;
using BatchGen.Core.Imaging;
using BatchGen.Core.Jobs;
using BatchGen.Core.Submitting;
using BatchGen.Imaging;
using BatchGen.Imaging.Recipes;
using BatchGen.Queue;
using BatchGen.Queue.Jobs;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Worker;

/// <summary>A worker reads, fits and records start images, and fails only the jobs whose image cannot be read.</summary>
public sealed class StartImageTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("batchgen-start-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_start_image_reaches_the_renderer_in_the_size_of_its_job_and_its_digest_stands_in_the_recipe()
    {
        await using var database = await DatabaseAsync();
        var file = ImageEncoder.Encode(new PixelImage(32, 16, [.. Enumerable.Repeat((byte)90, 32 * 16 * 3)]), ImageFormat.Png);
        var name = new StartImageFolder(_folder).Add(file, "sketch.png");
        var id = Assert.Single(await database.Submitter.SubmitAsync(
            [new JobRequest { StartImage = name, Strength = 0.6, GuidanceRescale = 0.5 }], CancellationToken.None));
        var seen = new List<ClaimedJob>();
        await RunAsync(database, seen);

        var job = Assert.Single(seen);
        Assert.Equal(64 * 64 * 3, job.StartPixels!.Length);
        Assert.All(job.StartPixels, value => Assert.Equal(90, value));
        var recipe = ImageRecipeJson.Read((await database.SqlAsync<string>("select recipe::text from images where job_id = $1", id))!);
        Assert.Equal((name, Convert.ToHexStringLower(SHA256.HashData(file)), "0.6", "0.5"),
            (recipe.TextOf(JobFields.StartImage), recipe.StartImageSha256, recipe.TextOf(JobFields.Strength),
                recipe.TextOf(JobFields.GuidanceRescale)));
    }

    [Fact]
    public async Task Jobs_whose_start_image_is_missing_or_damaged_fail_at_once_and_alone()
    {
        await using var database = await DatabaseAsync();
        await File.WriteAllTextAsync(Path.Combine(_folder, "text.png"), "not an image", TestContext.Current.CancellationToken);
        var good = new StartImageFolder(_folder)
            .Add(ImageEncoder.Encode(new PixelImage(8, 8, new byte[8 * 8 * 3]), ImageFormat.Png), "good");
        var cut = ImageEncoder.Encode(
            new PixelImage(64, 64, [.. Enumerable.Range(0, 64 * 64 * 3).Select(i => (byte)(i * 7919 >> 3))]), ImageFormat.Png)[..200];
        await File.WriteAllBytesAsync(Path.Combine(_folder, "cut.png"), cut, TestContext.Current.CancellationToken);
        var ids = await database.Submitter.SubmitAsync(
            new[] { "gone.png", good, "text.png", "cut.png" }.Select(name => new JobRequest { StartImage = name }).ToArray(),
            CancellationToken.None);
        await RunAsync(database, []);

        var jobs = await database.Catalog.FindAsync(ids, CancellationToken.None);
        Assert.Equal([JobState.Failed, JobState.Succeeded, JobState.Failed, JobState.Failed], jobs.Select(job => job.State));
        Assert.Equal($"Start image 'gone.png' is not in '{Path.GetFileName(_folder)}' on this machine. Put it there, then retry the job.",
            jobs[0].FailureMessage);
        Assert.Equal("Start image 'text.png' is not a PNG, WebP or JPEG image; convert it to one of them.", jobs[2].FailureMessage);
        Assert.StartsWith("Start image 'cut.png' cannot be decoded: ", jobs[3].FailureMessage, StringComparison.Ordinal);
        Assert.All(
            jobs.Where(job => job.State == JobState.Failed), job => Assert.Equal(("invalid_job", 1), (job.FailureCode, job.Attempts)));
    }

    [Fact]
    public async Task Jobs_whose_start_image_a_tenant_sent_wait_uncounted_where_the_folder_lacks_it()
    {
        await using var database = await DatabaseAsync(new QueueOptions
        {
            PollInterval = TimeSpan.FromMilliseconds(50), RetryDelay = TimeSpan.FromMilliseconds(10),
        });
        var image = ImageEncoder.Encode(new PixelImage(8, 8, new byte[8 * 8 * 3]), ImageFormat.Png);
        var elsewhere = new StartImageFolder(Path.Combine(_folder, "elsewhere"));
        var name = elsewhere.Add(image, "sent");
        await new StartImageOwners(database.Queue).KeepAsync(name, image.Length, tenant: null, CancellationToken.None);
        await database.Submitter.SubmitAsync([new JobRequest { StartImage = name }], CancellationToken.None);
        await using var worker = await WorkerHost.StartAsync(
            database, new FakeRenderer(), options => options.ExitWhenIdle = false, startImageFolder: Path.Combine(_folder, "not-mounted"));

        await WorkerHost.UntilAsync("the worker says what it lacks", () => LacksAsync(database), lacks => lacks == "start_image " + name);
        Assert.Equal(0L, await database.SqlAsync<long>("select count(*) from job_attempts where counted or code <> 'requeued'"));
        // The folder is mounted.
        new StartImageFolder(Path.Combine(_folder, "not-mounted")).Add(image, "sent");
        await WorkerHost.UntilVerifiedAsync(database, 1);
        await WorkerHost.UntilAsync("the worker lacks nothing", () => LacksAsync(database), lacks => lacks.Length == 0);
    }

    [Fact]
    public async Task Jobs_whose_start_image_no_living_worker_could_read_for_longer_than_the_limit_fail_until_they_are_retried()
    {
        // Tried once within the test: a requeued job waits for twenty times the delay.
        await using var database = await DatabaseAsync(new QueueOptions
        {
            PollInterval = TimeSpan.FromMilliseconds(50), RetryDelay = TimeSpan.FromMinutes(3),
        });
        var name = new string('a', 64) + ".png";
        await new StartImageOwners(database.Queue).KeepAsync(name, 1, tenant: null, CancellationToken.None);
        var id = Assert.Single(await database.Submitter.SubmitAsync([new JobRequest { StartImage = name }], CancellationToken.None));
        await using var worker = await WorkerHost.StartAsync(
            database, new FakeRenderer(), options => options.ExitWhenIdle = false, startImageFolder: _folder);
        async Task<(JobState, string?)> LookAsync()
        {
            await database.Claims.RescueExpiredAsync(CancellationToken.None);
            var job = (await database.Catalog.FindAsync(id, CancellationToken.None))!;
            return (job.State, job.FailureCode);
        }

        Task TriedAsync(long times) => WorkerHost.UntilAsync(
            "the job was tried", () => database.SqlAsync<long>("select count(*) from job_attempts"), count => count == times);
        await TriedAsync(1);
        Assert.Equal((JobState.Queued, null), await LookAsync());

        // The first attempt was long ago, but another worker has not tried.
        var other = await database.AddWorkerAsync("other");
        await database.SqlAsync("""
            insert into job_attempts (job_id, attempt, counted, code, message, worker_id, ended_at)
            select job_id, attempt, counted, code, message, worker_id, ended_at - interval '13 hours' from job_attempts
            """);
        Assert.Equal((JobState.Queued, null), await LookAsync());

        await database.Workers.StopAsync(other, "stopped", CancellationToken.None);
        // The worker's own rescue may have the row at this moment.
        await WorkerHost.UntilAsync("the job failed", LookAsync, now => now == (JobState.Failed, "invalid_job"));
        var failed = (await database.Catalog.FindAsync(id, CancellationToken.None))!;
        Assert.Equal(0, failed.Attempts);
        Assert.Matches(
            $"^No worker that runs could begin this job for more than 12:00:00, .* The last one said: Start image '{name}' is not in",
            failed.FailureMessage);

        await database.Actions.RetryAsync([id], CancellationToken.None);
        await TriedAsync(4);
        Assert.Equal(JobState.Queued, (await LookAsync()).Item1);
    }

    [Theory]
    [InlineData("gone.png", true)]
    [InlineData("folder.png", true)]
    [InlineData("text.png", false)]
    public async Task Messages_that_an_image_cannot_be_read_now_are_known_to_the_database(string name, bool mayPass)
    {
        await using var database = await DatabaseAsync();
        Directory.CreateDirectory(Path.Combine(_folder, "folder.png"));
        await File.WriteAllTextAsync(Path.Combine(_folder, "text.png"), "not an image", TestContext.Current.CancellationToken);
        var failure = Assert.Throws<StartImageException>(() => new StartImageFolder(_folder).Read(name));
        Assert.Equal(mayPass, failure.MayPass || failure.IsMissing);
        // What else is wrong with an image fails its job at once.
        const string Asked = """
            select could_not_begin(
              jsonb_populate_record(null::job_attempts, jsonb_build_object('code', $1::text, 'message', $2::text))) is not null
            """;
        var message = FailureText.WithoutFolders(failure.Message);
        Assert.Equal(mayPass, await database.SqlAsync<bool>(Asked, mayPass ? "requeued" : "invalid_job", message));
        Assert.False(await database.SqlAsync<bool>(Asked, "requeued", "This worker's machine lacks adapter 'a': " + message));
    }

    private static async Task<string> LacksAsync(TestDatabase database) => string.Join(", ",
        (await database.Workers.ListAsync(CancellationToken.None)).SelectMany(worker => worker.Lacks)
            .Select(lack => $"{lack.Kind} {lack.Name}"));

    private async Task RunAsync(TestDatabase database, List<ClaimedJob> seen)
    {
        var renderer = new FakeRenderer { OnRender = (jobs, _) => seen.AddRange(jobs) };
        await using var worker = await WorkerHost.StartAsync(database, renderer, startImageFolder: _folder);
        await worker.WaitForEndAsync();
        Assert.Null(worker.Outcome.Failure);
    }

    private static async Task<TestDatabase> DatabaseAsync(QueueOptions? options = null)
    {
        var database = await TestDatabase.CreateAsync(options);
        await database.AddModelAsync(native: 64);
        return database;
    }
}
