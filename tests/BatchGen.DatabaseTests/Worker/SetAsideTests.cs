using BatchGen.Core.Failures;
using BatchGen.Core.Jobs;
using BatchGen.Queue;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Worker;

/// <summary>A worker that fails jobs at an unusual rate sets itself aside instead of eating the queue.</summary>
public sealed class SetAsideTests
{
    private const int JobsPerSignature = 10;
    private static readonly string[] Adapters = ["a", "b", "c", "d", "e"];

    [Fact]
    public async Task A_worker_alone_sets_itself_aside_after_ten_failures_over_three_signatures_and_an_operator_resumes_it()
    {
        await using var database = await DatabaseAsync();
        var broken = true;
        var log = new RecordedLog();
        await using var worker = await WorkerHost.StartAsync(database, Broken(() => broken), Stay, log: log);

        var aside = await UntilAsideAsync(database);
        Assert.StartsWith(
            "12 attempts in a row failed, with 3 signatures, while no other worker drew lately.", aside, StringComparison.Ordinal);
        await log.UntilAsync("The worker set itself aside", TestContext.Current.CancellationToken);
        await WorkerHost.UntilHeartbeatsAsync(database, 3);
        // What it failed before was not the jobs' doing.
        Assert.Equal((12L, 0L), (await database.SqlAsync<long>("select count(*) from job_attempts where code = 'generation'"),
            await database.SqlAsync<long>("select count(*) from job_attempts where counted")));
        Assert.Equal(0L, await database.SqlAsync<long>("select count(*) from jobs where attempts > 0"));

        Volatile.Write(ref broken, false);
        var id = Assert.Single(await database.Workers.ListAsync(CancellationToken.None)).WorkerId;
        await database.Workers.OrderAsync(id, paused: false, draining: null, CancellationToken.None);
        await WorkerHost.UntilVerifiedAsync(database, Adapters.Length * JobsPerSignature);
        Assert.Null(Assert.Single(await database.Workers.ListAsync(CancellationToken.None)).SetAsideAt);
    }

    [Fact]
    public async Task A_worker_set_aside_tries_one_job_after_a_while_and_works_again_when_it_is_drawn()
    {
        await using var database = await DatabaseAsync();
        var broken = true;
        await using var worker = await WorkerHost.StartAsync(database, Broken(() => broken), options =>
        {
            Stay(options);
            options.ProbationInterval = TimeSpan.FromMilliseconds(200);
        });
        await UntilAsideAsync(database);
        // One job, not one batch, and then a longer wait.
        await WorkerHost.UntilAsync(
            "a job on probation failed", () => database.SqlAsync<string>("select set_aside_reason from workers"),
            reason => reason!.StartsWith("A job on probation failed too", StringComparison.Ordinal));
        Assert.Equal(3L, await database.SqlAsync<long>(
            "select count(distinct a.batch_id) from job_attempts a join batches b on b.id = a.batch_id "
            + "where a.code = 'generation' and cardinality(b.job_ids) > 1"));

        Volatile.Write(ref broken, false);
        await WorkerHost.UntilVerifiedAsync(database, Adapters.Length * JobsPerSignature);
    }

    [Fact]
    public async Task Attempts_of_a_worker_set_aside_are_taken_back_from_jobs_that_wait_and_from_no_others()
    {
        await using var database = await DatabaseAsync();
        var (worker, other) = (await database.AddWorkerAsync("broken"), await database.AddWorkerAsync("other"));
        var batch = (await database.ClaimAsync(worker, maxJobs: 4))!;
        var ids = batch.Jobs.Select(job => job.JobId).ToArray();
        await database.Claims.FailAsync(
            batch,
            [
                new FailedJob(ids[0], FailureCode.Generation, "nonsense"), new FailedJob(ids[1], FailureCode.Generation, "nonsense"),
                new FailedJob(ids[2], FailureCode.InvalidJob, "no words"), new FailedJob(ids[3], FailureCode.Generation, "nonsense"),
            ],
            CancellationToken.None);
        await database.SqlAsync("update jobs set state = 'failed', indexed_state = 'failed', finished_at = now() where id = $1", ids[3]);

        Assert.Equal(0, await database.Workers.SetAsideAsync(other, "others", [batch.BatchId], CancellationToken.None));
        Assert.Equal(2, await database.Workers.SetAsideAsync(worker, "broken", [batch.BatchId], CancellationToken.None));
        Assert.Equal(0, await database.Workers.SetAsideAsync(worker, "broken", [batch.BatchId], CancellationToken.None));
        var attempts = (await database.Catalog.FindAsync(ids, CancellationToken.None)).Select(job => job.Attempts);
        Assert.Equal([0, 0, 1, 1], attempts);
    }

