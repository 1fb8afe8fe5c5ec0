using BatchGen.Core.Adapters;
using BatchGen.Core.Failures;
using BatchGen.Core.Jobs;
using BatchGen.Core.Registry;
using BatchGen.Queue;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Worker;

/// <summary>Files that one machine lacks: no job is charged, the worker leaves what needs them to others and looks again.</summary>
public sealed class MachineLackTests
{
    [Fact]
    public async Task Jobs_of_an_adapter_that_one_of_two_workers_lacks_are_all_drawn_by_the_other_and_none_is_charged()
    {
        await using var database = await DatabaseAsync("good", "bad");
        await database.SubmitAsync(Enumerable.Repeat("bad", 40).Concat(Enumerable.Repeat("good", 40)));
        var log = new RecordedLog();
        var lacking = Lacking(LackKind.Adapter, "bad");
        await using var one = await WorkerHost.StartAsync(database, lacking, StayAnd(batchSize: 4, name: "one"), log: log);
        await WorkerHost.UntilAsync(
            "the first worker says what it lacks", () => LacksAsync(database), lacks => lacks.Contains("one: adapter bad"));
        await using var two = await WorkerHost.StartAsync(database, new FakeRenderer(), StayAnd(batchSize: 4, name: "two"));

        await WorkerHost.UntilVerifiedAsync(database, 80);
        await AssertNothingChargedAsync(database);
        // Said once, however often the worker looked again.
        Assert.Single(log.Lines, line => line.Contains("This machine lacks adapter bad", StringComparison.Ordinal));
        // Left out of its claims, not claimed and requeued again and again.
        Assert.InRange(await database.SqlAsync<long>("select count(*) from job_attempts"), 1, 8);
    }

    [Fact]
    public async Task The_only_worker_draws_what_it_can_and_the_rest_when_the_file_is_there_again()
    {
        await using var database = await DatabaseAsync("bad", "good");
        await database.SubmitAsync("bad", "good", "good+bad", "", "bad@0.5", "good@0.5");
        var missing = true;
        var renderer = Lacking(LackKind.Adapter, "bad", () => missing);
        await using var worker = await WorkerHost.StartAsync(database, renderer, StayAnd(batchSize: 2));

        await WorkerHost.UntilVerifiedAsync(database, 3);
        Assert.Equal(["worker: adapter bad"], await LacksAsync(database));
        Assert.Equal(3, (await WorkerHost.InStateAsync(database, JobState.Queued)).Length);
        Volatile.Write(ref missing, false);

        await WorkerHost.UntilVerifiedAsync(database, 6);
        Assert.Empty(await LacksAsync(database));
        await AssertNothingChargedAsync(database);
    }

    [Fact]
    public async Task Lower_priorities_are_drawn_while_all_of_the_highest_needs_what_the_worker_lacks()
    {
        await using var database = await DatabaseAsync("bad");
        var urgent = await database.SubmitAsync("bad", "bad");
        await database.Actions.SetPriorityAsync(urgent, 50, CancellationToken.None);
        await database.SubmitAsync("", "");
        await using var worker = await WorkerHost.StartAsync(database, Lacking(LackKind.Adapter, "bad"), StayAnd(batchSize: 2));
        await WorkerHost.UntilVerifiedAsync(database, 2);
        Assert.Equal(urgent, await WorkerHost.InStateAsync(database, JobState.Queued));
    }

    [Fact]
    public async Task A_worker_with_a_wrong_path_to_the_model_fails_none_of_2100_jobs()
    {
        await using var database = await DatabaseAsync();
        await database.SqlAsync("select submit_jobs((select jsonb_agg('{\"prompt\": \"a star\"}'::jsonb) from generate_series(1, 2100)))");
        await using var wrong = await WorkerHost.StartAsync(
            database, Lacking(LackKind.Model, "demo"), StayAnd(batchSize: 16, name: "wrong"));
        await WorkerHost.UntilAsync("it says so", () => LacksAsync(database), lacks => lacks.Contains("wrong: model demo"));
        await WorkerHost.UntilHeartbeatsAsync(database, 5);
        var counts = await database.Catalog.CountAsync(null, CancellationToken.None);
        Assert.Equal((2100, 0, 0), (counts.Queued, counts.Running, counts.Failed));
        await AssertNothingChargedAsync(database);

        // The right path again: the worker finds that by itself.
        await using var right = await WorkerHost.StartAsync(database, new FakeRenderer(), StayAnd(batchSize: 16, name: "right"));
        await WorkerHost.UntilAsync(
            "the other worker draws", () => database.Catalog.CountAsync(null, CancellationToken.None), now => now.Verified >= 32);
    }

