using System.Text.Json;
using BatchGen.Core.Failures;
using BatchGen.Core.Jobs;
using BatchGen.Core.Rendering;
using BatchGen.Queue;
using BatchGen.Queue.Checkpoints;
using BatchGen.Queue.Claims;
using BatchGen.Queue.Jobs;
using BatchGen.Queue.Migrations;
using BatchGen.Queue.Registry;
using BatchGen.Queue.Roles;
using BatchGen.Queue.Workers;
using BatchGen.Testing;
using Npgsql;
using Xunit;

namespace BatchGen.DatabaseTests.Roles;

/// <summary>What each database role may do; logins are made for each test and dropped after it.</summary>
public sealed class RoleTests : IAsyncLifetime
{
    private const string JobsWithTenants =
        "from jobs j join dispatch_groups g on g.id = j.group_id join tenants t on t.id = g.tenant_id";

    private readonly string _suffix = Guid.NewGuid().ToString("N")[..10];
    private TestDatabase _database = null!;

    private string Studio => "studio_" + _suffix;

    private string Other => "other_" + _suffix;

    private string Worker => "worker_" + _suffix;

    private string Reader => "reader_" + _suffix;

    public async ValueTask InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        await _database.AddModelAsync();
        await _database.AddAdaptersAsync("ink");
        (string Login, string Role)[] logins =
        [
            (Studio, "batchgen_submitter"), (Other, "batchgen_submitter"), (Worker, "batchgen_worker"), (Reader, "batchgen_reader"),
        ];
        foreach (var (login, role) in logins)
        {
            await _database.SqlAsync($"create role {login} login password 'secret' in role {role}");
            await _database.SqlAsync($"alter role {login} set search_path = {_database.Schema}");
        }

