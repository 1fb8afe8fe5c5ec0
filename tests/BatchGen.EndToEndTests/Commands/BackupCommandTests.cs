using System.Formats.Tar;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using BatchGen.Core.Rendering;
using BatchGen.Queue;
using BatchGen.Queue.Claims;
using BatchGen.Queue.Embedded;
using BatchGen.Queue.Roles;
using BatchGen.Queue.Workers;
using BatchGen.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Xunit;

namespace BatchGen.EndToEndTests.Commands;

/// <summary><c>batchgen backup</c> and <c>batchgen restore</c>: from one server into another that is empty.</summary>
public sealed class BackupCommandTests
{
    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    private static readonly string[] Files =
        ["keys/key-1.xml", "reports/morning.html", "start-images/" + new string('a', 64) + ".png", "images/000000/1.png"];

    private static readonly string[] Compared =
        ["jobs", "images", "job_recipes", "models", "tenants", "tenant_roles", "accounts", "weight_checkpoints", "campaigns"];

    [Fact]
    [SuccessOf("backup")]
    [SuccessOf("restore")]
    public async Task A_backup_restored_into_an_empty_server_goes_on_with_its_jobs_roles_and_files()
    {
        await using var source = await FilledAsync();
        await using var program = new ProgramUnderTest(source.Database);
        AddFiles(program.DataFolder);
        await AddRecurringWorkAsync(source.Database);
        var saved = await program.RunHereAsync("backup", Path.Combine(program.DataFolder, "saved"), "--images");
        Assert.Equal((0, ""), (saved.ExitCode, saved.Error));
        AssertPrivate(Path.Combine(program.DataFolder, "saved"));
        AssertNothingUnfinished(program.DataFolder);
        var before = await CountAsync(source.Database.ConnectionString, source.Database.Schema);

        await using var server = await SecondServer.StartAsync();
        await using var there = new ProgramUnderTest(source.Database);
        there.Environment["ConnectionStrings__BatchGen"] = server.ConnectionString;
        var restored = await there.RunHereAsync("restore", Path.Combine(program.DataFolder, "saved"));
        Assert.Equal(0, restored.ExitCode);
        // The saving login may not read passwords.
        foreach (var login in (string[])[source.Login, source.Reporter])
            Assert.Contains($"alter role \"{login}\" password '...'", Assert.Single(restored.Error.TrimEnd().Split('\n')),
                StringComparison.Ordinal);
        Assert.Contains("2 jobs that were running wait again", restored.Output, StringComparison.Ordinal);

        // Rows
        Assert.Equal(before, await CountAsync(server.ConnectionString, source.Database.Schema));
        await using var queue = QueueDatabase.Open(server.ConnectionString, new QueueOptions { Schema = source.Database.Schema });
        await using var connection = await ConnectAsync(server.ConnectionString, source.Database.Schema);
        Assert.Equal(0L, await ScalarAsync(connection, "select count(*) from jobs where state = 'running'"));
        Assert.Equal(0L, await ScalarAsync(connection, "select count(*) from jobs where state = 'queued' and attempts > 0"));
        Assert.Equal(0L, await ScalarAsync(connection, "select count(*) from workers where stopped_at is null"));
        // Images that a checkpoint had covered stay, the other one is drawn again.
        Assert.Equal(1L, await ScalarAsync(connection, "select count(*) from jobs where state = 'succeeded'"));
        // Roles: nothing is missing, and the tenant's login is a member with its settings.
        Assert.True((await new RoleKeeper(queue).InspectAsync(CancellationToken.None)).IsComplete);
        Assert.Equal(true, await ScalarAsync(connection, $"select pg_has_role('{source.Login}', 'batchgen_submitter', 'member')"));
        Assert.Equal("statement_timeout=5min", await ScalarAsync(
            connection, $"select setconfig[1] from pg_db_role_setting where setrole = '{source.Login}'::regrole"));
        Assert.Equal(true, await ScalarAsync(connection, $"select has_table_privilege('{source.Reporter}', 'results', 'select')"));
        // Recurring work is there with its tables.
        Assert.Equal("kept", await ScalarAsync(
            connection, $"select value from {source.Database.Schema}_hangfire.set where key = 'recurring-jobs'"));
        // The queue goes on.
        var worker = Guid.NewGuid();
        var workers = new WorkerRegistry(queue);
        await workers.StartAsync(worker, "new", new DeviceInfo("cpu", "a processor", "float32"), CancellationToken.None);
        var batch = await new BatchClaims(queue).ClaimAsync(new(worker, null, 32), CancellationToken.None);
        Assert.Equal(4, batch!.Jobs.Count);
        // Files
        foreach (var file in Files)
            Assert.Equal(file, await File.ReadAllTextAsync(Path.Combine(there.DataFolder, file), CancellationToken.None));
        Assert.True(File.Exists(Path.Combine(there.DataFolder, "appsettings.restored.json")));

        // A second restore would mix two databases.
        var refused = await there.RunHereAsync("restore", Path.Combine(program.DataFolder, "saved"));
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("The database is not empty.", refused.Error, StringComparison.Ordinal);
        Assert.Contains("1 worker still uses the database",
            (await there.RunHereAsync("restore", Path.Combine(program.DataFolder, "saved"), "--replace")).Error, StringComparison.Ordinal);
        await workers.StopAsync(worker, "done", CancellationToken.None);
        Assert.Equal(0, (await there.RunHereAsync("restore", Path.Combine(program.DataFolder, "saved"), "--replace")).ExitCode);
        Assert.Equal(before, await CountAsync(server.ConnectionString, source.Database.Schema));
    }

