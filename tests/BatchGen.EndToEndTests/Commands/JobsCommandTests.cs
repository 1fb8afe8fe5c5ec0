using System.Text.Json;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.EndToEndTests.Commands;

/// <summary><c>batchgen submit</c> and <c>batchgen jobs</c>.</summary>
public sealed class JobsCommandTests
{
    [Fact]
    [SuccessOf("submit")]
    [SuccessOf("jobs")]
    public async Task Submitted_jobs_are_listed_newest_first()
    {
        await using var database = await DatabaseAsync();
        await using var program = new ProgramUnderTest(database);
        var submitted = await program.RunHereAsync("submit", "--prompt", "a {red|blue} star", "--seed", "7", "--campaign", "tonight");
        Assert.Equal((0, "Submitted 2 jobs: 1-2\n", ""), (submitted.ExitCode, submitted.Output, submitted.Error));

        var lines = (await program.RunHereAsync("jobs", "--campaign", "tonight")).Output.TrimEnd().Split('\n');
        Assert.Equal(3, lines.Length);
        Assert.Matches(@"^ID  STATE   CREATED +CAMPAIGN  SIGNATURE  SEED  PROMPT OR ERROR$", lines[0]);
        Assert.Matches(@"^2   queued  \d{4}-\d\d-\d\d \d\d:\d\d  tonight   demo\|      \d+ +a blue star$", lines[1]);
        Assert.Matches(@"^1   queued  .* a red star$", lines[2]);
        var json = (await program.RunHereAsync("jobs", "--json")).Output.TrimEnd().Split('\n');
        Assert.Equal(
            ["a blue star", "a red star"], json.Select(line => JsonDocument.Parse(line).RootElement.GetProperty("prompt").GetString()));
    }

    [Fact]
    [SuccessOf("jobs show")]
    public async Task Everything_known_about_a_job_is_shown()
    {
        await using var database = await DatabaseAsync();
        await using var program = new ProgramUnderTest(database);
        await program.RunHereAsync("submit", "--prompt", "a red star", "--seed", "7", "--steps", "12", "--campaign", "tonight");
        var shown = await program.RunHereAsync("jobs", "show", "1");
        Assert.Equal((0, ""), (shown.ExitCode, shown.Error));
        foreach (var line in new[] { "job             1", "state           queued", "campaign        tonight", "prompt          a red star",
            "seed            7", "steps           12", "sampler         ddim", "guidance        7.5", "attempts        0 of 3" })
            Assert.Contains(line + "\n", shown.Output, StringComparison.Ordinal);
        var json = JsonDocument.Parse((await program.RunHereAsync("jobs", "show", "1", "--json")).Output).RootElement;
        Assert.Equal((1, "queued"), (json.GetProperty("id").GetInt64(), json.GetProperty("state").GetString()));
    }

    [Fact]
    [SuccessOf("jobs cancel")]
    [SuccessOf("jobs retry")]
    public async Task Jobs_are_cancelled_and_requeued_by_id_and_range()
    {
        await using var database = await DatabaseAsync();
        await using var program = new ProgramUnderTest(database);
        await program.RunHereAsync("submit", "--prompt", "a red star", "--count", "4");

        var cancelled = await program.RunHereAsync("jobs", "cancel", "1", "3-4");
        Assert.Equal((0, "Cancelled 3 jobs: 1, 3-4\n", ""), (cancelled.ExitCode, cancelled.Output, cancelled.Error));
        var again = await program.RunHereAsync("jobs", "cancel", "1-2");
        Assert.Equal(
            (1, "Cancelled 1 job: 2\n", "batchgen: 1 had ended already or do not exist.\n"), (again.ExitCode, again.Output, again.Error));

        var retried = await program.RunHereAsync("jobs", "retry", "1");
        Assert.Equal((0, "Requeued 1 job: 1\n", ""), (retried.ExitCode, retried.Output, retried.Error));
        var json = await program.RunHereAsync("jobs", "retry", "2", "3", "--json");
        Assert.Equal((0, "{\"job_ids\":[2,3]}\n"), (json.ExitCode, json.Output));
        Assert.Equal(3, (await database.Catalog.CountAsync(null, TestContext.Current.CancellationToken)).Queued);
    }

    private static async Task<TestDatabase> DatabaseAsync()
    {
        var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync(native: 64);
        return database;
    }
}
