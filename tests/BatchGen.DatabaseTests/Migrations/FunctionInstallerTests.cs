using BatchGen.Queue;
using BatchGen.Queue.Migrations;
using BatchGen.Testing;
using Npgsql;
using Xunit;

namespace BatchGen.DatabaseTests.Migrations;

/// <summary>What a newer program does to the functions and views that an older one put in. The older shape is made by hand, the present
/// program is the newer.</summary>
public sealed class FunctionInstallerTests
{
    [Fact]
    public async Task A_function_whose_text_changed_is_replaced_and_keeps_its_settings_and_grants()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.SqlAsync("create or replace function end_batch(of_batch bigint, with_epoch bigint, signature_hold interval, "
            + "why text) returns int language sql as 'select 0'");
        await OutdateAsync(database, "end_batch");

        Assert.Equal([Migrator.FunctionsPutIn], await MigrateAsync(database));
        Assert.True(await database.SqlAsync<bool>("""
            select prosecdef and 'enable_seqscan=off' = any(proconfig) and proconfig::text like '%search_path=%pg_temp%'
              and has_function_privilege('batchgen_worker', oid, 'execute')
            from pg_proc where proname = 'end_batch' and pronamespace = current_schema()::regnamespace
            """));
    }

    [Fact]
    public async Task A_function_with_other_parameters_replaces_the_one_with_the_old_ones()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.SqlAsync(
            "drop function window_is_open; create function window_is_open(opens time) returns boolean language sql as 'select true'");
        await OutdateAsync(database, "window_is_open", "window_is_open(time without time zone)");
        await MigrateAsync(database);
        Assert.Equal("time_zone text, opens time without time zone, closes time without time zone, weekdays integer[], "
            + "instant timestamp with time zone",
            await database.SqlAsync<string>("select string_agg(pg_get_function_arguments(oid), ' and ') from pg_proc "
                + "where proname = 'window_is_open' and pronamespace = current_schema()::regnamespace"));
    }

    [Fact]
    public async Task A_function_with_another_result_that_a_view_depends_on_is_made_anew_with_the_view()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.SqlAsync("""
            drop view results;
            drop function caller_tenant;
            create function caller_tenant(wanted text) returns bigint language sql as 'select 1::bigint';
            create view results as select caller_tenant(null) as tenant
            """);
        await OutdateAsync(database, "caller_tenant");
        await OutdateAsync(database, "results");
        await MigrateAsync(database);
        Assert.Equal("integer", await database.SqlAsync<string>("select prorettype::regtype::text from pg_proc where proname = "
            + "'caller_tenant' and pronamespace = current_schema()::regnamespace"));
        Assert.Equal(0, await database.SqlAsync<long>("select count(job_id) from results"));
    }

    [Fact]
    public async Task A_view_that_lost_a_column_is_made_anew()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.SqlAsync("drop view available_models; create view available_models as select name, path, family from models");
        await OutdateAsync(database, "available_models");
        await MigrateAsync(database);
        Assert.Equal(0, await database.SqlAsync<long>("select count(native_width) from available_models"));
        Assert.True(await database.SqlAsync<bool>("select has_table_privilege('batchgen_submitter', 'available_models', 'select')"));
    }

    [Fact]
    public async Task Functions_and_views_that_no_file_makes_are_dropped_and_those_of_others_stay()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.SqlAsync("""
            create function old_one(a int) returns int language sql as 'select 1';
            create view old_view as select 1 as a;
            create function of_a_user() returns int language sql as 'select 1';
            insert into schema_functions (name, sha256, made) values ('old_one', 'x', '{old_one(integer)}'), ('old_view', 'x', '{}')
            """);
        Assert.Equal([Migrator.FunctionsPutIn], await MigrateAsync(database));
        Assert.True(await database.SqlAsync<bool>("select to_regprocedure('old_one(integer)') is null and to_regclass('old_view') "
            + "is null and to_regprocedure('of_a_user()') is not null"));
        Assert.Empty(await MigrateAsync(database));
    }

    [Fact]
    public async Task A_view_of_a_user_that_stands_in_the_way_is_named_and_nothing_changes()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.SqlAsync("drop view available_models; create view available_models as select name, path, family from models; "
            + "create view mine as select path from available_models");
        await OutdateAsync(database, "available_models");
        var error = await Assert.ThrowsAsync<QueueException>(() => MigrateAsync(database));
        Assert.Contains("view mine depends on view available_models", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, await database.SqlAsync<long>("select count(path) from mine"));
    }

    [Fact]
    public async Task A_prepared_call_of_another_session_survives_a_function_that_is_made_anew()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var session = await database.ConnectAsync();
        await using var call = new NpgsqlCommand("select end_batch(1, 1, '1 s', 'x')", session);
        await call.PrepareAsync();
        await Assert.ThrowsAsync<PostgresException>(() => call.ExecuteScalarAsync());
        await database.SqlAsync("drop function end_batch; create function end_batch(of_batch bigint, with_epoch bigint, "
            + "signature_hold interval, why text) returns bigint language sql as 'select 7::bigint'");
        await OutdateAsync(database, "end_batch");
        await MigrateAsync(database);

        var error = await Assert.ThrowsAsync<PostgresException>(() => call.ExecuteScalarAsync());
        Assert.Equal("BG002", error.SqlState);
    }

    // As if an older program had put the function in from another text.
    private static Task OutdateAsync(TestDatabase database, string name, params string[] made) => made.Length == 0
        ? database.SqlAsync("update schema_functions set sha256 = 'x' where name = $1", name)
        : database.SqlAsync("update schema_functions set sha256 = 'x', made = $2 where name = $1", name, made);

    private static Task<IReadOnlyList<string>> MigrateAsync(TestDatabase database) =>
        new Migrator(database.Queue).MigrateAsync(CancellationToken.None);
}