    [Fact]
    public async Task A_backup_in_one_file_holds_no_images_unless_asked_and_is_checked_before_anything_is_restored()
    {
        await using var source = await FilledAsync();
        await using var program = new ProgramUnderTest(source.Database);
        AddFiles(program.DataFolder);
        var file = Path.Combine(program.DataFolder, "saved.tar");
        Assert.Equal(0, (await program.RunHereAsync("backup", file)).ExitCode);
        AssertOwnersAlone(file);
        var again = await program.RunHereAsync("backup", file);
        Assert.Equal(2, again.ExitCode);
        Assert.Contains("is there already", again.Error, StringComparison.Ordinal);

        var folder = Path.Combine(program.DataFolder, "unpacked");
        Directory.CreateDirectory(folder);
        await TarFile.ExtractToDirectoryAsync(file, folder, overwriteFiles: false, CancellationToken.None);
        Assert.False(Directory.Exists(Path.Combine(folder, "images")));
        Assert.True(File.Exists(Path.Combine(folder, "keys", "key-1.xml")));

        // Damaged, cut, and one that names a file elsewhere.
        var dump = Path.Combine(folder, "database.dump");
        var bytes = await File.ReadAllBytesAsync(dump, CancellationToken.None);
        bytes[^1] ^= 1;
        await File.WriteAllBytesAsync(dump, bytes, CancellationToken.None);
        await AssertRefusedAsync(program, folder, "The backup is damaged: 'database.dump'");
        File.Delete(dump);
        await AssertRefusedAsync(program, folder, "'database.dump' is missing");
        var manifest = Path.Combine(folder, "manifest.json");
        var text = await File.ReadAllTextAsync(manifest, CancellationToken.None);
        var elsewhere = text.Replace("database.dump", "../../database.dump", StringComparison.Ordinal);
        await File.WriteAllTextAsync(manifest, elsewhere, CancellationToken.None);
        await AssertRefusedAsync(program, folder, "outside of the backup");
        var whole = await File.ReadAllBytesAsync(file, CancellationToken.None);
        await File.WriteAllBytesAsync(file, whole[..10_000], CancellationToken.None);
        await AssertRefusedAsync(program, file, "");
        // Nothing was dropped, and nothing is left over.
        Assert.Equal(5L, await source.Database.SqlAsync<long>("select count(*) from jobs"));
        AssertNothingUnfinished(program.DataFolder);
    }

