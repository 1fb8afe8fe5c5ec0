using BatchGen.Core.Jobs;
using BatchGen.Queue;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Jobs;

public sealed class SubmitTests : IAsyncLifetime
{
    private TestDatabase _database = null!;

    public async ValueTask InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        await _database.AddModelAsync("Demo", native: 64);
        await _database.AddAdaptersAsync("Ink", "wash");
        await _database.Adapters.AddAsync(
            new("for-xl", "/a/xl", new string('a', 64), 1, "kohya", "lora", "sdxl", 4, 4, 1, []), replace: false, CancellationToken.None);
    }

    public ValueTask DisposeAsync() => _database.DisposeAsync();

    [Theory]
    [InlineData("""{"promt": "x"}""", "jobs[1].promt: there is no such field. Did you mean 'prompt'?")]
    [InlineData("""{"model": "dmeo"}""",
        "jobs[1].model: no model 'dmeo' is registered. Did you mean 'Demo'? Register it with: batchgen models add FOLDER")]
    [InlineData("""{"adapters": [{"name": "inkk"}]}""",
        "jobs[1].adapters[0].name: no adapter 'inkk' is registered. Did you mean 'Ink'? Register it with: batchgen adapters add FILE")]
    [InlineData("""{"adapters": [{"name": "ink"}, {"name": "INK", "strength": 2}]}""",
        "jobs[1].adapters[1].name: adapter 'Ink' is named twice; add its strengths into one entry.")]
    [InlineData("""{"adapters": [{"name": "for-xl"}]}""",
        "jobs[1].adapters[0].name: adapter 'for-xl' fits sdxl models, and 'Demo' is sd15; use another adapter or model.")]
    [InlineData("""{"adapters": [{"name": "ink", "strenght": 1}]}""",
        "jobs[1].adapters[0].strenght: there is no such field. Did you mean 'strength'?")]
    [InlineData("""{"adapters": [{"name": "ink", "strength": "NaN"}]}""",
        "jobs[1].adapters[0].strength: expected a finite number from -16 to 16, got \"NaN\".")]
    [InlineData("""{"adapters": [{"name": "ink", "strength": "Infinity"}]}""",
        "jobs[1].adapters[0].strength: expected a finite number from -16 to 16, got \"Infinity\".")]
    [InlineData("""{"adapters": [{"name": "ink", "strength": 16.5}]}""",
        "jobs[1].adapters[0].strength: expected a finite number from -16 to 16, got 16.5.")]
    [InlineData("""{"adapters": [{"name": "ink", "block_strengths": [1, 2]}]}""",
        "jobs[1].adapters[0].block_strengths: expected a list of 17 or 26 numbers for sd15 models, got 2.")]
    [InlineData("""{"adapters": "ink@1[1,0,1,1,1,1,1,1,1,1,1,1]"}""",
        "jobs[1].adapters[0].block_strengths: expected a list of 17 or 26 numbers for sd15 models, got 12.")]
    [InlineData("""{"adapters": ["ink@"]}""", "jobs[1].adapters[0]: \"ink@\" is not an adapter; write name, name@0.8 or name@0.8:0.5.")]
    [InlineData("""{"adapters": {"ink": 1}}""",
        "jobs[1].adapters: expected a list such as [{\"name\": \"ink\", \"strength\": 0.8}], got {\"ink\": 1}.")]
    [InlineData("""{"sampler": "euler_x"}""", "jobs[1].sampler: there is no sampler 'euler_x'; "
        + "use one of: ddim, pndm, euler, euler_karras, euler_a, heun, heun_karras, dpmpp_2m, dpmpp_2m_karras, dpmpp_2m_sde, "
        + "dpmpp_2m_sde_karras, dpmpp_2s, dpmpp_2s_karras, kdpm2, kdpm2_karras, kdpm2_a, kdpm2_a_karras, lms, lms_karras, unipc, "
        + "unipc_karras, deis, ddpm, lcm, ddim_trailing, euler_trailing, euler_a_trailing, dpmpp_2m_trailing.")]
    [InlineData("""{"width": 500}""", "jobs[1].width: expected a multiple of 8, got 500; the nearest is 504.")]
    [InlineData("""{"height": 4096}""", "jobs[1].height: expected a whole number from 64 to 2048, got 4096.")]
    [InlineData("""{"steps": 0}""", "jobs[1].steps: expected a whole number from 1 to 1000, got 0.")]
    [InlineData("""{"steps": 10000}""", "jobs[1].steps: expected a whole number from 1 to 1000, got 10000.")]
    [InlineData("""{"steps": 2.5}""", "jobs[1].steps: expected a whole number from 1 to 1000, got 2.5.")]
    [InlineData("""{"steps": "20"}""", "jobs[1].steps: expected a whole number from 1 to 1000, got \"20\".")]
    [InlineData("""{"guidance_scale": "NaN"}""", "jobs[1].guidance_scale: expected a finite number from 0 to 100, got \"NaN\".")]
    [InlineData("""{"guidance_rescale": 1.5}""", "jobs[1].guidance_rescale: expected a finite number from 0 to 1, got 1.5.")]
    [InlineData("""{"start_image": "/etc/passwd"}""",
        "jobs[1].start_image: expected the name of an image below the folder of start images, such as \"cats/1.png\", got \"/etc/passwd\". "
            + "Put the image there; batchgen submit --start-image FILE and POST /api/v1/start-images do so and give it a name.")]
    [InlineData("""{"start_image": "a.png", "strength": 1.1}""", "jobs[1].strength: expected a finite number above 0 to 1, got 1.1.")]
    [InlineData("""{"start_image": "a.png", "strength": "0.5"}""", "jobs[1].strength: expected a finite number above 0 to 1, got \"0.5\".")]
    [InlineData("""{"start_image": "a.png", "strength": 0}""", "jobs[1].strength: expected a finite number above 0 to 1, got 0.")]
    [InlineData("""{"start_image": "a.png", "strength": 0.3, "steps": 3}""",
        "jobs[1].strength: 0.3 of 3 steps leaves no step to take; use a higher strength or more steps.")]
    [InlineData(
        """{"strength": 0.5}""", "jobs[1].strength: it needs a start_image, and the job has none; name one, or leave strength out.")]
    [InlineData("""{"seed": 1e30}""",
        "jobs[1].seed: expected a whole number from -9223372036854775808 to 9223372036854775807, got 1000000000000000000000000000000.")]
    [InlineData("""{"format": "gif"}""", "jobs[1].format: there is no format 'gif'; use one of: png, webp, jpeg.")]
    [InlineData("""{"prompt_syntax": "html"}""", "jobs[1].prompt_syntax: there is no prompt_syntax 'html'; use one of: weighted, plain.")]
    [InlineData("""{"noise_type": "half"}""", "jobs[1].noise_type: there is no noise_type 'half'; use one of: float32, compute_type.")]
    [InlineData("""{"priority": 101}""", "jobs[1].priority: expected a whole number from -100 to 100, got 101.")]
    [InlineData(
        """{"run_at": "tomorrow-ish"}""", "jobs[1].run_at: expected an instant such as \"2026-01-31T22:00:00Z\", got \"tomorrow-ish\".")]
    [InlineData("""{"deadline": "2001-01-01T00:00:00Z"}""",
        "jobs[1].deadline: expected an instant after now and after run_at, got \"2001-01-01T00:00:00Z\"; the job could never run.")]
    [InlineData("""{"tags": ["a", ""]}""", "jobs[1].tags: expected words of 1 to 100 characters, got [\"a\", \"\"].")]
    [InlineData("""{"prompt": 5}""", "jobs[1].prompt: expected text, got 5.")]
    [InlineData("""{"campaign": "a\tb"}""",
        "jobs[1].campaign: a name has no control characters, such as tabs and ends of lines, got \"a\\tb\"; leave them out.")]
    [InlineData("""{"campaign": "a\u0085b"}""",
        "jobs[1].campaign: a name has no control characters, such as tabs and ends of lines, got \"a\u0085b\"; leave them out.")]
    [InlineData("""{"campaign": " lead"}""",
        "jobs[1].campaign: a name has no blanks at its ends, and is neither '.' nor '..', got \" lead\"; "
        + "choose one that an address can hold.")]
    [InlineData("""{"campaign": "tail "}""",
        "jobs[1].campaign: a name has no blanks at its ends, and is neither '.' nor '..', got \"tail \"; "
        + "choose one that an address can hold.")]
    [InlineData("""{"campaign": "\u3000wide"}""",
        "jobs[1].campaign: a name has no blanks at its ends, and is neither '.' nor '..', got \"\u3000wide\"; "
        + "choose one that an address can hold.")]
    [InlineData("""{"campaign": ".."}""",
        "jobs[1].campaign: a name has no blanks at its ends, and is neither '.' nor '..', got \"..\"; "
        + "choose one that an address can hold.")]
    [InlineData("""{"campaign": "."}""",
        "jobs[1].campaign: a name has no blanks at its ends, and is neither '.' nor '..', got \".\"; "
        + "choose one that an address can hold.")]
    [InlineData("""{"prompt": "a \ud800"}""", "jobs[1].prompt: the text holds half of a character (a single \\ud800 to \\udfff), "
        + "which is no text; remove it or write both halves.")]
    [InlineData("""{"tags": ["fine", "\ud800"]}""", "jobs[1].tags: the text holds half of a character (a single \\ud800 to \\udfff), "
        + "which is no text; remove it or write both halves.")]
    [InlineData("""[]""", "jobs[1]: expected a job object such as {\"prompt\": \"a red cube\"}, got [].")]
    public async Task A_job_that_breaks_a_rule_is_refused_with_its_element_field_and_remedy(string job, string message)
    {
        var refused = await Assert.ThrowsAsync<SubmitRefusedException>(() => SubmitAsync($$"""[{"prompt": "fine"}, {{job}}]"""));

        Assert.Equal(message, refused.Message);
        Assert.Equal(0L, await _database.SqlAsync<long>("select count(*) from jobs"));
    }

    [Theory]
    [InlineData("a\nb", "no control characters")]
    [InlineData("a ", "no blanks at its ends")]
    [InlineData("..", "neither '.' nor '..'")]
    public async Task A_staged_campaign_that_no_address_can_hold_is_refused(string campaign, string rule)
    {
        var refused = await Assert.ThrowsAsync<SubmitRefusedException>(() => _database.Submitter.SubmitManyAsync(
            [new JobRequest { Prompt = "fine", Campaign = "a b" }, new JobRequest { Campaign = campaign }], null, CancellationToken.None));
        Assert.Contains("campaign: a name has ", refused.Message, StringComparison.Ordinal);
        Assert.Contains(rule, refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("select retry_failed(at_most => -5)",
        "retry_failed.at_most: expected a number of jobs from 0 on, or null for all, got -5.")]
    [InlineData("select cancel_waiting('a', at_most => -1)",
        "cancel_waiting.at_most: expected a number of jobs from 0 on, or null for all, got -1.")]
    [InlineData("select ended_jobs(at_most => -5)", "ended_jobs.at_most: expected a number of jobs from 0 on, got -5.")]
    public async Task A_negative_number_of_jobs_is_refused_with_the_functions_name(string statement, string message) =>
        Assert.Equal(message, (await Assert.ThrowsAsync<Npgsql.PostgresException>(() => _database.SqlAsync(statement))).MessageText);

    [Fact]
    public async Task A_prompt_may_be_empty_and_has_at_most_20000_characters()
    {
        await SubmitAsync($$"""[{"prompt": ""}, {}, {"prompt": "{{new string('é', 20_000)}}"}]""");

        var refused = await Assert.ThrowsAsync<SubmitRefusedException>(
            () => SubmitAsync($$"""[{"prompt": "{{new string('x', 20_001)}}"}]"""));
        Assert.Equal("jobs[0].prompt: expected 0 to 20000 characters, got 20001; shorten it.", refused.Message);
    }

    [Fact]
    public async Task A_wrong_job_among_tens_of_thousands_refuses_all_and_is_named_by_its_place()
    {
        var jobs = Enumerable.Repeat(new JobRequest { Prompt = "x" }, 20_001).ToArray();
        jobs[20_000] = new JobRequest { Width = 63 };
        var refused = await Assert.ThrowsAsync<SubmitRefusedException>(
            () => _database.Submitter.SubmitAllAsync(jobs, CancellationToken.None));
        Assert.StartsWith("jobs[20000].width: ", refused.Message, StringComparison.Ordinal);
        Assert.Equal(0L, await _database.SqlAsync<long>("select count(*) from jobs"));

        jobs[20_000] = new JobRequest { Prompt = "a\0b" };
        refused = await Assert.ThrowsAsync<SubmitRefusedException>(() => _database.Submitter.SubmitAllAsync(jobs, CancellationToken.None));
        Assert.StartsWith("jobs[20000].prompt: ", refused.Message, StringComparison.Ordinal);
        var ids = await _database.Submitter.SubmitAllAsync(jobs.Take(3), CancellationToken.None);
        Assert.Equal([ids[0], ids[0] + 1, ids[0] + 2], ids);
    }

    [Fact]
    public async Task A_signature_too_long_for_an_index_is_refused_and_the_longest_that_fits_is_accepted()
    {
        var names = Enumerable.Range(0, 15).Select(i => $"style{i:D2}").ToArray();
        await _database.AddAdaptersAsync(names);
        var blocks = string.Join(',', Enumerable.Range(0, 26).Select(i => $"0.{1000 + (37 * i % 997)}"));
        string Adapter(string name) => $$"""{"name": "{{name}}", "block_strengths": [{{blocks}}]}""";
        string Job(int adapters) => $$"""[{"adapters": [{{string.Join(',', names.Take(adapters).Select(Adapter))}}]}]""";

        await SubmitAsync(Job(13));
        var refused = await Assert.ThrowsAsync<SubmitRefusedException>(() => SubmitAsync(Job(15)));
        Assert.Contains("jobs[0].adapters: expected names and strengths that take at most 2500 bytes together", refused.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_NUL_in_a_text_is_refused()
    {
        var named = await Assert.ThrowsAsync<SubmitRefusedException>(() =>
            _database.Submitter.SubmitAsync([new JobRequest(), new JobRequest { Prompt = "a\0b" }], CancellationToken.None));
        Assert.Equal("jobs[1].prompt: character 1 is NUL, which the database cannot store; remove it.", named.Message);

        var raw = await Assert.ThrowsAsync<SubmitRefusedException>(() => SubmitAsync("""[{}, {"tags": ["fine", "a\u0000b"]}]"""));
        Assert.Equal(
            "jobs[1].tags: the text holds a NUL character (\\u0000), which the database cannot store; remove it.", raw.Message);
    }

    [Fact]
    public void JSON_without_a_fault_of_its_own_is_refused_in_the_words_of_the_database()
    {
        Assert.Equal("invalid input", Queue.Jobs.JsonFault.Describe("""[{"prompt": "a star"}]"""u8, "invalid input"));
        // What is no object counts, and a field is named with its own job only.
        Assert.StartsWith("jobs[2].prompt: ", Queue.Jobs.JsonFault.Describe("""[1, {"tag": "a"}, {"prompt": "\u0000"}]"""u8, ""),
            StringComparison.Ordinal);
        Assert.StartsWith("jobs[1]: ", Queue.Jobs.JsonFault.Describe("""[{"prompt": "a star"}, "\u0000"]"""u8, ""),
            StringComparison.Ordinal);
        var deep = System.Text.Encoding.UTF8.GetBytes(new string('[', 200) + new string(']', 200));
        Assert.Equal("invalid input", Queue.Jobs.JsonFault.Describe(deep, "invalid input"));
    }

    [Fact]
    public async Task Text_that_is_not_JSON_is_refused()
    {
        await Assert.ThrowsAsync<SubmitRefusedException>(() => SubmitAsync("[{"));
        await Assert.ThrowsAsync<SubmitRefusedException>(() => SubmitAsync("""{"prompt": "one"}"""));
    }

    [Fact]
    public async Task Missing_fields_get_the_defaults_and_the_models_native_size()
    {
        var id = Assert.Single(await _database.Submitter.SubmitAsync([new JobRequest { Prompt = "x" }], CancellationToken.None));

        var job = await _database.Catalog.FindAsync(id, CancellationToken.None);
        Assert.Equal((64, 64, 20, "ddim", 7.5, ImageFormat.Png, 0),
            (job!.Recipe.WidthPixels, job.Recipe.HeightPixels, job.Recipe.Steps, job.Recipe.Sampler,
                job.Recipe.GuidanceScale, job.Recipe.Format, job.Recipe.ClipSkip));
        Assert.InRange(job.Recipe.Seed, 0, uint.MaxValue);
        Assert.Equal((JobState.Queued, 0, 3), (job.State, job.Priority, job.MaxAttempts));
        Assert.Null(job.Recipe.NegativePrompt);
        Assert.Equal((null, 0.0), (job.Recipe.StartImagePath, job.Recipe.GuidanceRescale));
    }

    [Fact]
    public async Task Every_field_arrives_as_it_was_sent()
    {
        var request = new JobRequest
        {
            Prompt = "ein roter Würfel \"quoted\" \n 立方体 🙂", NegativePrompt = "", Model = "demo",
            Adapters = [new("INK", 0.75m, 0.5m, [.. Enumerable.Repeat(0.5m, 17)])],
            Width = 128, Height = 72, Steps = 31, Sampler = "euler", GuidanceScale = 4.25, GuidanceRescale = 0.7,
            StartImage = "cats/größe 1.png", Strength = 0.7, Seed = long.MinValue, Format = "webp", ClipSkip = 2, Priority = -7,
            RunAt = DateTimeOffset.UnixEpoch.AddYears(100), Deadline = DateTimeOffset.UnixEpoch.AddYears(101), Campaign = "night 1",
            MaxAttempts = 9, Tags = ["a", "b"],
        };
        var id = Assert.Single(await _database.Submitter.SubmitAsync([request], CancellationToken.None));

        var job = (await _database.Catalog.FindAsync(id, CancellationToken.None))!;
        Assert.Equal((request.Prompt, "", 128, 72, 31, "euler", 4.25, long.MinValue),
            (job.Recipe.Prompt, job.Recipe.NegativePrompt, job.Recipe.WidthPixels,
                job.Recipe.HeightPixels, job.Recipe.Steps, job.Recipe.Sampler, job.Recipe.GuidanceScale, job.Recipe.Seed));
        Assert.Equal((0.7, "cats/größe 1.png", 0.7), (job.Recipe.GuidanceRescale, job.Recipe.StartImagePath, job.Recipe.Strength));
        Assert.Equal("Demo|Ink@0.75:0.5[" + string.Join(',', Enumerable.Repeat("0.5", 17)) + "]", job.Recipe.Signature.ToString());
        Assert.Equal((ImageFormat.WebP, 2, -7, "night 1", 9, request.RunAt),
            (job.Recipe.Format, job.Recipe.ClipSkip, job.Priority, job.Campaign, job.MaxAttempts, job.RunAt));
        Assert.Equal(["a", "b"], (await _database.SqlAsync<string[]>("select tags from job_recipes where job_id = $1", id))!);
    }

    [Fact]
    public async Task How_prompts_are_read_and_noise_is_drawn_belongs_to_the_job_and_is_stored_where_it_is_not_the_default()
    {
        var ids = await SubmitAsync("""
            [{"prompt_syntax": "Plain", "noise_type": "compute_type"}, {"prompt_syntax": "weighted", "noise_type": "float32"}, {}]
            """);

        var recipes = await Task.WhenAll(ids.Select(async id => (await _database.Catalog.FindAsync(id, CancellationToken.None))!.Recipe));
        Assert.Equal(
            [("plain", "compute_type"), ("weighted", "float32"), ("weighted", "float32")],
            recipes.Select(recipe => (recipe.PromptSyntax, recipe.NoiseType)));
        // A worker of the version before goes on drawing jobs that leave both as they were.
        Assert.Equal(1, await _database.SqlAsync<long>(
            "select count(*) from job_recipes where recipe ?| array['prompt_syntax', 'noise_type']"));
    }

    [Fact]
    public async Task A_start_time_in_the_past_counts_as_now()
    {
        var id = Assert.Single(await SubmitAsync("""[{"run_at": "2001-01-01T00:00:00Z"}]"""));

        Assert.True(await _database.SqlAsync<bool>(
            "select run_at > now() - interval '1 minute' and indexed_state = 'ready' from jobs where id = $1", id));
    }

    [Fact]
    public async Task A_job_without_a_model_gets_the_only_one_and_is_refused_when_there_are_several()
    {
        await SubmitAsync("[{}]");
        await _database.AddModelAsync("other");

        var refused = await Assert.ThrowsAsync<SubmitRefusedException>(() => SubmitAsync("[{}]"));
        Assert.Equal("jobs[0].model: several models are registered, name one: Demo, other.", refused.Message);
    }

    [Fact]
    public async Task The_same_idempotency_key_gives_the_same_id_also_within_one_call()
    {
        var first = await SubmitAsync("""[{"idempotency_key": "a"}, {"idempotency_key": "b"}, {"idempotency_key": "a"}]""");
        var second = await SubmitAsync("""[{"idempotency_key": "b"}, {"prompt": "new"}, {"idempotency_key": "a", "prompt": "differs"}]""");

        Assert.Equal(first[0], first[2]);
        Assert.Equal([first[1], first[0]], [second[0], second[2]]);
        Assert.Equal(3L, await _database.SqlAsync<long>("select count(*) from jobs"));
        Assert.Equal(3, (await _database.Catalog.CountAsync(null, CancellationToken.None)).Queued);
    }

    [Fact]
    public async Task The_same_idempotency_key_of_two_tenants_gives_two_jobs()
    {
        await _database.SqlAsync("insert into tenants (name) values ('Studio')");
        var ours = await _database.Submitter.SubmitJsonAsync("""[{"idempotency_key": "a"}]""", null, CancellationToken.None);
        var theirs = await _database.Submitter.SubmitJsonAsync("""[{"idempotency_key": "a"}]""", "studio", CancellationToken.None);

        Assert.NotEqual(ours, theirs);
        var refused = await Assert.ThrowsAsync<SubmitRefusedException>(
            () => _database.Submitter.SubmitJsonAsync("[{}]", "studios", CancellationToken.None));
        Assert.Equal("tenant: there is no tenant 'studios'. Did you mean 'Studio'?", refused.Message);
    }

    [Fact]
    public async Task The_same_idempotency_key_submitted_by_many_at_once_gives_one_job()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(i =>
            SubmitAsync($$"""[{"idempotency_key": "k{{i % 2}}"}, {"idempotency_key": "k{{(i + 1) % 2}}"}]""")));

        Assert.Equal(2, answers.SelectMany(ids => ids).Distinct().Count());
        Assert.All(answers.Where((_, i) => i % 2 == 0), ids => Assert.Equal(answers[0], ids));
        Assert.Equal(2L, await _database.SqlAsync<long>("select count(*) from jobs"));
    }

    [Fact]
    public async Task Jobs_submitted_in_a_transaction_that_is_rolled_back_do_not_exist()
    {
        await using var connection = await _database.ConnectAsync();
        await using (var transaction = await connection.BeginTransactionAsync())
        {
            await using var command = new Npgsql.NpgsqlCommand("select submit_job('{\"prompt\": \"x\"}')", connection, transaction);
            Assert.IsType<long>(await command.ExecuteScalarAsync());
            await transaction.RollbackAsync();
        }

        Assert.Equal(0L, await _database.SqlAsync<long>("select count(*) from jobs"));
        Assert.Equal(0, (await _database.Catalog.CountAsync(null, CancellationToken.None)).Total);
    }

    [Fact]
    public async Task An_empty_list_of_jobs_gives_no_ids() => Assert.Empty(await SubmitAsync("[]"));

    private Task<IReadOnlyList<long>> SubmitAsync(string json) => _database.Submitter.SubmitJsonAsync(json, null, CancellationToken.None);
}
