using BatchGen.Core.Jobs;
using BatchGen.Testing;
using Npgsql;
using Xunit;

namespace BatchGen.DatabaseTests.Jobs;

/// <summary>Instants outside of the years 1 to 9999, which PostgreSQL holds and .NET does not.</summary>
public sealed class InstantTests
{
    private const string Refused = ": expected a span that ends within the years 1 to 9999, got 9000 years.";

    public static TheoryData<string> Beyond => new(
        "10000-01-01T00:00:00Z", "294276-12-31T00:00:00Z", "infinity", "-infinity", "0001-12-31 23:59:59+00 BC",
        "9999-12-31T23:59:59-01:00");

    [Theory]
    [MemberData(nameof(Beyond))]
    public async Task A_job_whose_start_or_deadline_lies_beyond_is_refused_with_its_place(string instant)
    {
        await using var database = await DatabaseAsync();
        foreach (var field in new[] { "run_at", "deadline" })
        {
            var refused = await Assert.ThrowsAsync<PostgresException>(() => database.SqlAsync(
                "select submit_jobs(jsonb_build_array(jsonb_build_object($1::text, $2::text)))", field, instant));
            Assert.Equal("BG001", refused.SqlState);
            Assert.StartsWith($"jobs[0].{field}: expected an instant", refused.MessageText, StringComparison.Ordinal);
        }
    }

    [Theory]
    [MemberData(nameof(Beyond))]
    public async Task A_staged_row_whose_start_or_deadline_lies_beyond_is_refused_by_the_table(string instant)
    {
        await using var database = await DatabaseAsync();
        foreach (var field in new[] { "run_at", "deadline" })
        {
            var refused = await Assert.ThrowsAsync<PostgresException>(() => database.SqlAsync(
                $"insert into staged_jobs ({field}) values ($1::text::timestamptz)", instant));
            Assert.Equal("staged_jobs_instants_in_range", refused.ConstraintName);
        }
    }

    [Theory]
    [MemberData(nameof(Beyond))]
    public async Task A_row_of_a_worker_or_canary_with_an_instant_beyond_is_refused_by_the_table(string instant)
    {
        await using var database = await DatabaseAsync();
        var worker = await database.AddWorkerAsync();
        foreach (var column in new[] { "started_at", "heartbeat_at", "stopped_at" })
        {
            var refused = await Assert.ThrowsAsync<PostgresException>(() => database.SqlAsync(
                $"update workers set {column} = $1::text::timestamptz where id = $2", instant, worker));
            Assert.Equal("workers_instants_in_range", refused.ConstraintName);
        }

        var canary = await Assert.ThrowsAsync<PostgresException>(() => database.SqlAsync("""
            insert into canaries
              (created_at, worker_id, model, model_sha256, device, compute_type, recipe, verdict, digest, elapsed_ms, image)
            values ($1::text::timestamptz, $2, 'demo', '', 'cpu', 'float32', '', 'first', '', 1, '')
            """, instant, worker));
        Assert.Equal("canaries_created_at_in_range", canary.ConstraintName);
    }

    [Theory]
    [InlineData("select heartbeat_batch($1, $2, '9000 years', 0, 0, 0)", "heartbeat_batch.lease")]
    [InlineData("select end_batch($1, $2, '9000 years', 'x')", "end_batch.signature_hold")]
    [InlineData("select fail_jobs($1, $2, array[1], array['output'], array['x'], '9000 years', '9000 years')", "fail_jobs.max_retry_delay")]
    public async Task A_worker_that_asks_for_a_span_that_ends_after_the_year_9999_is_refused(string call, string place)
    {
        await using var database = await DatabaseAsync();
        await database.SubmitAsync("");
        var batch = (await database.ClaimAsync(await database.AddWorkerAsync()))!;
        var refused = await Assert.ThrowsAsync<PostgresException>(() => database.SqlAsync(call, batch.BatchId, batch.Epoch));
        Assert.Equal(("BG001", place + Refused), (refused.SqlState, refused.MessageText));
    }

    [Fact]
    public async Task A_claim_with_a_lease_that_ends_after_the_year_9999_is_refused()
    {
        await using var database = await DatabaseAsync();
        await database.SubmitAsync("");
        var refused = await Assert.ThrowsAsync<PostgresException>(async () => await database.SqlAsync(
            "select claim_batch($1, null, 1, '9000 years', '1 min', 1)", await database.AddWorkerAsync()));
        Assert.Equal(("BG001", "claim_batch.lease" + Refused), (refused.SqlState, refused.MessageText));
    }

    [Fact]
    public async Task A_job_at_the_last_instant_of_the_year_9999_is_accepted_and_shown()
    {
        await using var database = await DatabaseAsync();
        var id = await database.SqlAsync<long>("""select submit_job('{"run_at": "9999-12-31T23:59:59.999999Z"}')""");
        Assert.Equal(9999, (await database.Catalog.FindAsync(id, CancellationToken.None))!.RunAt.Year);
    }

    [Theory]
    [InlineData("20000-01-01", 9999)]
    [InlineData("infinity", 9999)]
    [InlineData("0044-03-15 BC", 1)]
    [InlineData("-infinity", 1)]
    public async Task Rows_of_before_with_an_instant_beyond_are_shown_with_the_end_they_lie_beyond(string instant, int shown)
    {
        await using var database = await DatabaseAsync();
        var ids = await database.SubmitAsync("", "");
        await database.SqlAsync("update jobs set run_at = $1::text::timestamptz where id = $2", instant, ids[0]);
        await database.SqlAsync("update job_recipes set created_at = $1::text::timestamptz where job_id = $2", instant, ids[0]);
        await database.AddWorkerAsync();
        await database.SqlAsync("alter table workers drop constraint workers_instants_in_range");
        await database.SqlAsync("update workers set started_at = $1::text::timestamptz", instant);

        var jobs = await database.Catalog.ListAsync(new JobFilter(), CancellationToken.None);
        Assert.Equal(2, jobs.Count);
        var job = jobs.Single(job => job.JobId == ids[0]);
        Assert.Equal((shown, shown), (job.RunAt.Year, job.CreatedAt.Year));
        Assert.Equal(shown, Assert.Single(await database.Workers.ListAsync(CancellationToken.None)).StartedAt.Year);
    }

    private static async Task<TestDatabase> DatabaseAsync()
    {
        var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync();
        return database;
    }
}