    [Fact]
    public async Task A_restore_that_fails_leaves_the_database_as_it_was()
    {
        await using var source = await FilledAsync();
        await using var program = new ProgramUnderTest(source.Database);
        var folder = Path.Combine(program.DataFolder, "saved");
        Assert.Equal(0, (await program.RunHereAsync("backup", folder)).ExitCode);
        await source.Database.SqlAsync("update workers set stopped_at = now(), stop_reason = 'done'");
        var before = await CountAsync(source.Database.ConnectionString, source.Database.Schema);
        await BreakDumpAsync(folder);

        var failed = await program.RunHereAsync("restore", folder, "--replace");
        Assert.NotEqual(0, failed.ExitCode);
        Assert.Contains("the database is as it was before", failed.Error, StringComparison.Ordinal);
        Assert.Equal(before, await CountAsync(source.Database.ConnectionString, source.Database.Schema));
        Assert.Equal(5L, await source.Database.SqlAsync<long>("select count(*) from job_status(array(select id from jobs))"));
        Assert.False(await source.Database.SqlAsync<bool>($"select to_regnamespace('{source.Database.Schema}_before') is not null"));
    }

    [Fact]
    public async Task A_restore_that_was_interrupted_loses_nothing_and_is_made_again_with_replace()
    {
        await using var source = await FilledAsync();
        await using var program = new ProgramUnderTest(source.Database);
        var folder = Path.Combine(program.DataFolder, "saved");
        Assert.Equal(0, (await program.RunHereAsync("backup", folder)).ExitCode);
        var before = await CountAsync(source.Database.ConnectionString, source.Database.Schema);
        var schema = source.Database.Schema;
        await source.Database.SqlAsync($"alter schema {schema} rename to {schema}_before");

        var refused = await program.RunHereAsync("restore", folder);
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("was interrupted", refused.Error, StringComparison.Ordinal);
        Assert.True(await source.Database.SqlAsync<bool>($"select to_regnamespace('{schema}_before') is not null"));
        Assert.Equal(0, (await program.RunHereAsync("restore", folder, "--replace")).ExitCode);
        Assert.Equal(before, await CountAsync(source.Database.ConnectionString, schema));
        Assert.False(await source.Database.SqlAsync<bool>($"select to_regnamespace('{schema}_before') is not null"));
    }

    [Fact]
    public async Task Nothing_takes_the_place_of_what_an_interrupted_restore_put_aside_and_nothing_is_dropped_where_both_are_there()
    {
        await using var source = await FilledAsync();
        await using var program = new ProgramUnderTest(source.Database);
        var folder = Path.Combine(program.DataFolder, "saved");
        Assert.Equal(0, (await program.RunHereAsync("backup", folder)).ExitCode);
        var schema = source.Database.Schema;
        await source.Database.SqlAsync($"alter schema {schema} rename to {schema}_before");

        // No program makes an empty schema in its place.
        var migrated = await program.RunHereAsync("migrate");
        Assert.Equal(3, migrated.ExitCode);
        Assert.Contains($"alter schema \"{schema}_before\" rename to \"{schema}\"", migrated.Error, StringComparison.Ordinal);
        Assert.False(await source.Database.SqlAsync<bool>($"select to_regnamespace('{schema}') is not null"));

        // Where both are there, a person decides.
        await source.Database.SqlAsync($"create schema {schema}");
        var refused = await program.RunHereAsync("restore", folder, "--replace");
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains($"drop schema \"{schema}_before\" cascade", refused.Error, StringComparison.Ordinal);
        Assert.Equal(5L, await source.Database.SqlAsync<long>($"select count(*) from {schema}_before.jobs"));
        Assert.True(await source.Database.SqlAsync<bool>($"select to_regnamespace('{schema}') is not null"));

        // As the refusal says.
        await source.Database.SqlAsync($"drop schema {schema}");
        await source.Database.SqlAsync($"alter schema {schema}_before rename to {schema}");
        Assert.Equal(0, (await program.RunHereAsync("migrate")).ExitCode);
    }

