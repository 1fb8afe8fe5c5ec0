using BatchGen.Queue;
using BatchGen.Queue.Migrations;
using BatchGen.Queue.Sql;
using BatchGen.Testing;
using Npgsql;
using Xunit;

namespace BatchGen.DatabaseTests.Migrations;

public sealed class MigratorTests
{
    [Fact]
    public async Task Migrating_a_migrated_schema_changes_nothing()
    {
        await using var database = await TestDatabase.CreateAsync();
        Assert.Empty(await MigrateAsync(database));
    }

    [Fact]
    public async Task Programs_that_migrate_a_new_schema_at_once_apply_every_migration_once()
    {
        await using var database = await TestDatabase.CreateAsync();
        var options = new QueueOptions { Schema = database.Name + "_new" };
        var queues = Enumerable.Range(0, 6).Select(_ => QueueDatabase.Open(database.ConnectionString, options)).ToArray();
        var applied = await Task.WhenAll(queues.Select(queue => new Migrator(queue).MigrateAsync(CancellationToken.None)));

        Assert.Single(applied, names => names.Count > 0);
        await database.SqlAsync($"drop schema {options.Schema} cascade");
        foreach (var queue in queues) await queue.DisposeAsync();
    }

    [Fact]
    public async Task Programs_that_put_a_changed_function_in_at_once_put_it_in_once()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.SqlAsync("update schema_functions set sha256 = 'x'");
        var applied = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => MigrateAsync(database)));
        Assert.Single(applied, names => names.SequenceEqual([Migrator.FunctionsPutIn]));
        Assert.Equal(5, applied.Count(names => names.Count == 0));
    }

    [Fact]
    public async Task A_program_older_than_the_oldest_that_the_schema_serves_is_refused_with_both_versions()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.SqlAsync("update schema_version set oldest_program = '9.1.0', migrated_by = '9.2.0'");
        var error = await Assert.ThrowsAsync<QueueException>(() => MigrateAsync(database));
        Assert.Equal($"The database serves BatchGen 9.1.0 and newer, and this program is {ProgramVersion.Current}. Update the program.",
            error.Message);
    }

    [Fact]
    public async Task A_program_of_the_version_before_leaves_what_a_newer_one_put_in()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.SqlAsync("update schema_version set migrated_by = '9.0.0'");
        await database.SqlAsync("insert into schema_migrations (name, sha256) values ('9000_future', 'x')");
        await database.SqlAsync("update schema_functions set sha256 = 'x' where name = 'claim_batch'");
        Assert.Empty(await MigrateAsync(database));
        Assert.Equal("x", await database.SqlAsync<string>("select sha256 from schema_functions where name = 'claim_batch'"));
    }

    [Theory]
    [InlineData("insert into schema_migrations (name, sha256) values ('9999_other', 'x')", "9999_other")]
    [InlineData("update schema_migrations set sha256 = 'x' where name = '0001_registry'", "0001_registry")]
    public async Task A_schema_with_other_migrations_than_those_of_this_version_is_refused(string change, string named)
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.SqlAsync(change);
        Assert.Contains(named, (await Assert.ThrowsAsync<QueueException>(() => MigrateAsync(database))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_user_who_is_not_the_owner_is_told_that_the_owner_must_migrate()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var reader = await LoginAsync(database, "batchgen_reader");
        Assert.Empty(await new Migrator(reader.Queue).MigrateAsync(CancellationToken.None));

        await database.SqlAsync("update schema_functions set sha256 = 'x' where name = 'claim_batch'");
        var error = await Assert.ThrowsAsync<QueueException>(() => new Migrator(reader.Queue).MigrateAsync(CancellationToken.None));
        Assert.Contains($"Run as the owner of schema '{database.Schema}': batchgen migrate", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Only_the_owner_can_take_the_lock_of_migrations()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var worker = await LoginAsync(database, "batchgen_worker");
        var error = await Assert.ThrowsAsync<QueueException>(() => worker.Queue.RunAsync(async connection =>
        {
            await using var transaction = await connection.BeginTransactionAsync();
            await using var command = new NpgsqlCommand(SqlFiles.Query("lock_migrations"), connection, transaction);
            return await command.ExecuteNonQueryAsync();
        }, CancellationToken.None));
        Assert.Contains("permission denied for table schema_lock", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_query_without_the_schema_fails_with_the_command_that_migrates()
    {
        await using var queue = QueueDatabase.Open(await TestServer.GetAddressAsync(), new QueueOptions { Schema = "nothing_here" });
        var error = await Assert.ThrowsAsync<QueueException>(
            () => new BatchGen.Queue.Jobs.JobCatalog(queue).CountAsync(null, CancellationToken.None));
        Assert.Contains("batchgen migrate", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_database_that_does_not_answer_fails_with_its_address_and_what_to_check()
    {
        // Port 1 is reserved and nothing listens there.
        await using var queue = QueueDatabase.Open("Host=127.0.0.1;Port=1;Username=nobody;Database=nowhere;Timeout=2", new QueueOptions());
        var error = await Assert.ThrowsAsync<QueueException>(() => new Migrator(queue).MigrateAsync(CancellationToken.None));
        Assert.Contains("127.0.0.1:1", error.Message, StringComparison.Ordinal);
        Assert.Contains("ConnectionStrings__BatchGen", error.Message, StringComparison.Ordinal);
        Assert.True(TransientRetry.IsTransient(error));
    }

    private static Task<IReadOnlyList<string>> MigrateAsync(TestDatabase database) =>
        new Migrator(database.Queue).MigrateAsync(CancellationToken.None);

    private static async Task<Login> LoginAsync(TestDatabase database, string role)
    {
        var name = $"{database.Name}_{role}";
        await database.SqlAsync($"create role {name} login password 'secret' in role {role}");
        var address =
            new NpgsqlConnectionStringBuilder(database.ConnectionString) { Username = name, Password = "secret" }.ConnectionString;
        return new Login(QueueDatabase.Open(address, new QueueOptions { Schema = database.Schema }), database, name);
    }

    private sealed record Login(QueueDatabase Queue, TestDatabase Database, string Name) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await Queue.DisposeAsync();
            await Database.SqlAsync($"drop role {Name}");
        }
    }
}
