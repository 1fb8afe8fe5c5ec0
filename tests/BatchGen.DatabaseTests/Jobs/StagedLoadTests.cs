using BatchGen.Testing;
using Npgsql;
using Xunit;

namespace BatchGen.DatabaseTests.Jobs;

/// <summary>Staged loads: what is refused, and what becomes of them while others stage and submit.</summary>
public sealed class StagedLoadTests
{
    [Theory]
    [InlineData("campaigns")]
    [InlineData("idempotency_keys")]
    [InlineData("job_count_changes")]
    public async Task Rows_staged_while_their_load_is_submitted_make_the_submit_fail_and_all_rows_stay_staged(string held)
    {
        await using var database = await DatabaseAsync();
        await database.SqlAsync("insert into staged_jobs (campaign, idempotency_key) values ('c', 'k1'), ('c', 'k2')");
        await using var gate = await Gate.CloseAsync(database, $"after insert on {held} for each statement");
        var submit = gate.RunAsync<long>("select submit_staged()");
        await gate.UntilWaitingAsync(1);
        await database.SqlAsync("insert into staged_jobs (idempotency_key) values ('k1')");
        await gate.OpenAsync();

        var refused = await Assert.ThrowsAsync<PostgresException>(() => submit);
        Assert.Equal(("BG001", "load: rows were added to load '' while it was being submitted, and nothing was submitted; "
            + "submit again when nobody adds to it, or give each load a name of its own."),
            (refused.SqlState, refused.MessageText));
        Assert.Equal((0L, 3L), (await CountAsync(database, "jobs"), await CountAsync(database, "staged_jobs")));
        Assert.Equal(2L, await database.SqlAsync<long>("select submit_staged()"));
        Assert.Equal((2L, 0L), (await CountAsync(database, "jobs"), await CountAsync(database, "staged_jobs")));
    }

    [Fact]
    public async Task An_empty_model_counts_as_left_out_also_in_rows_that_are_checked_one_by_one()
    {
        await using var database = await DatabaseAsync();
        await database.SqlAsync("insert into staged_jobs (model, recipe) values ('', '{}'), ('', '{\"sampler\": \"DDIM\"}')");

        Assert.Equal(2L, await database.SqlAsync<long>("select submit_staged()"));
    }

    [Theory]
    [InlineData("""{"adapters": "ink"}""", "line 2.adapters: it stands in the recipe, and staged_jobs has a column for it; put it there.")]
    [InlineData("""{"priority": 5}""", "line 2.priority: it stands in the recipe, and staged_jobs has a column for it; put it there.")]
    [InlineData("""{"stepz": 5}""", "line 2.stepz: there is no such field. Did you mean 'steps'?")]
    [InlineData("5", "line 2.recipe: expected an object such as {\"prompt\": \"a red cube\"}, got 5.")]
    [InlineData("null", "line 2.recipe: expected an object such as {\"prompt\": \"a red cube\"}, got null.")]
    [InlineData("[\"<lora:ink>\"]", "line 2.recipe: expected an object such as {\"prompt\": \"a red cube\"}, got [\"<lora:ink>\"].")]
    public async Task A_recipe_with_what_does_not_belong_into_it_is_refused_with_its_line(string recipe, string expected)
    {
        await using var database = await DatabaseAsync();
        await database.SqlAsync("insert into staged_jobs (recipe) values ('{}'), ($1::jsonb)", recipe);

        var refused = await Assert.ThrowsAsync<PostgresException>(() => database.SqlAsync<long>("select submit_staged()"));
        Assert.Equal(("BG001", expected), (refused.SqlState, refused.MessageText));
        Assert.Equal(2L, await CountAsync(database, "staged_jobs"));
    }