    [Fact]
    public async Task A_login_that_may_not_create_roles_is_told_what_a_superuser_must_run_and_restores_then()
    {
        await using var source = await FilledAsync();
        await using var program = new ProgramUnderTest(source.Database);
        var folder = Path.Combine(program.DataFolder, "saved");
        Assert.Equal(0, (await program.RunHereAsync("backup", folder)).ExitCode);
        await using var server = await SecondServer.StartAsync();
        await server.AsSuperUserAsync("create role plain login password 'secret'");
        await server.AsSuperUserAsync("create database plain owner plain");
        await using var there = new ProgramUnderTest(source.Database);
        there.Environment["ConnectionStrings__BatchGen"] = new NpgsqlConnectionStringBuilder(server.ConnectionString)
        {
            Username = "plain", Password = "secret", Database = "plain",
        }.ConnectionString;

        var refused = await there.RunHereAsync("restore", folder);
        Assert.NotEqual(0, refused.ExitCode);
        Assert.Contains("Nothing was restored.", refused.Error, StringComparison.Ordinal);
        const string Begin = "leaving out what is there already: ";
        var statements = refused.Error[(refused.Error.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length)..].Trim().TrimEnd('.');
        foreach (var role in RoleKeeper.Roles.Append(source.Login).Append(source.Reporter))
            Assert.Contains($"create role \"{role}\"", statements, StringComparison.Ordinal);
        foreach (var statement in statements.Split("; ")) await server.AsSuperUserAsync(statement);

        var restored = await there.RunHereAsync("restore", folder);
        Assert.Equal((0, ""), (restored.ExitCode, restored.Error));
        Assert.Equal(await CountAsync(source.Database.ConnectionString, source.Database.Schema),
            await CountAsync(there.Environment["ConnectionStrings__BatchGen"]!, source.Database.Schema));
    }

