using BatchGen.Core.Failures;
using BatchGen.Core.Jobs;
using BatchGen.Queue;
using BatchGen.Testing;
using BatchGen.Worker.Batches;
using Xunit;

namespace BatchGen.DatabaseTests.Worker;

/// <summary>An error that nobody foresaw is charged to the one job that it comes with, and to nobody where it comes with none.</summary>
public sealed class UnforeseenErrorTests
{
    [Fact]
    public async Task An_error_while_rendering_is_charged_to_the_job_that_it_comes_with_and_its_neighbours_are_drawn()
    {
        await using var database = await DatabaseAsync();
        var ids = await database.SubmitAsync(Enumerable.Repeat("", 6));
        var renderer = new FakeRenderer
        {
            OnRender = (jobs, _) =>
            {
                if (jobs.Any(job => job.JobId == ids[2])) throw new FormatException("'/srv/models/demo' is odd");
            },
        };
        var log = new RecordedLog();
        await WorkerHost.RunAsync(database, renderer, log);
        await AssertChargedAloneAsync(database, ids, ids[2], "Unexpected error: 'demo' is odd");
        Assert.Contains($"Job {ids[2]} failed with an unforeseen error", log.Lines);
    }

    [Fact]
    public async Task An_error_while_encoding_is_charged_to_the_job_that_it_comes_with_and_its_neighbours_are_saved()
    {
        await using var database = await DatabaseAsync();
        var ids = await database.SubmitAsync(Enumerable.Repeat("", 6));
        // The encoder takes no image whose pixels do not fill it.
        var renderer = new FakeRenderer { OnPixels = (job, pixels) => job.JobId == ids[2] ? pixels[1..] : pixels };
        await WorkerHost.RunAsync(database, renderer);
        await AssertChargedAloneAsync(
            database, ids, ids[2], "Unexpected error: An image of 64x64 has 12288 bytes of RGB, not 12287. (Parameter 'image')");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_error_while_fusing_charges_nobody_and_other_signatures_are_drawn_meanwhile(bool isForeseen)
    {
        await using var database = await DatabaseAsync("ink", "wash");
        var ids = await database.SubmitAsync("ink", "ink", "wash");
        var failures = 5;
        var renderer = new FakeRenderer
        {
            OnFuse = signature =>
            {
                if (!signature.ToString().Contains("ink", StringComparison.Ordinal) || failures-- <= 0) return;
                throw isForeseen ? new GenerationException("no memory for the overlay") : new FormatException("odd");
            },
        };
        await using var worker = await WorkerHost.StartAsync(database, renderer, options => options.ExitWhenIdle = false);
        await WorkerHost.UntilVerifiedAsync(database, 3);
        Assert.Null(worker.Outcome.Failure);
        Assert.All(await database.Catalog.FindAsync(ids, CancellationToken.None), job => Assert.Equal(1, job.Attempts));
        Assert.Equal(10L, await database.SqlAsync<long>(
            "select count(*) from job_attempts where code = 'requeued' and not counted and message = $1",
            BatchRun.UnbegunStart + (isForeseen ? "no memory for the overlay" : "Unexpected error: odd")));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Jobs_whose_adapters_no_living_worker_could_fuse_for_longer_than_the_limit_fail_with_the_reason(bool isMixed)
    {
        await using var database = await DatabaseAsync("a");
        var id = Assert.Single(await database.SubmitAsync("a"));
        var renderer = new FakeRenderer
        {
            OnFuse = static _ => throw new GenerationException("no memory for the overlay"),
        };
        await using var worker = await WorkerHost.StartAsync(database, renderer, options => options.ExitWhenIdle = false);
        await WorkerHost.UntilAsync("the job was tried", () => database.SqlAsync<bool>("select count(*) > 0 from job_attempts"));
        await database.Claims.RescueExpiredAsync(CancellationToken.None);
        Assert.Null((await database.Catalog.FindAsync(id, CancellationToken.None))!.FailureCode);

        await database.SqlAsync("update job_attempts set ended_at = ended_at - interval '13 hours'");
        if (isMixed)
        {
            // What could not be got ready between is neither the reason nor an end of the time.
            await database.SqlAsync("""
                insert into job_attempts (job_id, attempt, counted, code, message, worker_id, ended_at)
                select job_id, attempt, counted, code, 'Start image ''a.png'' is not in the folder', worker_id, now() - interval '1 hour'
                from job_attempts limit 1
                """);
        }

        await WorkerHost.UntilAsync("the job failed", async () =>
        {
            await database.Claims.RescueExpiredAsync(CancellationToken.None);
            return (await database.Catalog.FindAsync(id, CancellationToken.None))!.State == JobState.Failed;
        });
        var failed = (await database.Catalog.FindAsync(id, CancellationToken.None))!;
        Assert.Equal(("generation", 0), (failed.FailureCode, failed.Attempts));
        Assert.Matches(
            "^No worker that runs could begin this job for more than 12:00:00, .* no memory for the overlay", failed.FailureMessage);
    }

    [Fact]
    public async Task A_worker_that_can_fuse_nothing_sets_itself_aside_and_charges_nobody()
    {
        await using var database = await DatabaseAsync("a", "b", "c");
        await database.SubmitAsync(new[] { "a", "b", "c" }.SelectMany(adapter => Enumerable.Repeat(adapter, 4)));
        var renderer = new FakeRenderer { OnFuse = static _ => throw new InvalidOperationException("the device answers nonsense") };
        await using var worker = await WorkerHost.StartAsync(database, renderer, options => options.ExitWhenIdle = false);
        await WorkerHost.UntilAsync(
            "the worker set itself aside", () => database.SqlAsync<bool>("select bool_or(set_aside_at is not null) from workers"));
        Assert.Equal(0L, await database.SqlAsync<long>("select count(*) from jobs where attempts > 0"));
        Assert.Equal(12, (await WorkerHost.InStateAsync(database, JobState.Queued)).Length);
    }

    [Fact]
    public async Task An_error_while_recording_ends_the_worker_and_charges_nobody()
    {
        await using var database = await DatabaseAsync();
        var ids = await database.SubmitAsync("", "", "");
        await database.SqlAsync(
            """
            create function refuse() returns trigger language plpgsql as $$
            begin
              raise exception using errcode = '42703', message = 'no such column';
            end $$;
            create trigger refuse before insert on images execute function refuse();
            """);
        var outcome = await WorkerHost.RunAsync(database, new FakeRenderer());
        Assert.NotNull(outcome.Failure);
        Assert.Equal(ids, await WorkerHost.InStateAsync(database, JobState.Queued));
        Assert.All(await database.Catalog.FindAsync(ids, CancellationToken.None), job => Assert.Equal(0, job.Attempts));
    }

    [Fact]
    public async Task An_error_while_a_canary_is_rendered_pauses_the_worker_and_charges_nobody()
    {
        await using var database = await DatabaseAsync();
        var ids = await database.SubmitAsync("", "");
        var renderer = new FakeRenderer { OnRender = static (_, _) => throw new FormatException("odd") };
        await using var worker = await WorkerHost.StartAsync(
            database, renderer, options => (options.ExitWhenIdle, options.CanaryEveryBatches) = (false, 50));
        await WorkerHost.UntilAsync("the worker paused itself", () => WorkerHost.IsPausedAsync(database));
        await WorkerHost.UntilAsync(
            "its jobs wait", () => WorkerHost.InStateAsync(database, JobState.Queued), queued => queued.Length == ids.Count);
        Assert.Null(worker.Outcome.Failure);
        Assert.All(await database.Catalog.FindAsync(ids, CancellationToken.None), job => Assert.Equal(0, job.Attempts));
    }

    private static async Task AssertChargedAloneAsync(TestDatabase database, IReadOnlyList<long> ids, long poison, string message)
    {
        Assert.Equal([poison], await WorkerHost.InStateAsync(database, JobState.Failed));
        Assert.Equal(ids.Where(id => id != poison), await WorkerHost.InStateAsync(database, JobState.Succeeded));
        var failed = await database.Catalog.FindAsync(poison, CancellationToken.None);
        Assert.Equal(("generation", message, 3), (failed!.FailureCode, failed.FailureMessage, failed.Attempts));
        Assert.Equal(0L, await database.SqlAsync<long>("select count(*) from job_attempts where job_id <> $1", poison));
    }

    private static async Task<TestDatabase> DatabaseAsync(params string[] adapters)
    {
        var database = await TestDatabase.CreateAsync(new QueueOptions
        {
            PollInterval = TimeSpan.FromMilliseconds(50), RetryDelay = TimeSpan.Zero, MaxBatchesPerSignature = 1,
        });
        await database.AddModelAsync(native: 64);
        await database.AddAdaptersAsync(adapters);
        return database;
    }
}