        await _database.SqlAsync("insert into tenants (name) values ('studio')");
        await _database.SqlAsync(
            "insert into tenant_roles (role_name, tenant_id) select $1::name, id from tenants where name = 'studio'", Studio);
    }

    public async ValueTask DisposeAsync()
    {
        await _database.SqlAsync("delete from tenant_roles");
        foreach (var login in new[] { Studio, Other, Worker, Reader }) await _database.SqlAsync($"drop role {login}");
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task A_submitter_submits_cancels_and_sees_only_jobs_of_its_own_tenant()
    {
        var mine = (long)(await AsAsync(Studio, """select submit_job('{"prompt": "mine", "campaign": "c", "adapters": "INK@.80"}')"""))!;
        var theirs = (long)(await AsAsync(Other, """select submit_job('{"prompt": "theirs"}')"""))!;
        Assert.Equal("studio", await _database.SqlAsync<string>($"select t.name {JobsWithTenants} where j.id = $1", mine));

        Assert.Equal(1L, await AsAsync(Studio, $"select count(*) from job_status(array[{mine}, {theirs}])"));
        Assert.Equal(0L, await AsAsync(Studio, $"select count(*) from cancel_jobs(array[{theirs}])"));
        Assert.Equal(1L, await AsAsync(Other, $"select count(*) from cancel_jobs(array[{theirs}])"));
        Assert.Equal(0L, await AsAsync(Studio, "select count(*) from results"));
        Assert.Equal("cancelled", await AsAsync(Other, "select state from results"));
        Assert.Equal(2L, await AsAsync(Reader, "select count(*) from jobs"));
        Assert.Equal(1L, await AsAsync(Reader, "select count(*) from results"));
        Assert.Equal(0, await AsAsync(Studio, $"select set_priority(array[{theirs}], 5)"));
        Assert.Equal(1, await AsAsync(Studio, "select cancel_waiting('c')"));
    }

    [Fact]
    public async Task No_plan_counts_the_rows_of_other_tenants_that_meet_a_condition()
    {
        var columns = (await _database.SqlAsync<string>("""
            select string_agg(attname || ' ' || format_type(atttypid, null), ';' order by attnum)
            from pg_attribute where attrelid = 'results'::regclass and attnum > 0
            """))!.Split(';');
        Assert.Equal(17, columns.Length);
        // A job's number says nothing but that there are others.
        foreach (var column in columns.Where(column => !column.StartsWith("job_id ", StringComparison.Ordinal)))
        {
            var (name, type) = column.Split(' ', 2) is [var left, var right] ? (left, right) : throw new FormatException(column);
            var value = type switch
            {
                "text" => "'q7secret'",
                "jsonb" => """'{"q7": 1}'""",
                "integer" or "bigint" => "9871234",
                _ => "'1987-06-05'",
            };
            // Each kind of plan may look at a condition in another place.
            foreach (var setting in (string[])["enable_seqscan", "enable_indexscan", "enable_nestloop", "enable_hashjoin"])
            {
                var plan = (string)(await AsAsync(
                    Studio, $"set {setting} = off; explain (format json) select 1 from results where {name} = {value}"))!;
                using var json = JsonDocument.Parse(plan);
                var outermost = json.RootElement[0].GetProperty("Plan");
                // That of the outermost scan, which has only the rows that are the caller's.
                Assert.True(outermost.TryGetProperty("Filter", out var filter), $"{name}: {plan}");
                Assert.Contains(value.Trim('\'')[..4], filter.GetString(), StringComparison.Ordinal);
                Assert.DoesNotContain(value.Trim('\''), outermost.GetProperty("Plans").GetRawText(), StringComparison.Ordinal);
                Assert.DoesNotContain("q7", outermost.GetProperty("Plans").GetRawText(), StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task Views_and_functions_that_others_made_in_the_schema_are_given_to_no_role_and_stop_no_mending()
    {
        Assert.SkipWhen(TestServer.SuperUserAddress is null, "The server was given, and its superuser is not known.");
        var address = new NpgsqlConnectionStringBuilder(TestServer.SuperUserAddress)
        {
            Database = new NpgsqlConnectionStringBuilder(_database.ConnectionString).Database, Pooling = false,
        };
        await using var superuser = NpgsqlDataSource.Create(address.ConnectionString);
        await using (var made = superuser.CreateCommand($"""
            create view {_database.Schema}.extra as select * from {_database.Schema}.accounts;
            create function {_database.Schema}.another() returns int language sql as 'select 1'
            """))
            await made.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        await _database.SqlAsync("revoke select on jobs from batchgen_reader");
        var (before, after) = await new RoleKeeper(_database.Queue).MendAsync(CancellationToken.None);
        Assert.Equal((1, 0), (before.MissingGrants.Count, after.MissingGrants.Count));

        // Also where a superuser mends them.
        await using var queue = QueueDatabase.Open(address.ConnectionString, _database.Queue.Options);
        await _database.SqlAsync("revoke select on jobs from batchgen_reader");
        await new RoleKeeper(queue).MendAsync(CancellationToken.None);
        foreach (var login in (string[])[Reader, Worker, Studio])
            await Assert.ThrowsAsync<PostgresException>(() => AsAsync(login, "select * from extra"));
    }

    [Fact]
    public async Task A_submitter_learns_of_endings_of_its_own_tenants_jobs_only()
    {
        var marker = (string)(await AsAsync(Studio, "select marker from ended_jobs()"))!;
        var mine = (long)(await AsAsync(Studio, """select submit_job('{"prompt": "mine"}')"""))!;
        var theirs = (long)(await AsAsync(Other, """select submit_job('{"prompt": "theirs"}')"""))!;
        await AsAsync(Studio, $"select cancel_jobs(array[{mine}])");
        await AsAsync(Other, $"select cancel_jobs(array[{theirs}])");

        var ended = $"select string_agg(job_id || ' ' || tenant, ', ') from ended_jobs('{marker}')";
        Assert.Equal($"{mine} studio", await AsAsync(Studio, ended));
        Assert.Equal($"{theirs} default", await AsAsync(Other, ended));
        Assert.Equal($"{mine} studio, {theirs} default", await AsAsync(Reader, ended));
        await Assert.ThrowsAsync<PostgresException>(() => AsAsync(Studio, "select * from job_endings"));
    }

    [Fact]
    public async Task A_submitter_that_names_another_tenant_is_refused()
    {
        var error = await Assert.ThrowsAsync<PostgresException>(() => AsAsync(Studio, "select submit_jobs('[{}]', 'default')"));
        Assert.Equal("BG001", error.SqlState);
        Assert.Contains("acts for tenant 'studio' only", error.MessageText, StringComparison.Ordinal);
        Assert.NotNull(await AsAsync(Studio, "select submit_jobs('[{}]', 'Studio')"));
    }

    [Theory]
    [InlineData("select recipe from job_recipes")]
    [InlineData("select * from jobs")]
    [InlineData("update jobs set state = 'cancelled'")]
    [InlineData("delete from images")]
    [InlineData("select path from models")]
    [InlineData("select path from adapters")]
    [InlineData("select * from staged_jobs")]
    [InlineData("insert into staged_jobs (staged_by) values ('somebody')")]
    [InlineData("insert into staged_jobs (job_id) values (1)")]
    [InlineData("select * from claim_batch(gen_random_uuid(), null, 1, '1 min', '1 min', 1)")]
    [InlineData("select complete_jobs(1, 1, '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}')")]
    [InlineData("select enqueue_jobs('{}', null)")]
    [InlineData("select archive_jobs('0 s')")]
    [InlineData("select prune_staged('0 s')")]
    [InlineData("insert into tenant_roles values (current_user, 1)")]
    [InlineData("create table extra (x int)")]
    [InlineData("select * from tenants")]
    public async Task A_submitter_may_neither_read_tables_nor_call_functions_of_workers(string statement)
    {
        var error = await Assert.ThrowsAsync<PostgresException>(() => AsAsync(Studio, statement));
        Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, error.SqlState);
    }

    [Theory]
    [InlineData("select recipe from job_recipes", true)]
    [InlineData("select * from results", true)]
    [InlineData("update jobs set state = 'cancelled'", false)]
    [InlineData("select submit_jobs('[{}]')", false)]
    [InlineData("select rescue_expired()", false)]
    [InlineData("select password_hash from accounts", false)]
    [InlineData("select hash from api_keys", false)]
    public async Task A_reader_reads_jobs_but_changes_nothing_and_sees_no_secrets(string statement, bool allowed)
    {
        if (allowed)
        {
            await AsAsync(Reader, statement);
            return;
        }

        var error = await Assert.ThrowsAsync<PostgresException>(() => AsAsync(Reader, statement));
        Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, error.SqlState);
    }

    [Theory]
    [InlineData("select password_hash from accounts")]
    [InlineData("select hash from api_keys")]
    [InlineData("select * from staged_jobs")]
    [InlineData("select * from tenant_roles")]
    public async Task A_worker_reads_neither_secrets_nor_staged_jobs(string statement)
    {
        var error = await Assert.ThrowsAsync<PostgresException>(() => AsAsync(Worker, statement));
        Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, error.SqlState);
    }

    [Fact]
    public async Task A_submitter_sees_names_of_models_adapters_and_samplers_but_no_paths()
    {
        Assert.Equal("demo", await AsAsync(Studio, "select name from available_models"));
        Assert.Equal("ink", await AsAsync(Studio, "select name from available_adapters"));
        Assert.Equal("ddim", await AsAsync(Studio, "select name from samplers order by position"));
        await Assert.ThrowsAsync<PostgresException>(() => AsAsync(Studio, "select path from available_models"));
    }

    [Fact]
    public async Task A_temporary_table_of_the_caller_does_not_replace_a_table_of_the_queue()
    {
        // A temporary table hides a table of the same name unless the function fixes its search path.
        await AsAsync(Studio, """
            create temporary table tenants as
              select 1 as id, 'default'::text as name, 'studio'::text as name_key, 1::real as weight, false as paused,
                100::smallint as max_priority, now() as created_at;
            create temporary table samplers as select 'hacked'::text as name, 1 as position;
            select submit_job('{"prompt": "x"}')
            """);
        Assert.Equal("studio", await _database.SqlAsync<string>($"select t.name {JobsWithTenants}"));
        await Assert.ThrowsAsync<PostgresException>(() => AsAsync(Studio, """
            create temporary table samplers as select 'hacked'::text as name, 1 as position;
            select submit_job('{"sampler": "hacked"}')
            """));
    }

    [Fact]
    public async Task A_submitter_stages_rows_and_submits_them()
    {
        Assert.Equal(2L, await AsAsync(Studio, """
            insert into staged_jobs (load, recipe, adapters) values ('l', '{"prompt": "one"}', 'ink@0.5'), ('l', '{"prompt": "two"}', '');
            select submit_staged('l')
            """));
        Assert.Equal(2L, await _database.SqlAsync<long>($"select count(*) {JobsWithTenants} where t.name = 'studio'"));
    }

    [Fact]
    public async Task A_submitter_discards_its_own_refused_load_and_stages_it_again()
    {
        await AsAsync(Other, "insert into staged_jobs (load, recipe) values ('l', '{\"prompt\": \"theirs\"}')");
        await AsAsync(Studio, "insert into staged_jobs (load, recipe) values ('another', '{\"prompt\": \"mine\"}')");
        await AsAsync(Studio, "insert into staged_jobs (load, recipe) values ('l', '{\"width\": 64}'), ('l', '{\"width\": 63}')");
        var refused = await Assert.ThrowsAsync<PostgresException>(() => AsAsync(Studio, "select submit_staged('l')"));
        Assert.StartsWith("line 2.width: ", refused.MessageText, StringComparison.Ordinal);

        Assert.Equal(2L, await AsAsync(Studio, "select discard_staged('l')"));

        await AsAsync(Studio, "insert into staged_jobs (load, recipe) values ('l', '{\"width\": 64}'), ('l', '{\"width\": 72}')");
        Assert.Equal(2L, await AsAsync(Studio, "select submit_staged('l')"));
        var prompts = await _database.SqlAsync<string[]>("select array_agg(recipe ->> 'prompt' order by job_id) from staged_jobs");
        Assert.Equal(["theirs", "mine"], prompts!);
    }

    [Fact]
    public async Task The_worker_role_may_do_everything_a_worker_does_and_may_not_submit()
    {
        await _database.SubmitAsync("ink", "ink");
        var address = new NpgsqlConnectionStringBuilder(_database.ConnectionString) { Username = Worker, Password = "secret" };
        await using var queue = QueueDatabase.Open(address.ConnectionString, new QueueOptions { Schema = _database.Schema });
        // A program migrates when it starts; when there is nothing to migrate, that needs no right to change anything.
        Assert.Empty(await new Migrator(queue).MigrateAsync(CancellationToken.None));
        var (claims, workers, worker) = (new BatchClaims(queue), new WorkerRegistry(queue), Guid.NewGuid());
        await workers.StartAsync(worker, "w", new("cpu", "x", "float32"), CancellationToken.None);
        await workers.HeartbeatAsync(worker, default, CancellationToken.None);
        var batch = (await claims.ClaimAsync(new ClaimRequest(worker, null, 8), CancellationToken.None))!;
        await claims.HeartbeatAsync(batch, new(0, 1, 2), CancellationToken.None);
        Assert.Single(await new AdapterRegistry(queue).FindAsync(["ink"], CancellationToken.None));
        Assert.NotNull(await new ModelRegistry(queue).FindAsync("demo", CancellationToken.None));
        await claims.CompleteAsync(
            batch, [new CompletedJob(batch.Jobs[0].JobId, "a.png", 1, new string('0', 64), 8, 8, 1, "{}")], CancellationToken.None);
        await claims.FailAsync(batch, [new FailedJob(batch.Jobs[1].JobId, FailureCode.Generation, "x")], CancellationToken.None);
        var check = new WeightCheck(true, "a", "a", 1, 1, [], 1);
        var checkpoint = new WeightCheckpoint(
            worker, batch.BatchId, batch.Epoch, "demo", new("cpu", "x", "float32"), check, CheckpointVerdict.Passed, null);
        await new CheckpointLog(queue).RecordAsync(checkpoint, CancellationToken.None);
        await claims.CloseAsync(batch, CancellationToken.None);
        await claims.RescueExpiredAsync(CancellationToken.None);
        Assert.Equal(1, (await new JobCatalog(queue).CountAsync(null, CancellationToken.None)).Verified);
        Assert.Single(await new JobCatalog(queue).ListAsync(new JobFilter(JobState.Succeeded), CancellationToken.None));
        await workers.StopAsync(worker, "done", CancellationToken.None);

        await Assert.ThrowsAsync<QueueException>(() => new JobSubmitter(queue).SubmitAsync([new JobRequest()], CancellationToken.None));
    }

    private async Task<object?> AsAsync(string login, string statement)
    {
        var address = new NpgsqlConnectionStringBuilder(_database.ConnectionString)
        {
            Username = login, Password = "secret", Pooling = false,
        };
        await using var connection = new NpgsqlConnection(address.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(statement, connection);
        await using var reader = await command.ExecuteReaderAsync();
        object? last = null;
        do
        {
            if (await reader.ReadAsync()) last = reader.GetValue(0);
        }
        while (await reader.NextResultAsync());
        return last is DBNull ? null : last;
    }
}