    [Fact]
    public async Task A_superusers_restore_gives_everything_to_the_owner_in_the_backup()
    {
        await using var source = await FilledAsync();
        await using var program = new ProgramUnderTest(source.Database);
        await AddRecurringWorkAsync(source.Database);
        var folder = Path.Combine(program.DataFolder, "saved");
        Assert.Equal(0, (await program.RunHereAsync("backup", folder)).ExitCode);
        await using var server = await SecondServer.StartAsync();
        await using var there = new ProgramUnderTest(source.Database);
        var owner = new NpgsqlConnectionStringBuilder(server.ConnectionString).Username!;
        there.Environment["ConnectionStrings__BatchGen"] = await server.SuperUserAddressAsync();
        var restored = await there.RunHereAsync("restore", folder);
        Assert.Equal((0, ""), (restored.ExitCode, restored.Error));
        await using var queue = QueueDatabase.Open(
            await server.SuperUserAddressAsync(), new QueueOptions { Schema = source.Database.Schema });
        var owners = new OwnerKeeper(queue, [source.Database.Schema, source.Database.Schema + "_hangfire"]);
        Assert.Empty(await owners.ListForeignAsync(CancellationToken.None));
        Assert.Equal([owner, owner], (await owners.ListOwnersAsync(CancellationToken.None)).Select(schema => schema.Owner));
        there.Environment["ConnectionStrings__BatchGen"] = server.ConnectionString;
        Assert.StartsWith("The schema is up to date\n", (await there.RunHereAsync("migrate")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_login_that_may_not_give_what_it_restored_to_its_owner_is_told_the_statements_for_a_superuser()
    {
        await using var source = await FilledAsync();
        await using var program = new ProgramUnderTest(source.Database);
        var folder = Path.Combine(program.DataFolder, "saved");
        Assert.Equal(0, (await program.RunHereAsync("backup", folder)).ExitCode);
        await using var server = await SecondServer.StartAsync();
        var owner = new NpgsqlConnectionStringBuilder(server.ConnectionString).Username!;
        await server.AsSuperUserAsync("create role plain login createrole password 'secret'");
        await server.AsSuperUserAsync($"grant {owner} to plain");
        await server.AsSuperUserAsync("create database plain owner plain");
        // As a member is refused that may not act as the owner, which the server knows from 16 on.
        await server.AsSuperUserAsync(
            """
            create function keep_owner() returns event_trigger language plpgsql as
            $$ begin raise insufficient_privilege using message = 'owners are kept here'; end $$;
            create event trigger keep_owner on ddl_command_start when tag in ('ALTER SCHEMA') execute function keep_owner()
            """, "plain");
        await using var there = new ProgramUnderTest(source.Database);
        var address = new NpgsqlConnectionStringBuilder(server.ConnectionString)
        {
            Username = "plain", Password = "secret", Database = "plain",
        };
        there.Environment["ConnectionStrings__BatchGen"] = address.ConnectionString;
        var schema = source.Database.Schema;
        var restored = await there.RunHereAsync("restore", folder);
        Assert.Equal(0, restored.ExitCode);
        Assert.Contains($"belongs to this login and not to '{owner}'", restored.Error, StringComparison.Ordinal);
        var statements = restored.Error.Split("Run as a superuser: ")[1].Split("; and then, as a superuser too: batchgen migrate")[0];
        Assert.Contains($"alter schema \"{schema}\" owner to \"{owner}\"", statements, StringComparison.Ordinal);

        // What it says is enough.
        await server.AsSuperUserAsync($"drop event trigger keep_owner; {statements}", "plain");
        there.Environment["ConnectionStrings__BatchGen"] =
            new NpgsqlConnectionStringBuilder(await server.SuperUserAddressAsync()) { Database = "plain" }.ConnectionString;
        Assert.Equal(0, (await there.RunHereAsync("migrate")).ExitCode);
        await using var queue = QueueDatabase.Open(there.Environment["ConnectionStrings__BatchGen"], new QueueOptions { Schema = schema });
        Assert.Empty(await new OwnerKeeper(queue, [schema]).ListForeignAsync(CancellationToken.None));
    }

    [Fact]
    public async Task A_named_pipe_is_refused_as_a_backup_and_nobody_waits_for_it()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = new ProgramUnderTest(database);
        var pipe = Path.Combine(program.DataFolder, "backup.tar");
        IrregularFiles.MakePipe(pipe);
        var refused = await program.RunHereAsync("restore", pipe);
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("it is a named pipe", refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_roles_that_the_program_and_the_database_name_are_the_same()
    {
        await using var database = await TestDatabase.CreateAsync();
        Assert.Equal(RoleKeeper.Roles, await database.SqlAsync<string[]>("select queue_roles()::text[]"));
    }

    [Fact]
    public async Task A_backup_saves_names_that_only_look_like_those_of_unfinished_files_and_says_what_it_cannot_save()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = new ProgramUnderTest(database);
        var folder = Path.Combine(program.DataFolder, "start-images");
        Directory.CreateDirectory(Path.Combine(folder, "below"));
        string[] saved = ["my.party.png", "a.part", ".probe-notes", "x.probe-1.png", "below/cat.png"];
        string[] temporary = [".probe-4711", "a.png.part-" + Guid.NewGuid().ToString("N")];
        foreach (var name in saved.Concat(temporary)) await File.WriteAllTextAsync(Path.Combine(folder, name), name, Stop);
        File.CreateSymbolicLink(Path.Combine(folder, "linked.png"), "my.party.png");
        Directory.CreateSymbolicLink(Path.Combine(folder, "elsewhere"), "below");

        var result = await program.RunHereAsync("backup", Path.Combine(program.DataFolder, "saved"));
        Assert.Equal(0, result.ExitCode);
        Assert.Equal(saved.Order(StringComparer.Ordinal), Directory
            .EnumerateFiles(Path.Combine(program.DataFolder, "saved", "start-images"), "*", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(Path.Combine(program.DataFolder, "saved", "start-images"), path))
            .Order(StringComparer.Ordinal));
        Assert.Equal(2, result.Error.TrimEnd().Split('\n').Length);
        foreach (var link in (string[])["linked.png", "elsewhere"])
        {
            Assert.Contains(
                $"Not in the backup: {Path.Combine(folder, link)} is a link", result.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_manifest_that_does_not_list_every_file_is_refused()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = new ProgramUnderTest(database);
        AddFiles(program.DataFolder);
        var folder = Path.Combine(program.DataFolder, "saved");
        Assert.Equal(0, (await program.RunHereAsync("backup", folder)).ExitCode);
        var manifest = Path.Combine(folder, "manifest.json");
        var whole = await File.ReadAllTextAsync(manifest, Stop);
        foreach (var name in (string[])["database.dump", "roles.json"])
        {
            await EditAsync(files => files.Remove(files.Single(file => (string?)file!["path"] == name)));
            await AssertRefusedAsync(program, folder, $"its manifest lacks '{name}'");
        }

        await EditAsync(files => files.Remove(files.Single(file => (string?)file!["path"] == "keys/key-1.xml")));
        await AssertRefusedAsync(program, folder, "'keys/key-1.xml' is not on its manifest");
        await EditAsync(files => files.Add(files[0]!.DeepClone()));
        await AssertRefusedAsync(program, folder, "twice or without a SHA-256");
        await EditAsync(files => files[0]!.AsObject().Remove("path"));
        await AssertRefusedAsync(program, folder, "twice or without a SHA-256");
        await File.WriteAllTextAsync(manifest, whole, Stop);
        Assert.Equal(0, (await program.RunHereAsync("restore", folder, "--replace")).ExitCode);

        async Task EditAsync(Action<JsonArray> edit)
        {
            var json = JsonNode.Parse(whole)!;
            edit(json["files"]!.AsArray());
            await File.WriteAllTextAsync(manifest, json.ToJsonString(), Stop);
        }
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    // Five jobs: one verified, one drawn and not verified, two running, one waiting; a tenant with a login, and a login of an own report.
    private static async Task<Source> FilledAsync()
    {
        var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync(native: 64);
        var suffix = Guid.NewGuid().ToString("N")[..8];
        var (login, reporter) = ("shop_" + suffix, "report_" + suffix);
        await database.SqlAsync($"create role {login} login in role batchgen_submitter; alter role {login} set statement_timeout = '5min'");
        await database.SqlAsync($"create role {reporter} login; grant select on results to {reporter}");
        await database.SqlAsync("insert into tenants (name) values ('studio')");
        await database.SqlAsync(
            "insert into tenant_roles (role_name, tenant_id) select $1::name, id from tenants where name = 'studio'", login);
        var worker = await database.AddWorkerAsync();
        await database.SubmitAsync("", "", "", "", "");
        await database.FinishAsync((await database.ClaimAsync(worker, maxJobs: 1))!);
        await database.CheckpointAsync(worker, CheckpointVerdict.Passed);
        await database.FinishAsync((await database.ClaimAsync(worker, maxJobs: 1))!);
        Assert.Equal(2, (await database.ClaimAsync(worker, maxJobs: 2))!.Jobs.Count);
        return new Source(database, login, reporter);
    }

    // The schema that a dashboard makes.
    private static async Task AddRecurringWorkAsync(TestDatabase database)
    {
        await using var connection = await database.ConnectAsync();
        Hangfire.PostgreSql.PostgreSqlObjectsInstaller.Install(connection, database.Schema + "_hangfire");
        await database.SqlAsync($"insert into {database.Schema}_hangfire.set (key, score, value) values ('recurring-jobs', 0, 'kept')");
    }

    // A dump that nothing can be made of, as its manifest says it should be.
    private static async Task BreakDumpAsync(string folder)
    {
        var dump = Path.Combine(folder, "database.dump");
        var (old, broken) = (await File.ReadAllBytesAsync(dump), new byte[1000]);
        await File.WriteAllBytesAsync(dump, broken);
        var manifest = Path.Combine(folder, "manifest.json");
        var text = (await File.ReadAllTextAsync(manifest))
            .Replace(HashOf(old), HashOf(broken), StringComparison.Ordinal)
            .Replace($"\": {old.Length},", "\": 1000,", StringComparison.Ordinal);
        await File.WriteAllTextAsync(manifest, text);

        static string HashOf(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));
    }

    private static void AddFiles(string folder)
    {
        foreach (var file in Files)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(folder, file))!);
            File.WriteAllText(Path.Combine(folder, file), file);
        }

        File.WriteAllText(Path.Combine(folder, "images/000000/000000002-honim6gytc.png.part"), "unfinished");
    }

    private static async Task AssertRefusedAsync(ProgramUnderTest program, string source, string why)
    {
        var refused = await program.RunHereAsync("restore", source, "--replace");
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains(why, refused.Error, StringComparison.Ordinal);
    }

    private static void AssertNothingUnfinished(string folder) => Assert.DoesNotContain(
        Directory.EnumerateFileSystemEntries(folder), entry => entry.Contains(".part", StringComparison.Ordinal));

    private static void AssertPrivate(string folder)
    {
        AssertOwnersAlone(folder);
        Assert.False(File.Exists(Path.Combine(folder, "images/000000/000000002-honim6gytc.png.part")));
        foreach (var entry in Directory.EnumerateFileSystemEntries(folder, "*", SearchOption.AllDirectories))
            AssertOwnersAlone(entry);
    }

    private static void AssertOwnersAlone(string path)
    {
        if (!OperatingSystem.IsWindows()) Assert.Equal((path, UnixFileMode.None), (path, File.GetUnixFileMode(path) & Others));
    }

    private static async Task<string> CountAsync(string server, string schema)
    {
        await using var connection = await ConnectAsync(server, schema);
        var counts = new List<string>();
        foreach (var table in Compared.Except(["images"]))
            counts.Add($"{table} {await ScalarAsync(connection, $"select count(*) from {table}")}");
        return string.Join(", ", counts);
    }

    private static async Task<NpgsqlConnection> ConnectAsync(string server, string schema)
    {
        var connection = new NpgsqlConnection($"{server};Search Path={schema};Pooling=false");
        await connection.OpenAsync();
        return connection;
    }

    private static async Task<object?> ScalarAsync(NpgsqlConnection connection, string statement)
    {
        await using var command = new NpgsqlCommand(statement, connection);
        return await command.ExecuteScalarAsync();
    }

    private sealed record Source(TestDatabase Database, string Login, string Reporter) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await Database.SqlAsync("delete from tenant_roles");
            await Database.SqlAsync($"revoke select on results from {Reporter}; drop role {Reporter}; drop role {Login}");
            await Database.DisposeAsync();
        }
    }

