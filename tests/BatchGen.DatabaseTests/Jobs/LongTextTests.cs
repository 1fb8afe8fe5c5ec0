using System.Diagnostics;
using System.Globalization;
using BatchGen.Testing;
using Npgsql;
using Xunit;

namespace BatchGen.DatabaseTests.Jobs;

/// <summary>What a client sends never costs more than its length, and is never repeated in full.</summary>
public sealed class LongTextTests
{
    private const int Long = 1_000_000;

    // Reading a million characters takes milliseconds.
    private static readonly TimeSpan Quick = TimeSpan.FromSeconds(5);

    [Theory]
    [InlineData("lacquer-00500-style", "lacquer-00500-stile")]
    [InlineData("lacquer-07345-style", "laquer-07345-style")]
    [InlineData("lacquer-01234-style", "lacquer-012344-style")]
    [InlineData("lacquer-09876-style", "lacquer-0987-6style")]
    public async Task A_misspelt_adapter_among_ten_thousand_is_named_within_50_ms(string meant, string misspelt)
    {
        await using var database = await DatabaseAsync();
        await AddAdaptersAsync(database, "lacquer-' || to_char(i, 'FM00000') || '-style");
        var (message, elapsed) = await RefuseAsync(database, misspelt);
        Assert.Contains($"Did you mean '{meant}'?", message, StringComparison.Ordinal);
        Assert.InRange(elapsed.TotalMilliseconds, 0, 50);
    }

    [Theory]
    [InlineData("watercolour")]
    [InlineData("a-name-of-forty-letters-that-is-nothing-")]
    [InlineData("lacqur-0x50-stile")]
    public async Task A_name_that_is_near_no_adapter_or_far_from_all_is_refused_within_50_ms(string name)
    {
        await using var database = await DatabaseAsync();
        await AddAdaptersAsync(database, "lacquer-' || to_char(i, 'FM00000') || '-style");
        Assert.InRange((await RefuseAsync(database, name)).Elapsed.TotalMilliseconds, 0, 50);
    }

    [Theory]
    [InlineData("jsonb_build_object('prompt', repeat(' ', $1) || '<lora:ink>')", "jobs[0].prompt: expected 0 to 20000 characters")]
    [InlineData("jsonb_build_object('prompt', repeat('<lora:a ', $1 / 8))", "jobs[0].prompt: expected 0 to 20000 characters")]
    [InlineData("jsonb_build_object('adapters', 'ink' || repeat(' ', $1) || ']')", "jobs[0].adapters: expected at most 32000 characters")]
    [InlineData("jsonb_build_object('adapters', jsonb_build_array('ink@1' || repeat(' ', $1) || ']'))",
        "jobs[0].adapters[0]: expected at most 1000 characters")]
    [InlineData("jsonb_build_object('adapters', repeat('+', $1))", "jobs[0].adapters: expected at most 32000 characters")]
    [InlineData("jsonb_build_object('adapters', jsonb_build_array(jsonb_build_object('name', repeat('x', $1))))",
        "jobs[0].adapters[0].name: no adapter 'xxx")]
    [InlineData("jsonb_build_object(repeat('x', $1), 1)", "jobs[0].xxx")]
    [InlineData("jsonb_build_object('steps', repeat('9', 100000)::numeric)", "jobs[0].steps: expected a whole number")]
    [InlineData("jsonb_build_object('start_image', repeat('../', $1))", "jobs[0].start_image: expected 1 to 200 characters")]
    [InlineData("jsonb_build_object('run_at', repeat('1', $1))", "jobs[0].run_at: expected an instant")]
    public async Task A_job_with_a_long_text_is_refused_quickly_and_shortly(string job, string start)
    {
        await using var database = await DatabaseAsync();
        var started = Stopwatch.GetTimestamp();
        var refused = await Assert.ThrowsAsync<PostgresException>(
            () => database.SqlAsync($"select submit_job({job}) from (values ($1::int)) v", Long));
        Assert.InRange(Stopwatch.GetElapsedTime(started), TimeSpan.Zero, Quick);
        Assert.Equal("BG001", refused.SqlState);
        Assert.StartsWith(start, refused.MessageText, StringComparison.Ordinal);
        Assert.InRange(refused.MessageText.Length, 0, 500);
        Assert.InRange(refused.Detail!.Length, 0, 500);
    }

