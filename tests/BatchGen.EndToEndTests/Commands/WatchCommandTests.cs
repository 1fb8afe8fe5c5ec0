using BatchGen.Core.Failures;
using BatchGen.Testing;
using Spectre.Console;
using Xunit;

namespace BatchGen.EndToEndTests.Commands;

/// <summary><c>batchgen watch</c> on real jobs: plain lines in a log, bars on a terminal.</summary>
public sealed class WatchCommandTests
{
    [Fact]
    [SuccessOf("watch")]
    public async Task Watching_into_a_log_prints_a_line_at_the_start_and_one_at_the_end()
    {
        await using var database = await DatabaseAsync();
        await using var program = new ProgramUnderTest(database);
        var ids = await database.SubmitAsync("", "");
        var context = program.Context();
        var watching = ProgramUnderTest.RunHereAsync(["watch"], context);
        await Wait.UntilAsync(
            "the first line was printed", () => context.Output.ToString()!.Contains('\n', StringComparison.Ordinal),
            cancellationToken: Stop);
        await database.Actions.CancelAsync(ids, Stop);

        var result = await watching;
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        var lines = result.Output.TrimEnd().Split('\n');
        Assert.Equal(2, lines.Length);
        Assert.Matches(@"^\d\d:\d\d:\d\d 0 of 2 ended: .* 2 waiting, 0 running$", lines[0]);
        Assert.Matches(@"^\d\d:\d\d:\d\d 2 of 2 ended: 0 succeeded \(0 verified\), 0 failed, 2 cancelled; 0 waiting, 0 running", lines[1]);
    }

    [Fact]
    public async Task Watching_says_once_that_the_queue_stands_still()
    {
        await using var database = await DatabaseAsync();
        await using var program = new ProgramUnderTest(database);
        var ids = await database.SubmitAsync("");
        await database.SqlAsync("update jobs set run_at = now() - interval '5 minutes'");
        var context = program.Context();
        var watching = ProgramUnderTest.RunHereAsync(["watch"], context);
        await Wait.UntilAsync(
            "the counts were printed", () => context.Output.ToString()!.Contains(" waiting", StringComparison.Ordinal),
            cancellationToken: Stop);
        await database.Actions.CancelAsync(ids, Stop);
        var result = await watching;
        Assert.Equal(0, result.ExitCode);
        Assert.Single(
            result.Output.Split('\n'), line => line.Contains(" No worker runs although jobs could run. Since ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Watching_says_at_once_what_the_machine_of_a_worker_lacks_and_says_it_once()
    {
        await using var database = await DatabaseAsync();
        await using var program = new ProgramUnderTest(database);
        var worker = await database.AddWorkerAsync("gpu-1");
        await database.Workers.NoteLackAsync(worker, new MachineLack(LackKind.Model, "demo", "aa"), "'/srv/demo' is missing", Stop);
        var ids = await database.SubmitAsync("");
        var context = program.Context();
        var watching = ProgramUnderTest.RunHereAsync(["watch"], context);
        await Wait.UntilAsync(
            "the counts were printed", () => context.Output.ToString()!.Contains(" waiting", StringComparison.Ordinal),
            cancellationToken: Stop);
        await database.Actions.CancelAsync(ids, Stop);
        var result = await watching;
        var line = Assert.Single(
            result.Output.Split('\n'), line => line.Contains(" Worker 'gpu-1' lacks model 'demo' since ", StringComparison.Ordinal));
        Assert.EndsWith("claims nothing that needs it: '/srv/demo' is missing", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Watching_on_a_terminal_draws_bars_until_nothing_is_open()
    {
        await using var database = await DatabaseAsync();
        await using var program = new ProgramUnderTest(database);
        await database.AddWorkerAsync("gpu-1");
        var ids = await database.SubmitAsync("", "");
        var shown = new SharedWriter();
        var terminal = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(shown), Ansi = AnsiSupport.Yes, Interactive = InteractionSupport.Yes,
        });
        var watching = ProgramUnderTest.RunHereAsync(["watch"], program.Context(terminal: terminal));
        await Wait.UntilAsync("bars were drawn", () => shown.ToString().Contains("0/2", StringComparison.Ordinal), cancellationToken: Stop);
        await database.Actions.CancelAsync(ids, Stop);

        var result = await watching;
        Assert.Equal((0, "", ""), (result.ExitCode, result.Output, result.Error));
        Assert.Contains("All jobs", shown.ToString(), StringComparison.Ordinal);
        Assert.Contains("gpu-1", shown.ToString(), StringComparison.Ordinal);
        Assert.Contains("2/2", shown.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Watching_a_campaign_whose_job_failed_ends_with_exit_code_1()
    {
        await using var database = await DatabaseAsync();
        await using var program = new ProgramUnderTest(database);
        await program.RunHereAsync("submit", "--prompt", "a star", "--campaign", "tonight");
        // A claim fails jobs whose deadline has passed.
        await database.SqlAsync("update jobs set deadline = now() - interval '1 second'");
        Assert.Null(await database.ClaimAsync(await database.AddWorkerAsync()));
        Assert.Equal(1, (await program.RunHereAsync("watch", "tonight")).ExitCode);
        // Without a campaign only failures while watching count.
        Assert.Equal(0, (await program.RunHereAsync("watch")).ExitCode);
    }

    [Fact]
    public async Task Watching_a_campaign_that_does_not_exist_is_refused()
    {
        await using var database = await DatabaseAsync();
        await using var program = new ProgramUnderTest(database);
        var result = await program.RunHereAsync("watch", "tonite");
        Assert.Equal((1, "batchgen: There is no campaign 'tonite'.\n"), (result.ExitCode, result.Error));
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private static async Task<TestDatabase> DatabaseAsync()
    {
        var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync(native: 64);
        return database;
    }
}