    /// <summary>A private server of its own, with nothing in it.</summary>
    private sealed class SecondServer(string folder, EmbeddedPostgres server) : IAsyncDisposable
    {
        public string ConnectionString => server.ConnectionString;

        public async Task<string> SuperUserAddressAsync() => new NpgsqlConnectionStringBuilder(server.ConnectionString)
        {
            Username = "postgres", Pooling = false,
            Password = (await File.ReadAllTextAsync(Path.Combine(folder, "superuser.password"))).Trim(),
        }.ConnectionString;

        public async Task AsSuperUserAsync(string statement, string database = "postgres")
        {
            var address = new NpgsqlConnectionStringBuilder(await SuperUserAddressAsync()) { Database = database };
            await using var connection = new NpgsqlConnection(address.ConnectionString);
            await connection.OpenAsync();
            await using var command = new NpgsqlCommand(statement, connection);
            await command.ExecuteNonQueryAsync();
        }

        public static async Task<SecondServer> StartAsync()
        {
            var folder = Path.Combine(Path.GetTempPath(), "batchgen-second-" + Guid.NewGuid().ToString("N")[..8]);
            return new SecondServer(folder, await EmbeddedPostgres.StartAsync(
                folder, new EmbeddedPostgresOptions { Fsync = false }, NullLogger.Instance, CancellationToken.None));
        }

        public async ValueTask DisposeAsync()
        {
            await server.DisposeAsync();
            await EmbeddedCluster.RemoveAsync(folder, CancellationToken.None);
        }
    }
}
