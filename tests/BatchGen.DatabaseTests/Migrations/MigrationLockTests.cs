using BatchGen.Queue;
using BatchGen.Queue.Migrations;
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
        var limit = TimeSpan.FromMilliseconds(100);
        var migrator = new Migrator(database.Queue) { LockLimit = limit, OthersLimit = limit };

        var refused = await Assert.ThrowsAsync<QueueException>(
            () => Wait.ForAsync("the migration was refused", migrator.MigrateAsync(CancellationToken.None), TimeSpan.FromSeconds(20)));
        Assert.Contains("a lock that another session keeps", refused.Message, StringComparison.Ordinal);
        await transaction.RollbackAsync();
        Assert.Equal([Migrator.FunctionsPutIn], await migrator.MigrateAsync(CancellationToken.None));
    }
}
