using BatchGen.Queue;
using BatchGen.Queue.Migrations;
using BatchGen.Queue.Roles;
using BatchGen.Testing;
using Npgsql;
using Xunit;

namespace BatchGen.DatabaseTests.Migrations;

/// <summary>A migration waits for locks of other sessions for a limited time, since everybody who comes later waits behind it.</summary>
public sealed class MigrationLockTests
{
    [Theory]
    [InlineData("select count(*) from results")]
    [InlineData("lock table schema_lock in exclusive mode")]
    public async Task A_migration_that_meets_an_open_transaction_is_refused_with_what_to_do(string statement)
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.SqlAsync("update schema_functions set sha256 = '' where name = 'results'");
        await using var other = await database.ConnectAsync();
        await using var transaction = await other.BeginTransactionAsync();
        await using var command = new NpgsqlCommand(statement, other, transaction);
        await command.ExecuteNonQueryAsync();
        var migrator = new Migrator(database.Queue) { Lock = ShortLock(database) };

        var refused = await Assert.ThrowsAsync<QueueException>(
            () => Wait.ForAsync("the migration was refused", migrator.MigrateAsync(CancellationToken.None), TimeSpan.FromSeconds(20)));
        Assert.Contains("a lock that another session keeps", refused.Message, StringComparison.Ordinal);
        await transaction.RollbackAsync();
        Assert.Equal([Migrator.FunctionsPutIn], await migrator.MigrateAsync(CancellationToken.None));
    }

    [Theory]
    [InlineData("select count(*) from jobs")]
    [InlineData("lock table schema_lock in exclusive mode")]
    public async Task Giving_a_table_to_the_owner_that_an_open_transaction_uses_is_refused_with_what_to_do(string statement)
    {
        await using var database = await TestDatabase.CreateAsync();
        var role = database.Name + "_other";
        await database.SqlAsync(
            $"create role {role}; grant {role} to current_user; grant create, usage on schema {database.Schema} to {role}");
        try
        {
            await database.SqlAsync($"alter table jobs owner to {role}");
            await using (var other = await database.ConnectAsync())
            await using (var transaction = await other.BeginTransactionAsync())
            {
                await using var command = new NpgsqlCommand(statement, other, transaction);
                await command.ExecuteNonQueryAsync();
                var keeper = new OwnerKeeper(database.Queue, [database.Schema]) { Lock = ShortLock(database) };
                var refused = await Assert.ThrowsAsync<QueueException>(() => Wait.ForAsync(
                    "the table was not given", keeper.MendAsync(CancellationToken.None), TimeSpan.FromSeconds(20)));
                Assert.Contains("a lock that another session keeps", refused.Message, StringComparison.Ordinal);
                Assert.Single(await keeper.ListForeignAsync(CancellationToken.None));
            }

            Assert.Empty((await new OwnerKeeper(database.Queue, [database.Schema]).MendAsync(CancellationToken.None)).After);
        }
        finally
        {
            await database.SqlAsync($"alter table jobs owner to current_user; revoke all on schema {database.Schema} from {role}; "
                + $"drop role {role}");
        }
    }

    private static MigrationLock ShortLock(TestDatabase database) =>
        new(database.Queue) { LockLimit = TimeSpan.FromMilliseconds(100), OthersLimit = TimeSpan.FromMilliseconds(100) };
}
