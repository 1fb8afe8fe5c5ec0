using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using BatchGen.Core.Failures;
using BatchGen.Core.Jobs;
using BatchGen.Queue.Sql;
using BatchGen.Testing;
using Npgsql;
using Xunit;

namespace BatchGen.DatabaseTests.Dashboard;

/// <summary>Queries of pages never read a whole table of jobs, whether the planner knows their values or not.</summary>
public sealed partial class PagePlanTests
{
    private const int Jobs = 40_000;
    private static readonly string[] BigTables = ["jobs", "job_recipes", "images", "job_attempts"];

    // Queries, each with its arguments in the order in which they first appear; values are SQL.
    private static readonly (string Query, string[] Arguments)[] Queries =
    [
        ("list_ids_any", ["before bigint = 9223372036854775807", "limit int = 50"]),
        ("list_ids_queued", ["before bigint = 9223372036854775807", "limit int = 50"]),
        ("list_ids_running", ["before bigint = 9223372036854775807", "limit int = 50"]),
        ("list_ids_succeeded", ["before bigint = 9223372036854775807", "limit int = 50"]),
        ("list_ids_failed", ["before bigint = 9223372036854775807", "limit int = 50"]),
        ("list_ids_cancelled", ["before bigint = 9223372036854775807", "limit int = 50"]),
        ("list_ids_of_campaign",
            ["before bigint = 20000", "limit int = 50", "campaign text = 'large'", "state text = 'succeeded'", "signature text = null"]),
        ("list_ids_of_campaign", ["before bigint = 9223372036854775807", "limit int = 50", "campaign text = 'small'", "state text = null",
            "signature text = 'demo|s7@1'"]),
        ("list_ids_of_signature_recent",
            ["before bigint = 9223372036854775807", "limit int = 50", "signature text = 'demo|s7@1'", "state text = null"]),
        ("list_ids_of_signature", ["before bigint = 9223372036854775807", "limit int = 50", "signature text = 'demo|s7@1'",
            "state text = 'queued'", "campaign text = null"]),
        ("list_ids_of_signature", ["before bigint = 9223372036854775807", "limit int = 50", "signature text = 'demo|s7@1'",
            "state text = null", "campaign text = 'large'"]),
        ("list_ids_in_state_of_campaign",
            ["before bigint = 9223372036854775807", "limit int = 50", "campaign text = 'large'", "state text = 'failed'"]),
        ("list_ids_in_state_of_campaign",
            ["before bigint = 9223372036854775807", "limit int = 50", "campaign text = 'small'", "state text = 'succeeded'"]),
        ("list_ids_of_tenant", ["tenant text = 'default'", "before bigint = 9223372036854775807", "state text = null",
            "signature text = null", "text text = null", "tag text = null", "limit int = 50"]),
        ("list_ids_of_tenant", ["tenant text = 'default'", "before bigint = 30000", "state text = 'failed'", "signature text = 'demo|s7@1'",
            "text text = '%star%'", "tag text = 'rare'", "limit int = 50"]),
        ("list_campaign_ids_of_tenant", ["tenant text = 'default'", "campaign text = 'large'", "before bigint = 30000",
            "state text = 'failed'", "signature text = null", "text text = '%star%'", "tag text = null", "limit int = 50"]),
        ("list_campaign_ids_of_tenant", ["tenant text = 'default'", "campaign text = 'small'", "before bigint = 9223372036854775807",
            "state text = null", "signature text = null", "text text = null", "tag text = 'rare'", "limit int = 50"]),
        ("find_window_of_tenant", ["tenant text = 'default'", "campaign text = null", "before bigint = 9223372036854775807"]),
        ("find_window_of_tenant", ["tenant text = 'default'", "campaign text = 'large'", "before bigint = 9223372036854775807"]),
        ("list_ids_with_text", ["text text = '%star%'", "tag text = null", "before bigint = 9223372036854775807", "state text = null",
            "signature text = null", "limit int = 50"]),
        ("list_ids_with_text", ["text text = '%'", "tag text = 'rare'", "before bigint = 30000", "state text = 'failed'",
            "signature text = 'demo|s7@1'", "limit int = 50"]),
        ("list_campaign_ids_with_text", ["text text = '%star%'", "tag text = null", "before bigint = 30000", "campaign text = 'large'",
            "state text = null", "signature text = null", "limit int = 50"]),
        ("list_ids_with_tag",
            ["tag text = 'rare'", "before bigint = 9223372036854775807", "state text = null", "signature text = null", "limit int = 50"]),
        ("find_jobs", ["job_ids bigint[] = array[1, 400, 800, 20000, 39000]"]),
        ("find_job_extras", ["job_id bigint = 7"]),
        ("list_attempts", ["job_id bigint = 7"]),
        ("find_image", ["job_id bigint = 7"]),
        ("list_ended", ["after text = null", "at_most int = 300"]),
        ("list_owned_ids", ["job_ids bigint[] = array[1, 400, 800, 20000, 39000]", "tenant text = 'default'"]),
        ("list_gallery", ["signature text = null", "from timestamptz = null", "to timestamptz = null",
            "before_batch bigint = 9223372036854775807", "before_job bigint = 9223372036854775807", "limit int = 60"]),
        ("list_gallery", ["signature text = 'demo|s7@1'", "from timestamptz = now() - interval '1 day'", "to timestamptz = now()",
            "before_batch bigint = 50", "before_job bigint = 1", "limit int = 60"]),
        ("list_gallery_of_campaign", ["campaign text = 'large'", "signature text = null", "from timestamptz = null",
            "to timestamptz = null", "before_job bigint = 20000", "limit int = 60"]),
        ("find_newer_image",
            ["signature text = null", "from timestamptz = null", "to timestamptz = null", "batch_id bigint = 3", "job_id bigint = 7"]),
        ("find_newer_image_of_campaign",
            ["campaign text = 'large'", "signature text = null", "from timestamptz = null", "to timestamptz = null", "job_id bigint = 7"]),
        ("list_recent_images", ["limit int = 12"]),
        ("list_newest_files", ["limit int = 100"]),
        ("list_samples", ["prefixes text[] = array['demo|', 'demo|s7@']"]),
        ("count_jobs", ["campaign text = null"]),
        ("count_jobs", ["campaign text = 'large'"]),
        ("list_campaigns", ["before int = 2147483647", "limit int = 50", "name text = null"]),
        ("list_campaigns_of_night", ["since timestamptz = now() - interval '1 day'", "limit int = 200"]),
        ("list_ended_campaigns", ["limit int = 50"]),
        ("list_campaign_span", ["campaign_id int = 1", "look int = 4000"]),
        ("list_campaign_span", ["campaign_id int = 2", "look int = 4000"]),
        ("list_failure_reasons", ["campaign_id int = 1", "look int = 4000"]),
        ("list_failure_reasons", ["campaign_id int = 2", "look int = 4000"]),
        ("count_night", ["since timestamptz = now() - interval '1 minute'"]),
        ("count_night", ["since timestamptz = now() - interval '1 day'"]),
        ("list_endings", ["since timestamptz = now() - interval '1 day'"]),
        ("count_checkpoints_between", ["since timestamptz = now() - interval '1 day'", "until timestamptz = null", "campaign_id int = 2"]),
        ("list_faults_between",
            ["since timestamptz = now() - interval '1 day'", "until timestamptz = null", "campaign_id int = 2", "limit int = 20"]),
        ("list_canaries_of_campaign",
            ["campaign_id int = 2", "since timestamptz = now() - interval '1 day'", "until timestamptz = null", "limit int = 2000"]),
        ("list_throughput", ["since timestamptz = now() - interval '3 hours'"]),
        ("compare_fusions", ["batches int = 400"]),
        ("list_workers", []),
        ("count_scheduled", []),
        ("measure_queue", []),
        ("check_windows", []),
        ("find_standstill", ["standstill_after interval = interval '15 minutes'", "answer_limit interval = interval '1 minute'"]),
        ("list_waiting_ids", ["tenant text = 'default'", "signature text = 'demo|s7@1'", "priority int = 0", "limit int = 5000"]),
    ];