    [Fact]
    public async Task Jobs_that_can_never_work_do_not_set_a_worker_aside()
    {
        await using var database = await DatabaseAsync();
        var renderer = new FakeRenderer { OnRender = (_, _) => throw new InvalidJobException("no words") };
        await WorkerHost.RunAsync(database, renderer, options => options.BatchSize = 4);
        Assert.Equal(Adapters.Length * JobsPerSignature, (await WorkerHost.InStateAsync(database, JobState.Failed)).Length);
        Assert.Equal(0L, await database.SqlAsync<long>("select count(*) from workers where set_aside_at is not null"));
    }

    [Fact]
    public async Task A_worker_that_fails_no_more_than_the_others_is_not_set_aside()
    {
        await using var database = await DatabaseAsync(retryMs: 3_600_000);
        var other = await database.AddWorkerAsync("other");
        await database.SqlAsync("""
            insert into job_attempts (job_id, attempt, counted, code, message, worker_id)
            select 1000000 + n, 1, true, 'generation', 'not a number', $1 from generate_series(1, 30) n
            """, other);
        await using var worker = await WorkerHost.StartAsync(database, Broken(() => true), Stay);
        await WorkerHost.UntilAsync(
            "every job was tried", () => database.SqlAsync<long>("select count(distinct job_id) from job_attempts"),
            tried => tried == 30 + Adapters.Length * JobsPerSignature);
        Assert.Equal(0L, await database.SqlAsync<long>("select count(*) from workers where set_aside_at is not null"));
    }

    [Fact]
    public async Task A_worker_that_fails_where_others_draw_is_set_aside_after_two_signatures()
    {
        await using var database = await DatabaseAsync();
        var other = await database.AddWorkerAsync("other");
        var ids = await database.SubmitAsync(Enumerable.Repeat("", 20));
        await database.FinishAsync((await database.ClaimAsync(other))!);
        Assert.Equal(20, ids.Count);
        await using var worker = await WorkerHost.StartAsync(
            database, Broken(() => true), options => (options.ExitWhenIdle, options.BatchSize) = (false, JobsPerSignature));
        // Failures are recorded one by one, and looked at whenever it claims.
        Assert.Matches(
            @"^(1\d|20) attempts in a row failed, with 2 signatures, while other workers failed 0 attempts and drew 20 images",
            await UntilAsideAsync(database));
    }

    [Fact]
    public async Task A_worker_that_fails_every_second_job_beside_a_sound_one_is_set_aside()
    {
        await using var database = await DatabaseAsync(jobs: 60);
        var calls = 0;
        var half = new FakeRenderer
        {
            OnRender = (_, _) =>
            {
                if (calls++ % 2 == 0) throw new GenerationException("not a number");
            },
        };
        await using var sound = await WorkerHost.StartAsync(database, new FakeRenderer(), Single);
        await using var worker = await WorkerHost.StartAsync(database, half, Single);
        Assert.Matches(
            @"^\d+ of the last \d+ attempts failed, with \d signatures, while other workers failed 0 attempts and drew \d+ images ",
            await UntilAsideAsync(database));
        Assert.Equal(1L, await database.SqlAsync<long>("select count(*) from workers where set_aside_at is not null"));

        static void Single(BatchGen.Worker.Hosting.WorkerOptions options) => (options.ExitWhenIdle, options.BatchSize) = (false, 1);
    }

    private static void Stay(BatchGen.Worker.Hosting.WorkerOptions options) => (options.ExitWhenIdle, options.BatchSize) = (false, 4);

    private static FakeRenderer Broken(Func<bool> holds) => new()
    {
        OnRender = (_, _) =>
        {
            if (holds()) throw new InvalidOperationException("the device answers nonsense");
        },
    };

    private static async Task<string> UntilAsideAsync(TestDatabase database) => (await WorkerHost.UntilAsync(
        "the worker set itself aside",
        () => database.SqlAsync<string>("select set_aside_reason from workers where set_aside_at is not null"),
        reason => reason is not null))!;

    private static async Task<TestDatabase> DatabaseAsync(int retryMs = 1, int jobs = JobsPerSignature)
    {
        // One batch for each signature, so that failures reach several signatures quickly.
        var database = await TestDatabase.CreateAsync(new QueueOptions
        {
            PollInterval = TimeSpan.FromMilliseconds(50), MaxBatchesPerSignature = 1, RetryDelay = TimeSpan.FromMilliseconds(retryMs),
            MaxRetryDelay = TimeSpan.FromMilliseconds(retryMs),
        });
        await database.AddModelAsync(native: 64);
        await database.AddAdaptersAsync(Adapters);
        await database.Submitter.SubmitAsync(
            [.. Adapters.SelectMany(adapter => Enumerable.Repeat(adapter, jobs)).Select(adapter =>
                new JobRequest { Prompt = "a red cube", Adapters = [new JobRequestAdapter(adapter, null)], MaxAttempts = 50 })],
            CancellationToken.None);
        return database;
    }
}