    [Fact]
    public async Task Jobs_that_no_living_worker_could_serve_for_longer_than_the_limit_fail_with_what_to_do()
    {
        await using var database = await DatabaseAsync("bad", "good");
        await database.SubmitAsync("bad", "good", "bad");
        var (one, two) = (await database.AddWorkerAsync("one"), await database.AddWorkerAsync("two"));
        var lack = new MachineLack(LackKind.Adapter, "bad", "aa");
        await database.Workers.NoteLackAsync(one, lack, "gone", CancellationToken.None);
        await AgeAsync(database, "13 hours");

        // The other worker may have it.
        await database.Claims.RescueExpiredAsync(CancellationToken.None);
        Assert.Empty(await WorkerHost.InStateAsync(database, JobState.Failed));

        // It lacks it too, but not for so long.
        await database.Workers.NoteLackAsync(two, lack, "gone too", CancellationToken.None);
        await database.Claims.RescueExpiredAsync(CancellationToken.None);
        Assert.Empty(await WorkerHost.InStateAsync(database, JobState.Failed));

        await AgeAsync(database, "13 hours");
        await database.Claims.RescueExpiredAsync(CancellationToken.None);
        var failed = await database.Catalog.ListAsync(new JobFilter(JobState.Failed), CancellationToken.None);
        Assert.Equal(["demo|bad@1", "demo|bad@1"], failed.Select(job => job.Recipe.Signature.ToString()));
        Assert.All(failed, job =>
        {
            Assert.Equal(("adapter", 0), (job.FailureCode, job.Attempts));
            Assert.StartsWith("No worker that runs has had adapter 'bad' as registered", job.FailureMessage, StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task A_worker_restricted_to_other_models_does_not_count_as_one_that_may_have_it()
    {
        await using var database = await DatabaseAsync();
        await database.SubmitAsync("");
        await database.AddModelAsync("other");
        var one = await database.AddWorkerAsync("one");
        await database.Workers.StartAsync(
            Guid.NewGuid(), "two", new("cpu", "a processor", "float32"), ["Other"], CancellationToken.None);
        await database.Workers.NoteLackAsync(one, new(LackKind.Model, "demo", "aa"), "gone", CancellationToken.None);
        await AgeAsync(database, "13 hours");
        await database.Claims.RescueExpiredAsync(CancellationToken.None);
        Assert.Equal("model", Assert.Single(
            await database.Catalog.ListAsync(new JobFilter(JobState.Failed), CancellationToken.None)).FailureCode);
    }

    [Fact]
    public async Task A_worker_that_is_started_again_goes_on_counting_from_when_the_lack_began()
    {
        await using var database = await DatabaseAsync("bad");
        var lack = new MachineLack(LackKind.Adapter, "bad", "aa");
        var first = await database.AddWorkerAsync("one");
        await database.Workers.NoteLackAsync(first, lack, "gone", CancellationToken.None);
        await AgeAsync(database, "13 hours");
        await database.Workers.NoteLackAsync(first, lack, "gone", CancellationToken.None);
        await database.Workers.StopAsync(first, "stopped", CancellationToken.None);
        var second = await database.AddWorkerAsync("one");
        await database.Workers.NoteLackAsync(second, lack, "gone", CancellationToken.None);
        Assert.Equal(1L, await database.SqlAsync<long>(
            "select count(*) from worker_lacks where worker_id = $1 and since < now() - interval '12 hours'", second));

        await database.Workers.DropLackAsync(second, lack, CancellationToken.None);
        Assert.Equal(0L, await database.SqlAsync<long>("select count(*) from worker_lacks"));
    }

    [Fact]
    public async Task A_folder_that_images_cannot_be_written_to_is_named_until_it_can()
    {
        await using var database = await DatabaseAsync();
        await database.SubmitAsync("");
        // A file where the folder should be: no user, not even root, can write below it.
        var blocked = Path.Combine(Path.GetTempPath(), "batchgen-blocked-" + Guid.NewGuid().ToString("N"));
        await File.WriteAllTextAsync(blocked, "", TestContext.Current.CancellationToken);
        try
        {
            await using var worker = await WorkerHost.StartAsync(
                database, new FakeRenderer(), StayAnd(batchSize: 2), Path.Combine(blocked, "images"));
            await WorkerHost.UntilAsync(
                "the worker names the folder", () => LacksAsync(database),
                lacks => lacks is [var only] && only == $"worker: output {Path.Combine(blocked, "images")}");
            File.Delete(blocked);
            await WorkerHost.UntilVerifiedAsync(database, 1);
            Assert.Empty(await LacksAsync(database));
        }
        finally
        {
            if (Directory.Exists(blocked)) Directory.Delete(blocked, recursive: true);
            else File.Delete(blocked);
        }
    }

    [Fact]
    public async Task A_worker_that_ends_when_idle_says_what_it_lacks_and_leaves_the_jobs_queued()
    {
        await using var database = await DatabaseAsync("bad");
        await database.SubmitAsync("bad", "");
        var outcome = await WorkerHost.RunAsync(database, Lacking(LackKind.Adapter, "bad"));
        Assert.Null(outcome.Failure);
        var worker = Assert.Single(await database.Workers.ListAsync(CancellationToken.None));
        Assert.Equal("nothing left to do without what this machine lacks: adapter 'bad'", worker.StopReason);
        Assert.Single(await WorkerHost.InStateAsync(database, JobState.Queued));
    }

    private static Action<BatchGen.Worker.Hosting.WorkerOptions> StayAnd(int batchSize, string name = "worker") =>
        options => (options.ExitWhenIdle, options.BatchSize, options.Name) = (false, batchSize, name);

    // A renderer on a machine that lacks an adapter or a model, for as long as a condition holds.
    private static FakeRenderer Lacking(LackKind kind, string name, Func<bool>? holds = null)
    {
        void Throw()
        {
            if (holds is not null && !holds()) return;
            var lack = new MachineLack(kind, name, "aa");
            throw kind == LackKind.Model ? new ModelException("'/srv/models/demo' is missing") { Lack = lack }
                : new AdapterException("'/srv/adapters/bad.safetensors' is missing") { Lack = lack };
        }

        return kind == LackKind.Model
            ? new FakeRenderer { OnLoad = (ModelRecord _) => Throw() }
            : new FakeRenderer
            {
                OnFuse = (AdapterSignature signature) =>
                {
                    if (signature.Adapters.Any(adapter => adapter.Name == name)) Throw();
                },
                OnCheck = _ => Throw(),
            };
    }

    private static async Task<string[]> LacksAsync(TestDatabase database) =>
        [.. (await database.Workers.ListAsync(CancellationToken.None))
            .SelectMany(worker => worker.Lacks.Select(lack => $"{worker.Name}: {lack.Kind} {lack.Name}"))];

    private static async Task AssertNothingChargedAsync(TestDatabase database)
    {
        Assert.Empty(await WorkerHost.InStateAsync(database, JobState.Failed));
        Assert.Equal(0L, await database.SqlAsync<long>("select count(*) from job_attempts where counted"));
        Assert.Equal(0L, await database.SqlAsync<long>(
            "select count(*) from jobs where attempts > case when state in ('succeeded', 'running') then 1 else 0 end"));
    }

    private static Task AgeAsync(TestDatabase database, string by) => database.SqlAsync(
        $"update worker_lacks set since = since - interval '{by}', looked_at = looked_at - interval '{by}'");

    private static async Task<TestDatabase> DatabaseAsync(params string[] adapters)
    {
        var database = await TestDatabase.CreateAsync(new QueueOptions { PollInterval = TimeSpan.FromMilliseconds(50) });
        await database.AddModelAsync(native: 64);
        await database.AddAdaptersAsync(adapters);
        return database;
    }
}
