using BatchGen.Core.Jobs;
using BatchGen.Core.Submitting;

namespace BatchGen.UnitTests.Core.Submitting;

public class JobFileTests
{
    private static readonly TimeReference Times = new(
        new DateTimeOffset(2026, 3, 28, 12, 0, 0, TimeSpan.Zero), TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin"));

    [Fact]
    public void Csv_is_read_with_quotes_both_line_ends_and_a_byte_order_mark()
    {
        var jobs = ReadCsv(
            "\uFEFFprompt,seed,adapters,guidance_scale\r\n"
            + "\"a \"\"big\"\", red circle\",7,demo-neon@0.7+demo-pixel@0.8:0.5,4.5\r\n"
            + "\r\n"
            + "\"two\nlines\",,,\r\n", Times).ToList();
        Assert.Equal(2, jobs.Count);
        Assert.Equal("a \"big\", red circle", jobs[0].Prompt);
        Assert.Equal((7L, 4.5), (jobs[0].Seed, jobs[0].GuidanceScale));
        Assert.Equal([new("demo-neon", 0.7m), new("demo-pixel", 0.8m, 0.5m)], jobs[0].Adapters);
        Assert.Equal("two\nlines", jobs[1].Prompt);
        Assert.Null(jobs[1].Seed);
        Assert.Null(jobs[1].Adapters);
    }

    [Theory]
    [InlineData("prompt;seed\na red circle, big;3")]
    [InlineData("prompt\tseed\na red circle, big\t3")]
    [InlineData("Prompt,SEED\n\"a red circle, big\",3\n")]
    public void Csv_is_read_with_the_separators_that_spreadsheets_write(string text)
    {
        var job = Assert.Single(ReadCsv(text, Times));
        Assert.Equal(("a red circle, big", 3L), (job.Prompt, job.Seed));
    }

    [Theory]
    [InlineData("""{"prompt": "a\ud800b"}""", "prompt")]
    [InlineData("""{"prompt": "a", "sampler": "\ud800"}""", "sampler")]
    [InlineData("""{"prompt": "a", "tags": ["\ud800"]}""", "tags")]
    [InlineData("""{"prompt": "a", "adapters": [{"name": "\ud800"}]}""", "adapters")]
    public void Half_of_a_surrogate_pair_is_refused_with_its_line(string second, string field)
    {
        var failure = Assert.Throws<JobFileException>(() => JobFile.Read("{\"prompt\": \"ok\"}\n" + second, "a.jsonl", Times));
        Assert.StartsWith(
            $"Line 2, {field}: expected text, found half of a surrogate pair", Assert.Single(failure.Problems), StringComparison.Ordinal);
    }

    [Fact]
    public void A_field_name_with_half_of_a_surrogate_pair_is_no_field()
    {
        var failure = Assert.Throws<JobFileException>(() => JobFile.Read("""{"\ud800": 1}""", "a.jsonl", Times));
        Assert.StartsWith("Line 1: there is no field '", Assert.Single(failure.Problems), StringComparison.Ordinal);
    }

    [Fact]
    public void An_adapter_field_with_half_of_a_surrogate_pair_is_no_field()
    {
        var row = """{"prompt": "a", "adapters": [{"naguidan\ud800canegth": 0.5}]}""";
        var failure = Assert.Throws<JobFileException>(() => JobFile.Read(row, "a.jsonl", Times));
        Assert.StartsWith("Line 1, adapters: an adapter has no field '", Assert.Single(failure.Problems), StringComparison.Ordinal);
    }

    [Fact]
    public void Unknown_columns_beyond_those_that_are_shown_are_counted_and_not_compared_with_known_ones()
    {
        var failure = Assert.Throws<JobFileException>(
            () => ReadCsv(string.Join(',', Enumerable.Range(0, 20_000).Select(i => $"colum{i}")) + "\nx", Times));
        Assert.Equal(1000, failure.Problems.Count);
        Assert.Contains("Known: ", failure.Problems[9], StringComparison.Ordinal);
        Assert.Equal("Header: there is no field 'colum10'.", failure.Problems[10]);
        Assert.EndsWith("... and 990 more problems", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("jobs.csv", "", '\0', "Line 1 is longer than 16,777,216 letters")]
    [InlineData("jobs.csv", "prompt\n", 'x', "Line 2 is longer than 16,777,216 letters")]
    [InlineData("jobs.csv", "prompt\n\"", '\n', "Line 2: a quoted field is longer than 16,777,216 letters")]
    [InlineData("jobs.jsonl", "{\"prompt\":\"a\"}\n", ' ', "Line 2 is longer than 16,777,216 letters")]
    [InlineData("zero", "", '\0', "Line 1 is longer than 16,777,216 letters")]
    public void A_list_that_never_ends_is_refused_with_the_limit_of_a_line_or_file(string name, string start, char then, string problem)
    {
        var failure = Assert.Throws<JobFileException>(() => JobFile.Read(() => new EndlessText(start, then), name, Times));
        Assert.StartsWith(problem, Assert.Single(failure.Problems), StringComparison.Ordinal);
    }

    [Fact]
    public void An_unknown_column_is_named_with_the_nearest_one()
    {
        var failure = Assert.Throws<JobFileException>(() => ReadCsv("promt,seed,colour,seed\nx,1,2,3", Times));
        Assert.Equal(3, failure.Problems.Count);
        Assert.Equal("Header: there is no field 'promt'. Did you mean 'prompt'?", failure.Problems[0]);
        Assert.StartsWith(
            "Header: there is no field 'colour'. Known: prompt, negative_prompt", failure.Problems[1], StringComparison.Ordinal);
        Assert.EndsWith("A column of words for the prompts is named with braces: {colour}.", failure.Problems[1], StringComparison.Ordinal);
        Assert.Equal("Header: the field 'seed' is named twice.", failure.Problems[2]);
    }

    [Fact]
    public void Every_problem_of_a_csv_file_is_reported_with_its_row()
    {
        var failure = Assert.Throws<JobFileException>(
            () => ReadCsv("prompt,seed,steps,adapters\na,1,20,\n\"b\nc\",x,1.5,style@NaN\nd,1\ne,1,2,x@0.5:1:2", Times));
        Assert.Equal(
        [
            "Row 3, seed: expected a whole number, found 'x'.",
            "Row 3, steps: expected a whole number, found '1.5'.",
            "Row 3, adapters: 'style@NaN': 'NaN' is not a number.",
            "Row 5: has 2 fields, the header has 4; put fields that hold a separator into quotes.",
            "Row 6, adapters: 'x@0.5:1:2' has more than two strengths; write name@unet or name@unet:text_encoder.",
        ], failure.Problems);
    }

    [Theory]
    [InlineData("prompt\n\"open", "Line 2: a quote is opened and never closed.")]
    [InlineData("prompt\n\"a\"b", "Line 2: text follows a closing quote")]
    [InlineData("prompt\na \"b\"", "Line 2: a quote stands inside a field")]
    [InlineData("", "The file is empty")]
    [InlineData("prompt\n", "The file holds no jobs.")]
    public void Broken_csv_is_refused_with_the_line_and_a_remedy(string text, string expected) =>
        Assert.StartsWith(expected, Assert.Throws<JobFileException>(() => ReadCsv(text, Times)).Message, StringComparison.Ordinal);

    [Fact]
    public void Json_sets_every_field_of_a_job()
    {
        var job = Assert.Single(JobFile.Read("""
            [{"prompt":"p","negative_prompt":"n","model":"m",
              "adapters":[{"name":"a","strength":0.8,"text_encoder_strength":0,"block_strengths":[1,0.5]},"b@-1"],
              "width":64,"height":72,"steps":3,"sampler":"euler","guidance_scale":1,"guidance_rescale":0.7,"start_image":"cats/1.png",
              "strength":0.6,"seed":-5,"format":"webp","clip_skip":1,"priority":-2,
              "run_at":"2026-05-01T10:00:00+02:00","deadline":null,"campaign":"c","max_attempts":9,"tags":["x","y"],"idempotency_key":"k"}]
            """, "jobs.json", Times));
        Assert.Equal([0.8m, -1m], job.Adapters!.Select(adapter => adapter.Strength!.Value));
        Assert.Equal([1m, 0.5m], job.Adapters![0].BlockStrengths!);
        Assert.Equal(new DateTimeOffset(2026, 5, 1, 8, 0, 0, TimeSpan.Zero), job.RunAt);
        Assert.Null(job.Deadline);
        Assert.Equal(["x", "y"], job.Tags!);
        Assert.Equivalent(new JobRequest
        {
            Prompt = "p", NegativePrompt = "n", Model = "m", Width = 64, Height = 72, Steps = 3, Sampler = "euler", GuidanceScale = 1,
            GuidanceRescale = 0.7, StartImage = "cats/1.png", Strength = 0.6, Seed = -5, Format = "webp",
            ClipSkip = 1, Priority = -2, Campaign = "c", MaxAttempts = 9, IdempotencyKey = "k", Adapters = job.Adapters, RunAt = job.RunAt,
            Tags = job.Tags,
        }, job);
    }

    [Fact]
    public void Json_problems_name_the_element_and_the_field()
    {
        var failure = Assert.Throws<JobFileException>(() => ReadJson(
            """[{"prompt":1},{"stepz":3},7,{"adapters":[{"nme":"a"}]},{"adapters":[{"strength":1}]},{"seed":1.5}]""", Times));
        Assert.Equal(
        [
            "Job 1, prompt: expected text, found 1.",
            "Job 2: there is no field 'stepz'. Did you mean 'steps'?",
            "Job 3: expected an object such as {\"prompt\":\"a red circle\"}, found number.",
            "Job 4, adapters: an adapter has no field 'nme'. Did you mean 'name'?",
            "Job 5, adapters: an adapter has no name.",
            "Job 6, seed: expected a whole number, found 1.5.",
        ], failure.Problems);
    }

    [Fact]
    public void Json_lines_problems_name_the_line()
    {
        var failure = Assert.Throws<JobFileException>(
            () => JobFile.Read("{\"prompt\":\"a\"}\n\n{\"prompt\":\n{\"prompt\":\"b\",\"x\":1}", "-", Times));
        Assert.StartsWith("Line 3: is not JSON", failure.Problems[0], StringComparison.Ordinal);
        Assert.StartsWith("Line 4: there is no field 'x'.", failure.Problems[1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"prompt\":\"a\"}\n{\"prompt\":\"b\"}", 2)]
    [InlineData(" [{\"prompt\":\"a\"}]", 1)]
    [InlineData("{\n  \"prompt\": \"a\",\n  \"count\": 3\n}", 3)]
    [InlineData("prompt\na\nb\nc\nd", 4)]
    public void A_list_without_a_file_name_is_read_in_the_form_that_its_first_character_says(string text, int count) =>
        Assert.Equal(count, JobFile.Read(text, "-", Times).Count);

    [Fact]
    public void Count_repeats_a_row_with_successive_seeds()
    {
        var jobs = ReadCsv("prompt,count,seed,idempotency_key\na,3,10,k\nb,2,,", Times);
        Assert.Equal([10L, 11L, 12L, null, null], jobs.Select(job => job.Seed));
        Assert.Equal(["k/1", "k/2", "k/3", null, null], jobs.Select(job => job.IdempotencyKey));
        Assert.Contains("Row 2, count: expected 1 to 1000000.",
            Assert.Throws<JobFileException>(() => ReadCsv("prompt,count\na,0", Times)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_row_stands_for_every_prompt_of_its_template_with_every_seed()
    {
        var csv = ReadCsv("prompt,seeds\n\"a {red|blue} star\",\"1-2,7\"\n\\{b\\},", Times);
        Assert.Equal(7, csv.Count);
        Assert.Equal(
            [("a red star", 1L), ("a red star", 2L), ("a red star", 7L), ("a blue star", 1L), ("a blue star", 2L), ("a blue star", 7L),
                ("{b}", null)],
            csv.Select(job => (job.Prompt, job.Seed)));
        var json = JobFile.Read(
            """[{"prompt":"a","seeds":[3,5]},{"prompt":"b","seeds":"8-9"},{"prompt":"c","seeds":4,"count":2}]""", "", Times);
        Assert.Equal([("a", 3L), ("a", 5L), ("b", 8L), ("b", 9L), ("c", 4L), ("c", (long?)5L)], json.Select(job => (job.Prompt, job.Seed)));
    }

    [Fact]
    public void Templates_that_cannot_be_expanded_are_named_with_row_and_field()
    {
        var failure = Assert.Throws<JobFileException>(
            () => ReadCsv("prompt,seeds,seed,count\na {b,,,\n\"" + string.Concat(Enumerable.Repeat("{0|1|2|3|4|5|6|7|8|9}", 7))
                + "\",,,\na,1-2000000,,\na,9-1,,\na,1-2,3,\na,1-2,,3", Times));
        Assert.Equal(
        [
            "Row 2, prompt: The template opens a '{' at letter 3 and never closes it; write \\{ for a plain brace.",
            "Row 3, prompt: expands to 10000000 jobs; the limit is 1000000. Use fewer alternatives or seeds.",
            "Row 4, seeds: expands to 2000000 jobs; the limit is 1000000. Use fewer alternatives or seeds.",
            "Row 5, seeds: '9-1' counts down; write the smaller seed first.",
            "Row 6, seeds: leave it out when a seed is given.",
            "Row 7, count: leave it out when several seeds are given.",
        ], failure.Problems);
    }

    [Theory]
    [InlineData("prompt,{colour},{Size}\n\"a {size} {colour} {star|moon}, \\{x\\}\",red|blue,\n",
        "a  red star, {x}/a  red moon, {x}/a  blue star, {x}/a  blue moon, {x}")]
    [InlineData("{colour},seed\nred,1\nblue,2\n", "one red cat/one blue cat")]
    public void Columns_in_braces_are_words_of_the_prompt(string text, string expected) =>
        Assert.Equal(expected.Split('/'),
            JobFile.Read(text, "a.csv", Times, new JobTemplate { Job = new JobRequest { Prompt = "one {colour} cat" } })
                .Select(job => job.Prompt));

    [Fact]
    public void A_json_field_in_braces_is_a_word_of_the_prompt() =>
        Assert.Equal(
            ["a red cat"], JobFile.Read("""{"prompt": "a {colour} cat", "{colour}": "red"}""", "a.jsonl", Times).Select(job => job.Prompt));

    [Theory]
    [InlineData("prompt,{colour}\na {colur} cat,red",
        "Row 2, prompt: The template names '{colur}', and there is no such column. Did you mean 'colour'?")]
    [InlineData("prompt,{colour}\na cat,red",
        "Row 2, {colour}: the prompt does not use it; write {colour} where it belongs, or leave the column out.")]
    [InlineData("prompt,{colour}\na {colour} cat,r{ed",
        "Row 2, prompt: The braces of 'r{ed', which {colour} stands for, do not match; write \\{ or \\} for a plain brace.")]
    [InlineData("prompt,{colour}\na {colour} cat,r}ed", "Row 2, prompt: The braces of 'r}ed', which {colour} stands for, do not match;")]
    [InlineData("prompt,{colour},{Colour}\na {colour} cat,red,blue", "Header: the field '{colour}' is named twice.")]
    [InlineData("prompt,{a|b}\na,b", "Header: there is no field '{a|b}'.")]
    public void A_word_that_does_not_fit_its_prompt_is_refused_with_the_reason(string text, string expected) =>
        Assert.StartsWith(
            expected, Assert.Single(Assert.Throws<JobFileException>(() => ReadCsv(text, Times)).Problems), StringComparison.Ordinal);

    [Fact]
    public void Rows_get_what_they_leave_out_from_the_defaults()
    {
        var defaults = new JobTemplate { Job = new JobRequest { Steps = 9, Strength = 0.5, Seed = 3, Campaign = "c" }, Count = 2 };
        var jobs = ReadCsv("prompt,steps,start_image,seeds,count\na,,,,\nb,4,s.png,,1\nc,,,1-2,", Times, defaults).ToList();
        Assert.Equal(
        [
            ("a", 9, null, null, 3L), ("a", 9, null, null, 4L), ("b", 4, "s.png", 0.5, 3L), ("c", 9, null, null, 1L),
            ("c", 9, null, (double?)null, (long?)2L),
        ], jobs.Select(job => (job.Prompt, job.Steps!.Value, job.StartImage, job.Strength, job.Seed)));
        Assert.All(jobs, job => Assert.Equal("c", job.Campaign));
    }

    [Theory]
    [InlineData("jobs.csv", "prompt\na\nb")]
    [InlineData("jobs.jsonl", "{\"prompt\":\"a\"}\n\n{\"prompt\":\"b\"}\n")]
    public void A_list_is_read_again_for_its_jobs_instead_of_being_kept(string name, string text)
    {
        var opened = 0;
        var list = JobFile.Read(() => new StringReader(opened++ >= 0 ? text : ""), name, Times);
        Assert.Equal((2, 1), (list.Count, opened));
        Assert.Equal(["a", "b"], list.Select(job => job.Prompt));
        Assert.Equal(2, opened);
        text = "{";
        Assert.Throws<JobFileException>(() => list.Count(job => job.Prompt.Length > 0));
    }

    [Fact]
    public void A_million_jobs_of_a_few_rows_are_made_while_they_are_read()
    {
        var list = ReadCsv("prompt,count\na,1000000\nb,1000000", Times);
        Assert.Equal(2_000_000, list.Count);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal("a", list.First().Prompt);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
        Assert.Contains("2000000 jobs; the limit here is 1000000", Assert.Throws<JobFileException>(() => list.ToList()).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("22:00", "2026-03-28T21:00Z")]
    [InlineData("08:00", "2026-03-29T06:00Z")] // The next day is on summer time.
    [InlineData("02:30", "2026-03-29T01:30Z")] // That hour is skipped there: an hour later.
    [InlineData("2026-10-25T02:30", "2026-10-25T00:30Z")] // That hour comes twice: the first.
    [InlineData("2026-01-31T22:00", "2026-01-31T21:00Z")]
    [InlineData("2026-01-31T22:00Z", "2026-01-31T22:00Z")]
    public void Times_without_a_zone_are_read_in_the_zone_of_the_reference(string text, string expected) =>
        Assert.Equal(DateTimeOffset.Parse(expected, System.Globalization.CultureInfo.InvariantCulture), JobTimes.Parse(text, Times));

    [Fact]
    public void A_word_given_as_a_time_is_refused() => Assert.Contains(
        "is not a time", Assert.Throws<FormatException>(() => JobTimes.Parse("tonight", Times)).Message, StringComparison.Ordinal);

    private static JobList ReadCsv(string text, TimeReference times, JobTemplate? defaults = null) =>
        JobFile.Read(text, "jobs.csv", times, defaults);

    private static JobList ReadJson(string text, TimeReference times) => JobFile.Read(text, "jobs.json", times);

    [Theory]
    [InlineData("jobs[0].width: expected", "Row 2, width: expected")]
    [InlineData("jobs[3].adapters[0].strength: expected", "Row 3, adapters[0].strength: expected")]
    [InlineData("jobs[4]: expected", "Row 4: expected")]
    [InlineData("jobs[5].width: expected", "jobs[5].width: expected")]
    [InlineData("the tenant is paused", "the tenant is paused")]
    public void A_refusal_of_the_database_names_the_row_that_the_job_comes_from(string refusal, string expected)
    {
        var list = JobFile.Read("prompt,seeds\na,5\nb,1-3\nc,7\n", "a.csv", Times);
        Assert.Equal(expected, list.Locate(refusal));
    }

    /// <summary>A text that repeats one letter for ever.</summary>
    private sealed class EndlessText(string start, char then) : TextReader
    {
        private int _at;

        public override int Peek() => _at < start.Length ? start[_at] : then;

        public override int Read() => _at < start.Length ? start[_at++] : then;

        public override int Read(char[] buffer, int index, int count)
        {
            for (var i = 0; i < count; i++) buffer[index + i] = (char)Read();
            return count;
        }

        public override int Read(Span<char> buffer)
        {
            foreach (ref var letter in buffer) letter = (char)Read();
            return buffer.Length;
        }
    }
}
