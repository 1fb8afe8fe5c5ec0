using BatchGen.Core.Rendering;
using BatchGen.Testing;
using Npgsql;
using Xunit;

namespace BatchGen.EndToEndTests.Commands;

/// <summary>A queue to be saved. Five jobs: one verified, one drawn and not verified, two running, one waiting; a tenant with a login, and
/// a login of an own report.</summary>
internal sealed class FilledQueue : IAsyncDisposable
{
    private static readonly string[] Compared =
        ["jobs", "job_recipes", "models", "tenants", "tenant_roles", "accounts", "weight_checkpoints", "campaigns"];

    private FilledQueue(TestDatabase database, string login, string reporter) =>
        (Database, Login, Reporter) = (database, login, reporter);

    /// <summary>The database of the queue.</summary>
    public TestDatabase Database { get; }

    /// <summary>The login that acts for the tenant.</summary>
    public string Login { get; }

    /// <summary>The login that may read one view.</summary>
    public string Reporter { get; }

    /// <summary>Fills the queue of a new database.</summary>
    public static async Task<FilledQueue> CreateAsync()
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
        return new FilledQueue(database, login, reporter);
    }

    /// <summary>Makes the schema that a dashboard makes.</summary>
    public async Task AddRecurringWorkAsync()
    {
        var schema = Database.Schema + "_hangfire";
        await using var connection = await Database.ConnectAsync();
        Hangfire.PostgreSql.PostgreSqlObjectsInstaller.Install(connection, schema);
        await Database.SqlAsync($"insert into {schema}.set (key, score, value) values ('recurring-jobs', 0, 'kept')");
    }

    /// <summary>Counts the rows of tables that a restore brings back as they were.</summary>
    public Task<string> CountAsync() => CountAsync(Database.ConnectionString, Database.Schema);

    /// <inheritdoc cref="CountAsync()"/>
    public static async Task<string> CountAsync(string server, string schema)
    {
        await using var connection = await ConnectAsync(server, schema);
        var counts = new List<string>();
        foreach (var table in Compared)
            counts.Add($"{table} {await ScalarAsync(connection, $"select count(*) from {table}")}");
        return string.Join(", ", counts);
    }

    /// <summary>Asserts that a restore named the logins that it made without a password, and said nothing else: the saving login may not
    /// read passwords.</summary>
    public void AssertLoginsAreNamed(string error)
    {
        var line = Assert.Single(error.TrimEnd().Split('\n'));
        foreach (var login in (string[])[Login, Reporter])
            Assert.Contains($"alter role \"{login}\" password '...'", line, StringComparison.Ordinal);
    }

    /// <summary>Connects to a schema.</summary>
    public static async Task<NpgsqlConnection> ConnectAsync(string server, string schema)
    {
        var connection = new NpgsqlConnection($"{server};Search Path={schema};Pooling=false");
        await connection.OpenAsync();
        return connection;
    }

    /// <summary>Returns the only value of a statement.</summary>
    public static async Task<object?> ScalarAsync(NpgsqlConnection connection, string statement)
    {
        await using var command = new NpgsqlCommand(statement, connection);
        return await command.ExecuteScalarAsync();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Database.SqlAsync("delete from tenant_roles");
        await Database.SqlAsync($"revoke select on results from {Reporter}; drop role {Reporter}; drop role {Login}");
        await Database.DisposeAsync();
    }
}
