using BatchGen.Testing;
using Npgsql;
using Xunit;

namespace BatchGen.DatabaseTests.Claims;

/// <summary>Locks of the queue are kept on tables that only their owner may lock: no other login can hold one.</summary>
public sealed class ForeignLockTests
{
    [Fact]
    public async Task No_function_takes_an_advisory_lock()
    {
        await using var database = await TestDatabase.CreateAsync();
        Assert.Empty((await database.SqlAsync<string[]>("""
            select coalesce(array_agg(proname::text), '{}') from pg_proc
            where pronamespace = current_schema()::regnamespace and prosrc like '%pg\_%advisory%'
            """))!);
    }

    [Theory]
    [InlineData("|demo|a@1', 7", "claims")]
    [InlineData("', 8", "counts")]
    [InlineData("|retention', 9", "retention")]
    public async Task Work_goes_on_while_another_login_holds_an_advisory_lock_of_the_versions_before(string key, string work)
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync();
        await database.AddAdaptersAsync("a");
        await database.SubmitAsync("a");
        await using var other = await database.ConnectAsync();
        await using var hold = new NpgsqlCommand($"select pg_advisory_lock(hashtextextended(current_schema() || '{key}))", other);
        await hold.ExecuteNonQueryAsync();

        Assert.True(work switch
        {
            "claims" => await database.ClaimAsync(await database.AddWorkerAsync()) is not null,
            "counts" => await database.SqlAsync<int>("select fold_counts()") > 0,
            _ => await database.SqlAsync<bool>("select try_lock('retention')"),
        });
    }

    [Fact]
    public async Task A_load_is_submitted_while_another_login_holds_an_advisory_lock_of_the_versions_before()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync();
        await database.SqlAsync("insert into staged_jobs (recipe) values ('{}')");
        await using var other = await database.ConnectAsync();
        await using var hold = new NpgsqlCommand(
            "select pg_advisory_lock(hashtextextended(current_schema() || '|' || session_user || '|', 5))", other);
        await hold.ExecuteNonQueryAsync();
        Assert.Equal(1L, await Wait.ForAsync("the load was submitted", database.SqlAsync<long>("select submit_staged()")));
    }

    [Theory]
    [InlineData("lock table retention_lock in exclusive mode")]
    [InlineData("lock table reindex_lock in share mode")]
    [InlineData("lock table counts_lock in row exclusive mode")]
    [InlineData("lock table schema_lock in exclusive mode")]
    [InlineData("select from signature_locks for update")]
    [InlineData("select from signature_locks for key share")]
    [InlineData("insert into load_locks values (current_user, '')")]
    [InlineData("select from unsettled_jobs for update")]
    [InlineData("select try_lock('counts')")]
    public async Task No_login_but_the_owner_can_take_a_lock_of_the_queue(string statement)
    {
        await using var database = await TestDatabase.CreateAsync();
        foreach (var role in new[] { "batchgen_submitter", "batchgen_worker", "batchgen_reader" })
        {
            await using var connection = await database.ConnectAsync();
            await using var command = new NpgsqlCommand($"begin; set local role {role}; {statement}", connection);
            var refused = await Assert.ThrowsAsync<PostgresException>(() => command.ExecuteNonQueryAsync());
            Assert.Equal((role, PostgresErrorCodes.InsufficientPrivilege), (role, refused.SqlState));
        }
    }

    [Fact]
    public async Task A_load_that_is_being_submitted_is_left_alone_by_the_retention_which_goes_on_with_the_others()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync();
        await database.SqlAsync("insert into staged_jobs (load) values ('held'), ('stale')");
        await using var producer = await database.ConnectAsync();
        await using var transaction = await producer.BeginTransactionAsync();
        await using var submit = new NpgsqlCommand("select lock_load('held', session_user)", producer, transaction);
        await submit.ExecuteNonQueryAsync();

        Assert.Equal(1L, await database.SqlAsync<long>("select prune_staged('0 s')"));
        Assert.Equal("held", await database.SqlAsync<string>("select load from staged_jobs"));
    }
}
