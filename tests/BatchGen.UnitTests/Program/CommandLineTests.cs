using System.CommandLine;
using BatchGen.Composition;
using BatchGen.Core.Jobs;
using BatchGen.Imaging;
using BatchGen.UnitTests.Imaging;

namespace BatchGen.UnitTests.Program;

public class CommandLineTests
{
    [Theory]
    [InlineData("submt", "Unrecognized command or argument 'submt'.")]
    [InlineData("submit --steps x", "--steps: expected a whole number, found 'x'.")]
    [InlineData("submit --guidance x", "--guidance: expected a number such as 7.5, found 'x'.")]
    [InlineData("submit", "Nothing to submit")]
    [InlineData("submit --prompt a --prompt b jobs.csv", "Give one --prompt with a FILE")]
    [InlineData("submit /no/such/file.csv", "'/no/such/file.csv' cannot be read")]
    [InlineData("submit --prompt a --adapter x@y", "'x@y': 'y' is not a number.")]
    [InlineData("submit --prompt a --adapter x/y", "'x/y' is not an adapter")]
    [InlineData("submit --prompt a --run-at tonight", "'tonight' is not a time")]
    [InlineData("submit --prompt a --count 0", "--count 0: expected 1 to 1000000.")]
    [InlineData("submit --prompt {a|b", "--prompt: The template opens a '{' at letter 1 and never closes it")]
    [InlineData("submit --prompt {0|1|2|3|4|5|6|7|8|9}{0|1|2|3|4|5|6|7|8|9} --seeds 1-100000",
        "--seeds: expands to 10000000 jobs; the limit is 1000000.")]
    [InlineData("submit --prompt a --seeds 1,x", "--seeds: 'x' is not a seed; write 7, a list 1,5,9 or a range 1-10.")]
    [InlineData("submit --prompt a --seeds 1-2 --count 2", "--count: leave it out when several seeds are given.")]
    [InlineData("submit --prompt a --seeds 1-2 --seed 2", "--seeds: leave it out when a seed is given.")]
    [InlineData("submit --prompt a --start-image /no/such.png", "--start-image: '/no/such.png' cannot be read")]
    [InlineData("jobs --state done", "Must be one of: 'queued' 'running'")]
    [InlineData("jobs cancel 1-x", "'1-x' is not a job id or a range")]
    [InlineData("jobs --limit 0", "--limit 0: expected 1 to 10000.")]
    [InlineData("models add models/demo --name a|b", "'a|b' cannot be a name: Names have 1 to 100 characters")]
    public async Task Bad_input_is_answered_with_one_line_and_exit_code_2(string line, string expected)
    {
        var run = await ProgramRun.RunAsync(line.Split(' '));
        Assert.Equal(ExitCodes.BadInput, run.ExitCode);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
        Assert.StartsWith("batchgen: ", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
        Assert.Empty(run.Output);
    }

    [Theory]
    [InlineData("submit --prompt a")]
    [InlineData("jobs")]
    [InlineData("watch")]
    [InlineData("migrate")]
    public async Task A_command_that_finds_no_database_ends_with_one_line_and_exit_code_3(string line)
    {
        var run = await ProgramRun.RunAsync(line.Split(' '));
        Assert.Equal(ExitCodes.NoDatabase, run.ExitCode);
        Assert.DoesNotContain("secret", run.Error, StringComparison.Ordinal);
        Assert.Single(run.Error.TrimEnd().Split('\n'));
    }

    [Fact]
    public async Task Verbose_adds_the_stack_trace_to_an_error()
    {
        var run = await ProgramRun.RunAsync(["show", "/no/such/file.png", "--verbose"]);
        Assert.Equal(ExitCodes.Failed, run.ExitCode);
        Assert.Contains("   at ", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Unknown_settings_and_wrong_values_are_all_reported_together()
    {
        var run = await ProgramRun.RunAsync(["migrate"], settings: new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["BatchGen:Quue:Schema"] = "x",
            ["BatchGen:Queue:Shema"] = "x",
            ["BatchGen:Queue:PollInterval"] = "soon",
            ["BatchGen:Queue:MaxBatchesPerSignature"] = "0",
            ["BatchGen:Queue:LeaseDuration"] = "00:00:01",
            ["BatchGen:DataFolder"] = "",
        });
        Assert.Equal(ExitCodes.BadInput, run.ExitCode);
        Assert.Contains("BatchGen:Quue: there is no such setting. Did you mean 'Queue'?", run.Error, StringComparison.Ordinal);
        Assert.Contains("BatchGen:Queue:Shema: there is no such setting. Did you mean 'Schema'?", run.Error, StringComparison.Ordinal);
        Assert.Contains("BatchGen:Queue:PollInterval: 'soon' is not a time span such as 00:00:30.", run.Error, StringComparison.Ordinal);
        Assert.Contains("BatchGen:Queue:MaxBatchesPerSignature: ", run.Error, StringComparison.Ordinal);
        Assert.Contains("BatchGen:Queue:LeaseDuration: ", run.Error, StringComparison.Ordinal);
        Assert.Contains("BatchGen:DataFolder: ", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Intervals_after_which_a_living_worker_would_count_as_gone_are_refused_with_the_reason()
    {
        var run = await ProgramRun.RunAsync(["migrate"], settings: new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["BatchGen:Queue:PollInterval"] = "00:02:00", ["BatchGen:Worker:HeartbeatInterval"] = "00:02:00",
            ["BatchGen:Queue:LeaseDuration"] = "00:10:00",
        });
        Assert.Equal(ExitCodes.BadInput, run.ExitCode);
        foreach (var key in (string[])["BatchGen:Queue:PollInterval: ", "BatchGen:Worker:HeartbeatInterval: "])
            Assert.Contains(run.Error.Split('\n'), line => line.Contains(key, StringComparison.Ordinal)
                && line.Contains("a worker that says nothing for a minute counts as gone", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Every_command_has_a_description_and_examples()
    {
        foreach (var path in CommandPaths(CommandLine.Build(ProgramRun.Context()), ""))
        {
            var help = await ProgramRun.RunAsync([.. path.Split(' '), "--help"]);
            Assert.True(help.Output.Contains("Examples:", StringComparison.Ordinal), $"'{path}' has no examples");
        }

        Assert.All(Descendants(CommandLine.Build(ProgramRun.Context())).Skip(1), command =>
        {
            Assert.False(string.IsNullOrEmpty(command.Description), command.Name);
            var options = command.Options.Where(option => option.Name != "--help");
            Assert.All(options, option => Assert.False(string.IsNullOrEmpty(option.Description), option.Name));
        });
    }

    [Fact]
    public async Task Help_of_a_command_ends_with_its_examples()
    {
        var run = await ProgramRun.RunAsync(["submit", "--help"]);
        Assert.Equal(ExitCodes.Success, run.ExitCode);
        Assert.Contains("Examples:\n  batchgen submit --prompt", run.Output.ReplaceLineEndings("\n"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Show_prints_the_recipe_inside_an_image()
    {
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllBytesAsync(
                file, ImageEncoder.Encode(SampleRecipe.Noise(), ImageFormat.WebP, SampleRecipe.Make("two\nlines \u001b[31m")),
                TestContext.Current.CancellationToken);
            var run = await ProgramRun.RunAsync(["show", file]);
            Assert.Equal(ExitCodes.Success, run.ExitCode);
            Assert.Contains(
                "prompt          two\n                lines \\u001b[31m\n", run.Output.ReplaceLineEndings("\n"), StringComparison.Ordinal);
            Assert.Contains(
                "adapter         demo-pixel, strength 0.8, text encoder 0.5, blocks 1 0 0.25", run.Output, StringComparison.Ordinal);
            var json = await ProgramRun.RunAsync(["show", file, "--json"]);
            Assert.Contains("\"seed\": -7000000000", json.Output, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static IEnumerable<string> CommandPaths(Command command, string prefix) => command.Subcommands.SelectMany(child =>
        CommandPaths(child, prefix + child.Name + " ").Prepend(prefix + child.Name));

    private static IEnumerable<Command> Descendants(Command command) => command.Subcommands.SelectMany(Descendants).Prepend(command);
}