    [Fact]
    public async Task Pages_never_read_a_whole_table_of_jobs()
    {
        await using var database = await FilledAsync();
        await using var connection = await database.ConnectAsync();
        var problems = new List<string>();
        foreach (var mode in new[] { "force_custom_plan", "force_generic_plan" })
        {
            await ExecuteAsync(connection, $"set plan_cache_mode = {mode}");
            foreach (var (query, arguments) in Queries)
            {
                var (plan, read) = await ExplainAsync(connection, query, arguments);
                problems.AddRange(
                    Scans(plan).Select(table => $"{query} ({string.Join(", ", arguments)}), {mode}: plans to read all of {table}"));
                if (read > 0)
                    problems.Add(
                        $"{query} ({string.Join(", ", arguments)}), {mode}: a function it calls read all of a table, {read} times");
            }
        }

        Assert.True(problems.Count == 0, string.Join('\n', problems));
    }

    [Fact]
    public void The_plan_check_finds_a_scan_of_a_whole_table()
    {
        using var plan = JsonDocument.Parse(
            """
            [{"Plan":{"Node Type":"Limit","Plans":[
              {"Node Type":"Seq Scan","Relation Name":"jobs"},
              {"Node Type":"Seq Scan","Relation Name":"dispatch_groups"}]}}]
            """);
        Assert.Equal(["jobs"], Scans(plan.RootElement));
    }

