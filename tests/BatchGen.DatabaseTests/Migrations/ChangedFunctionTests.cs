using BatchGen.Queue;
using BatchGen.Queue.Migrations;
using BatchGen.Queue.Roles;
using BatchGen.Testing;
using Npgsql;
using Xunit;

namespace BatchGen.DatabaseTests.Migrations;

/// <summary>Functions and views that somebody changed in the schema are found and put in anew, although their files stayed the same.
/// </summary>
public sealed class ChangedFunctionTests
{
    [Fact]
    public async Task Functions_and_views_as_the_program_put_them_in_do_not_differ()
    {
        await using var database = await TestDatabase.CreateAsync();
        Assert.Empty((await new FunctionMender(database.Queue).InspectAsync(CancellationToken.None))!);
        Assert.Equal(0L, await database.SqlAsync<long>("select count(*) from pg_namespace where nspname like '%compared%'"));
    }

    [Fact]
    public async Task Functions_that_a_superuser_puts_in_anew_belong_to_the_owner_of_the_schema()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var queue = QueueDatabase.Open(database.SuperuserAddress, database.Queue.Options);
        await database.SqlAsync("drop view available_models; drop function retry_failed");
        Assert.Equal(2, (await new FunctionMender(queue).MendAsync(CancellationToken.None))!.Count);
        Assert.Empty(await new OwnerKeeper(queue, [database.Schema]).ListForeignAsync(CancellationToken.None));
    }

    [Fact]
    public async Task A_table_to_lock_that_belongs_to_a_superuser_stops_no_migration_and_is_given_to_the_owner_after_it()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var queue = QueueDatabase.Open(database.SuperuserAddress, database.Queue.Options);
        await database.AsSuperuserAsync("alter table schema_lock owner to current_user");
        await database.SqlAsync("drop function retry_failed");
        var mender = new FunctionMender(queue) { Lock = new MigrationLock(queue) { LockLimit = TimeSpan.FromSeconds(2) } };
        Assert.Single((await mender.MendAsync(CancellationToken.None))!);
        var (before, after) = await new OwnerKeeper(queue, [database.Schema]).MendAsync(CancellationToken.None);
        Assert.Equal("table schema_lock", Assert.Single(before).Object);
        Assert.Empty(after);
    }

    [Fact]
    public async Task Functions_are_left_as_they_are_where_another_program_migrated_while_this_one_waited()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.SqlAsync("drop function retry_failed");
        await using var other = await database.ConnectAsync();
        await using var transaction = await other.BeginTransactionAsync();
        await using var command = new NpgsqlCommand("lock table schema_lock in exclusive mode", other, transaction);
        await command.ExecuteNonQueryAsync();
        var mending = new FunctionMender(database.Queue).MendAsync(CancellationToken.None);
        await Wait.UntilAsync("the program waits for the lock", () => database.IsAwaitedAsync("schema_lock"));
        await database.SqlAsync("update schema_functions set sha256 = 'newer' where name = 'submit_jobs'");
        await transaction.CommitAsync();
        Assert.Empty((await mending)!);
        Assert.Null(await database.SqlAsync<string>("select to_regproc('retry_failed')::text"));
    }

    [Fact]
    public async Task Putting_functions_in_anew_waits_for_another_program_for_a_limited_time()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.SqlAsync("drop function retry_failed");
        await using var other = await database.ConnectAsync();
        await using var transaction = await other.BeginTransactionAsync();
        await using var command = new NpgsqlCommand("lock table schema_lock in exclusive mode", other, transaction);
        await command.ExecuteNonQueryAsync();
        var mender = new FunctionMender(database.Queue)
        {
            Lock = new MigrationLock(database.Queue) { OthersLimit = TimeSpan.FromMilliseconds(100) },
        };
        var refused = await Assert.ThrowsAsync<QueueException>(() => mender.MendAsync(CancellationToken.None));
        Assert.Contains("a lock that another session keeps", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Functions_beside_those_of_the_program_with_other_parameters_are_named_and_no_role_may_call_them()
    {
        await using var database = await TestDatabase.CreateAsync();
        var mender = new FunctionMender(database.Queue);
        Assert.Empty(await mender.ListOverloadsAsync(CancellationToken.None));
        await database.SqlAsync("create function cancel_jobs(ids text) returns int language sql as 'select 1'");
        Assert.Empty((await mender.InspectAsync(CancellationToken.None))!);
        var overload = Assert.Single(await mender.ListOverloadsAsync(CancellationToken.None));
        Assert.Equal(("cancel_jobs(text)", $"drop routine {database.Schema}.cancel_jobs(ids text)"), (overload.Routine, overload.Remedy));
        var (_, after) = await new RoleKeeper(database.Queue).MendAsync(CancellationToken.None);
        Assert.True(after.IsComplete);
        const string MayCall = "select has_function_privilege('batchgen_submitter', $1::regprocedure, 'execute')";
        Assert.False(await database.SqlAsync<bool>(MayCall, "cancel_jobs(text)"));
        Assert.True(await database.SqlAsync<bool>(MayCall, "cancel_jobs(bigint[],text)"));

        // Its comment names the function without parameters.
        await database.SqlAsync("alter function cancel_jobs(bigint[], text) security invoker");
        var refused = await Assert.ThrowsAsync<QueueException>(() => mender.MendAsync(CancellationToken.None));
        Assert.Contains(overload.Remedy, refused.Message, StringComparison.Ordinal);
        await database.SqlAsync(overload.Remedy);
        Assert.Single((await mender.MendAsync(CancellationToken.None))!);
        Assert.Empty(await mender.ListOverloadsAsync(CancellationToken.None));
    }

    [Theory]
    [InlineData("alter function cancel_jobs security invoker", "is security invoker and not security definer")]
    [InlineData("alter function caller_tenant volatile", "is volatile and not stable")]
    [InlineData("alter function claim_batch reset all", "has other settings")]
    [InlineData("alter function submit_jobs set search_path = public", "has other settings")]
    [InlineData("create or replace function has_control_character(name text) returns boolean language sql immutable parallel safe as "
        + "$$ select false $$", "has another body")]
    [InlineData("drop function retry_failed", "is missing")]
    [InlineData("alter view results reset (security_barrier)", "has other options")]
    [InlineData("drop view available_models", "is missing")]
    public async Task Functions_and_views_that_somebody_changed_are_named_and_put_in_anew(string statement, string what)
    {
        await using var database = await TestDatabase.CreateAsync();
        var mender = new FunctionMender(database.Queue);
        await database.SqlAsync(statement);
        var difference = Assert.Single((await mender.InspectAsync(CancellationToken.None))!);
        Assert.Contains(what, difference.What, StringComparison.Ordinal);
        Assert.Equal(difference, Assert.Single((await mender.MendAsync(CancellationToken.None))!));
        Assert.Empty((await mender.InspectAsync(CancellationToken.None))!);
        var roles = await new RoleKeeper(database.Queue).InspectAsync(CancellationToken.None);
        Assert.True(roles.IsComplete);
    }
}