    [Fact]
    public async Task A_prompt_that_is_no_text_is_refused_also_when_it_holds_an_adapter()
    {
        await using var database = await DatabaseAsync();
        await database.SqlAsync("""insert into staged_jobs (recipe) values ('{"prompt": ["<lora:ink>"]}')""");

        var refused = await Assert.ThrowsAsync<PostgresException>(() => database.SqlAsync<long>("select submit_staged()"));
        Assert.StartsWith("line 1.prompt: ", refused.MessageText, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Thousands_of_rows_that_are_checked_one_by_one_do_not_read_the_table_once_each()
    {
        await using var database = await DatabaseAsync();
        await database.SqlAsync(
            """insert into staged_jobs (recipe) select '{"start_image": "a.png"}' from generate_series(1, 3000)""");

        Assert.Equal(3000L, await database.SqlAsync<long>("select submit_staged()"));
        await database.SqlAsync("select pg_stat_force_next_flush()");
        Assert.InRange(await database.SqlAsync<long>(
            "select seq_scan from pg_stat_user_tables where relid = 'staged_jobs'::regclass"), 0L, 100L);
    }

    [Fact]
    public async Task A_load_that_two_connections_submit_at_once_is_submitted_once()
    {
        await using var database = await DatabaseAsync();
        await database.SubmitAsync(""); // The dispatch group is there: nothing but the rows themselves can be waited for.
        await database.SqlAsync("insert into staged_jobs (recipe) values ('{\"prompt\": \"one\"}'), ('{\"prompt\": \"two\"}')");
        await using var gate = await Gate.CloseAsync(database, "after insert on job_count_changes for each statement");
        var first = gate.RunAsync<long>("select submit_staged()");
        await gate.UntilWaitingAsync(1);
        var second = gate.RunAsync<long>("select submit_staged()");
        await gate.UntilWaitingAsync(2);
        await gate.OpenAsync();

        Assert.Equal((2L, 0L), (await first, await second));
        Assert.Equal(3L, await CountAsync(database, "jobs"));
    }

    [Fact]
    public async Task A_staged_load_and_a_submit_that_make_the_same_dispatch_group_and_campaign_both_commit()
    {
        await using var database = await DatabaseAsync();
        await database.SqlAsync("insert into staged_jobs (campaign, priority) values ('c', 5)");
        await using var gate = await Gate.CloseAsync(database, "after insert on campaigns for each statement");
        var staged = gate.RunAsync<long>("select submit_staged()");
        await gate.UntilWaitingAsync(1);
        var submitted = gate.RunAsync<long>("""select submit_job('{"campaign": "c", "priority": 5}')""");
        await gate.UntilWaitingAsync(2);
        await gate.OpenAsync();

        Assert.Equal(1L, await staged);
        Assert.True(await submitted > 0);
        Assert.Equal(2L, await CountAsync(database, "jobs"));
    }

    [Fact]
    public async Task Staged_loads_that_make_the_same_campaigns_both_commit()
    {
        await using var database = await DatabaseAsync();
        await database.SubmitAsync(""); // The dispatch group is there: campaigns alone are made.
        await database.SqlAsync("insert into staged_jobs (load, campaign) select 'few', 'n' || i from generate_series(1, 40) i");
        await database.SqlAsync("insert into staged_jobs (load, campaign) select 'many', 'n' || i from generate_series(1, 400) i");
        await database.SqlAsync("analyze staged_jobs"); // Enough rows that the planner tells names apart by hashing, not by sorting.
        await using var gate = await Gate.CloseAsync(database, "before insert on campaigns for each row when (new.name = 'n34')");
        var few = gate.RunAsync<long>("select submit_staged('few')");
        await gate.UntilWaitingAsync(1);
        var many = gate.RunAsync<long>("select submit_staged('many')");
        await gate.UntilWaitingAsync(2);
        await gate.OpenAsync();

        Assert.Equal((40L, 400L), (await few, await many));
    }

    [Theory]
    [InlineData("array['a', repeat('x', 101)]", "line 2.tags: expected words of 1 to 100 characters, got [\"a\", \"xxx")]
    [InlineData("array['a', '']", "line 2.tags: expected words of 1 to 100 characters, got [\"a\", \"\"].")]
    [InlineData("array['a', null]", "line 2.tags: expected words of 1 to 100 characters, got [\"a\", null].")]
    [InlineData("array[['a'], ['b']]", "line 2.tags: expected words of 1 to 100 characters, got [[\"a\"], [\"b\"]].")]
    [InlineData("array_fill('a'::text, array[33])", "line 2.tags: expected a list of at most 32 words, got [\"a\", \"a\"")]
    public async Task Tags_that_break_a_rule_are_refused_as_in_JSON(string tags, string message)
    {
        await using var database = await DatabaseAsync();
        await database.SqlAsync($$"""insert into staged_jobs (tags) values ('{}'), ({{tags}})""");

        var refused = await Assert.ThrowsAsync<PostgresException>(() => database.SqlAsync("select submit_staged()"));

        Assert.Equal("BG001", refused.SqlState);
        Assert.StartsWith(message, refused.MessageText, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Staged_tags_at_the_limits_of_32_words_and_100_characters_are_accepted()
    {
        await using var database = await DatabaseAsync();
        await database.SqlAsync("insert into staged_jobs (tags) select array_agg(repeat('x', 98) || i) from generate_series(10, 41) i");
        Assert.Equal(1L, await database.SqlAsync<long>("select submit_staged()"));
        Assert.Equal(32, await database.SqlAsync<int>("select cardinality(tags) from job_recipes"));
    }

    [Theory]
    [InlineData("select submit_staged(null)")]
    [InlineData("select discard_staged(null)")]
    public async Task A_load_without_a_name_is_refused(string statement)
    {
        await using var database = await DatabaseAsync();
        var refused = await Assert.ThrowsAsync<PostgresException>(() => database.SqlAsync(statement));
        Assert.Equal(
            ("BG001", "load: expected the name of a load, which may be empty, got null."), (refused.SqlState, refused.MessageText));
    }

    [Fact]
    public async Task A_load_with_a_name_that_no_index_holds_is_empty_and_no_error()
    {
        await using var database = await DatabaseAsync();
        // Texts that do not repeat themselves: the server packs others into an index.
        const string Name = "(select string_agg(md5(i::text), '') from generate_series(1, 300) i)";
        Assert.Equal(0L, await database.SqlAsync<long>($"select submit_staged({Name}) + discard_staged({Name})"));
    }

    private static Task<long> CountAsync(TestDatabase database, string table) => database.SqlAsync<long>($"select count(*) from {table}");

    private static async Task<TestDatabase> DatabaseAsync()
    {
        var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync();
        return database;
    }
}