    [Theory]
    [InlineData("recipe", "jsonb_build_object('prompt', repeat(' ', $1) || '<lora:ink>')", "line 1.prompt: expected 0 to 20000 characters")]
    [InlineData("adapters", "'ink' || repeat(' ', $1 / 10) || ']'", "line 1.adapters: expected at most 32000 characters")]
    [InlineData("recipe", "jsonb_build_object(repeat('x', $1), 1)", "line 1.xxx")]
    public async Task A_staged_row_with_a_long_text_is_refused_quickly_and_shortly(string column, string value, string start)
    {
        await using var database = await DatabaseAsync();
        await database.SqlAsync($"insert into staged_jobs ({column}) select {value} from (values ($1::int)) v", Long);
        var started = Stopwatch.GetTimestamp();
        var refused = await Assert.ThrowsAsync<PostgresException>(() => database.SqlAsync("select submit_staged()"));
        Assert.InRange(Stopwatch.GetElapsedTime(started), TimeSpan.Zero, Quick);
        Assert.StartsWith(start, refused.MessageText, StringComparison.Ordinal);
        Assert.InRange(refused.MessageText.Length, 0, 500);
    }

    [Theory]
    [InlineData("load")]
    [InlineData("model")]
    [InlineData("adapters")]
    [InlineData("campaign")]
    [InlineData("idempotency_key")]
    public async Task A_staged_row_with_a_name_longer_than_any_rule_allows_is_refused_by_the_table(string column)
    {
        await using var database = await DatabaseAsync();
        var refused = await Assert.ThrowsAsync<PostgresException>(
            () => database.SqlAsync($"insert into staged_jobs ({column}) values (repeat('x', $1))", Long));
        Assert.Equal("staged_jobs_texts_short", refused.ConstraintName);
    }

    // The quickest of several calls: what other work on the machine takes away is not the database's.
    private static async Task<(string Message, TimeSpan Elapsed)> RefuseAsync(TestDatabase database, string adapter)
    {
        await using var connection = await database.ConnectAsync();
        var message = "";
        var quickest = TimeSpan.MaxValue;
        for (var i = 0; i < 12; i++)
        {
            await using var command = new NpgsqlCommand(
                "select submit_job(jsonb_build_object('adapters', jsonb_build_array($1::text)))", connection);
            command.Parameters.AddWithValue(adapter);
            var started = ProcessorTimeOf(connection);
            var refused = await Assert.ThrowsAsync<PostgresException>(() => command.ExecuteScalarAsync());
            var elapsed = ProcessorTimeOf(connection) - started;
            message = refused.MessageText;
            // The server plans a statement anew for five calls and then may keep one plan; both have to be quick.
            if (i >= 6 && elapsed < quickest) quickest = elapsed;
        }

        return (message, quickest);
    }

    // Of the server's process, so that what else runs on the machine does not count; its first number is in nanoseconds
    // (Linux, Documentation/scheduler/sched-stats.rst).
    private static TimeSpan ProcessorTimeOf(NpgsqlConnection connection) => TimeSpan.FromMicroseconds(
        long.Parse(File.ReadAllText($"/proc/{connection.ProcessID}/schedstat").Split(' ')[0], CultureInfo.InvariantCulture) / 1000);

    private static Task AddAdaptersAsync(TestDatabase database, string name) => database.SqlAsync($"""
        insert into adapters (name, path, sha256, size_bytes, format, algorithm, family)
        select '{name}', 'x', 'x', 1, 'kohya', 'lora', 'sd15' from generate_series(1, 10000) i
        """);

    private static async Task<TestDatabase> DatabaseAsync()
    {
        var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync();
        await database.AddAdaptersAsync("ink");
        return database;
    }
}