    // The plan of a query, and how often running it read a whole table, inside of functions too.
    private static async Task<(JsonElement Plan, long Read)> ExplainAsync(NpgsqlConnection connection, string query, string[] arguments)
    {
        var parsed = arguments.Select(argument => ArgumentForm().Match(argument)).ToArray();
        var sql = ParameterName().Replace(SqlFiles.Query(query), match =>
        {
            var index = Array.FindIndex(parsed, argument => argument.Groups[1].Value == match.Groups[1].Value);
            Assert.True(index >= 0, $"{query} takes {match.Value}, which the test does not give");
            return "$" + (index + 1).ToString(CultureInfo.InvariantCulture);
        });
        var types = parsed.Length == 0 ? "" : $"({string.Join(", ", parsed.Select(argument => argument.Groups[2].Value))})";
        var values = parsed.Length == 0 ? "" : $"({string.Join(", ", parsed.Select(argument => argument.Groups[3].Value))})";
        await ExecuteAsync(connection, $"prepare page{types} as {sql}");
        await using var command = new NpgsqlCommand($"explain (format json) execute page{values}", connection);
        using var document = JsonDocument.Parse((string)(await command.ExecuteScalarAsync())!);
        await using var transaction = await connection.BeginTransactionAsync();
        var before = await WholeReadsAsync(connection);
        await ExecuteAsync(connection, $"execute page{values}");
        var read = await WholeReadsAsync(connection) - before;
        await transaction.CommitAsync();
        await ExecuteAsync(connection, "deallocate page");
        return (document.RootElement.Clone(), read);
    }

    private static async Task<long> WholeReadsAsync(NpgsqlConnection connection)
    {
        await using var command = new NpgsqlCommand("select coalesce(sum(seq_scan), 0)::bigint from pg_stat_xact_user_tables where "
            + "schemaname = current_schema() and relname = any($1)", connection);
        command.Parameters.Add(new NpgsqlParameter { Value = BigTables });
        return (long)(await command.ExecuteScalarAsync())!;
    }

    private static IEnumerable<string> Scans(JsonElement node) => node.ValueKind switch
    {
        JsonValueKind.Array => node.EnumerateArray().SelectMany(Scans),
        JsonValueKind.Object => node.EnumerateObject().SelectMany(property => Scans(property.Value)).Concat(
            node.TryGetProperty("Node Type", out var type) && type.GetString() == "Seq Scan"
                && BigTables.Contains(node.GetProperty("Relation Name").GetString()!)
                ? [node.GetProperty("Relation Name").GetString()!] : []),
        _ => [],
    };

    private static async Task ExecuteAsync(NpgsqlConnection connection, string statement)
    {
        await using var command = new NpgsqlCommand(statement, connection);
        await command.ExecuteNonQueryAsync();
    }

    // Half of it drawn, some failed, some cancelled, some scheduled, the rest waiting; one campaign holds most, another little.
    private static async Task<TestDatabase> FilledAsync()
    {
        var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync();
        await database.AddAdaptersAsync(Enumerable.Range(0, 100).Select(i => $"s{i}"));
        await database.Submitter.SubmitManyAsync(Enumerable.Range(0, Jobs).Select(i => new JobRequest
        {
            Prompt = $"a star {i}", Adapters = [new($"s{i % 100}")], Campaign = i % 100 == 0 ? "small" : i % 2 == 0 ? "large" : null,
            Tags = i % 1000 == 0 ? ["rare"] : i % 3 == 0 ? ["common"] : null,
            RunAt = i % 50 == 49 ? DashboardHost.Now.AddDays(1) : null,
        }), null, CancellationToken.None);
        var worker = await database.AddWorkerAsync();
        for (var i = 0; i < 40 && await database.ClaimAsync(worker, 500) is { } batch; i++)
        {
            if (i % 10 == 9)
                await database.Claims.FailAsync(
                    batch, batch.Jobs.Select(job => new FailedJob(job.JobId, FailureCode.Adapter, "no such file")).ToArray(),
                    CancellationToken.None);
            else await database.CompleteAsync(batch);
            await database.Claims.CloseAsync(batch, CancellationToken.None);
        }

        await database.SqlAsync("select cancel_waiting(of_signature => 'demo|s99@1')");
        await database.ClaimAsync(worker);
        // Only these tables: other tests drop theirs meanwhile.
        await database.SqlAsync(
            "analyze jobs, job_recipes, images, batches, job_attempts, job_counts, campaigns, workers, weight_checkpoints");
        return database;
    }

    [GeneratedRegex(@"@(\w+)")]
    private static partial Regex ParameterName();

    [GeneratedRegex(@"^(\w+) ([\w\[\]]+) = (.+)$")]
    private static partial Regex ArgumentForm();
}
