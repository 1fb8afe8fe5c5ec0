using BatchGen.Queue;
using BatchGen.Queue.Migrations;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Migrations;

public sealed class MigratorTests
{
    [Fact]
    public async Task Migrating_again_does_nothing()
    {
        await using var database = await TestDatabase.CreateAsync();
        Assert.Empty(await new Migrator(database.Queue).MigrateAsync(CancellationToken.None));
    }

    [Fact]
    public async Task Programs_that_migrate_at_once_apply_each_migration_once()
    {
        var options = new QueueOptions { Schema = "test_" + Guid.NewGuid().ToString("N")[..20] };
        var queues = await Task.WhenAll(Enumerable.Range(0, 4).Select(async _ => QueueDatabase.Open(await TestServer.GetAddressAsync(), options)));
        var applied = await Task.WhenAll(queues.Select(queue => new Migrator(queue).MigrateAsync(CancellationToken.None)));

        Assert.Single(applied, names => names.Count > 0);
        await using var database = await TestDatabase.CreateAsync();
        await database.SqlAsync($"drop schema {options.Schema} cascade");
        foreach (var queue in queues) await queue.DisposeAsync();
    }

    [Fact]
    public async Task A_database_newer_than_the_program_is_refused()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.SqlAsync("insert into schema_migrations (name, sha256) values ('9999_future', 'x')");

        var error = await Assert.ThrowsAsync<QueueException>(() => new Migrator(database.Queue).MigrateAsync(CancellationToken.None));
        Assert.Contains("9999_future", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_migration_whose_text_changed_after_it_was_applied_is_refused()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.SqlAsync("update schema_migrations set sha256 = 'x' where name = '0001_tables'");

        Assert.Contains("0001_tables", (await Assert.ThrowsAsync<QueueException>(() => new Migrator(database.Queue).MigrateAsync(CancellationToken.None))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_query_without_the_schema_fails_with_the_command_that_migrates()
    {
        await using var queue = QueueDatabase.Open(await TestServer.GetAddressAsync(), new QueueOptions { Schema = "nothing_here" });
        var error = await Assert.ThrowsAsync<QueueException>(() => new BatchGen.Queue.Jobs.JobCatalog(queue).CountAsync(null, CancellationToken.None));
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
}
