using BatchGen.Core.Jobs;
using BatchGen.Queue;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.EndToEndTests.Commands;

/// <summary><c>batchgen worker</c> as a process: killed, stopped, refused.</summary>
public sealed class WorkerProcessTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task Jobs_of_a_killed_worker_are_rendered_by_another()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = Program(database);
        await RegisterAsync(program);
        await SubmitAsync(program, jobs: 8, steps: 60);
        var first = program.Start("worker");
        await WaitAsync(database, "a job runs", counts => counts.Running > 0);
        first.Kill();
        await first.WaitAsync(Limit);
        Assert.True((await CountAsync(database)).Open > 0, "the worker was too fast to be killed");

        // The lease of five seconds expires, and another worker takes over.
        var second = program.Start("worker");
        await WaitAsync(database, "all 8 images are verified", counts => counts.Verified == 8);
        second.AskToStop();
        var ended = await second.WaitAsync(Limit);
        Assert.Equal(130, ended.ExitCode);
        var counts = await CountAsync(database);
        Assert.Equal((8, 0, 0), (counts.Succeeded, counts.Failed, counts.Open));
        Assert.Equal(8, Directory.EnumerateFiles(Path.Combine(program.DataFolder, "images"), "*.png", SearchOption.AllDirectories).Count());
    }

    [Fact]
    public async Task A_worker_asked_to_stop_requeues_its_batch_uncounted_and_exits_in_order()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = Program(database);
        await RegisterAsync(program);
        await SubmitAsync(program, jobs: 4, steps: 1000);
        var worker = program.Start("worker");
        await WaitAsync(database, "a job runs", counts => counts.Running > 0);
        worker.AskToStop();
        var ended = await worker.WaitAsync(Limit);
        Assert.Equal(130, ended.ExitCode);
        var jobs = await database.Catalog.ListAsync(new JobFilter(JobState.Queued), TestContext.Current.CancellationToken);
        Assert.Equal([0, 0, 0, 0], jobs.Select(job => job.Attempts));
        Assert.NotNull(Assert.Single(await database.Workers.ListAsync(TestContext.Current.CancellationToken)).StoppedAt);
    }

    [Fact]
    public async Task A_worker_whose_device_does_not_exist_ends_with_one_line_and_exit_code_2()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = Program(database);
        var ended = await program.RunAsync("worker", "--device", "cuda:99");
        Assert.Equal((2, ""), (ended.ExitCode, ended.Output));
        Assert.StartsWith("batchgen: Device 'cuda:99' was asked for, but torch sees ", Assert.Single(ended.Error.TrimEnd().Split('\n')),
            StringComparison.Ordinal);
        Assert.Empty(await database.Workers.ListAsync(TestContext.Current.CancellationToken));
    }

    private static ProgramUnderTest Program(TestDatabase database)
    {
        var program = new ProgramUnderTest(database);
        program.Environment["BatchGen__Queue__LeaseDuration"] = "00:00:05";
        program.Environment["BatchGen__Worker__HeartbeatInterval"] = "00:00:00.5";
        program.Environment["BatchGen__Worker__TensorBatchSize"] = "2";
        return program;
    }

    private static async Task RegisterAsync(ProgramUnderTest program)
    {
        var added = await program.RunHereAsync("models", "add", Path.Combine(RepositoryPaths.Models, "demo"), "--name", "demo");
        Assert.Equal((0, ""), (added.ExitCode, added.Error));
    }

    private static async Task SubmitAsync(ProgramUnderTest program, int jobs, int steps)
    {
        var submitted = await program.RunHereAsync(
            "submit", "--prompt", "a green tree on a meadow", "--width", "64", "--height", "64", "--count", $"{jobs}", "--seed", "1",
            "--steps", $"{steps}");
        Assert.Equal((0, ""), (submitted.ExitCode, submitted.Error));
    }

    private static Task<JobCounts> CountAsync(TestDatabase database) =>
        database.Catalog.CountAsync(null, TestContext.Current.CancellationToken);

    private static Task<JobCounts> WaitAsync(TestDatabase database, string what, Func<JobCounts, bool> holds) =>
        Wait.UntilAsync(what, () => CountAsync(database), holds, Limit, TestContext.Current.CancellationToken);
}
