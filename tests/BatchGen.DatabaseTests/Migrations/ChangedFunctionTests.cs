using BatchGen.Queue.Migrations;
using BatchGen.Testing;
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
        Assert.Empty((await new Migrator(database.Queue).InspectFunctionsAsync(CancellationToken.None))!);
        Assert.Null(await database.SqlAsync<string>("select to_regnamespace(current_schema() || '_compared')::text"));
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
        var migrator = new Migrator(database.Queue);
        await database.SqlAsync(statement);
        var difference = Assert.Single((await migrator.InspectFunctionsAsync(CancellationToken.None))!);
        Assert.Contains(what, difference.What, StringComparison.Ordinal);
        Assert.Equal(difference, Assert.Single(await migrator.MendFunctionsAsync(CancellationToken.None)));
        Assert.Empty((await migrator.InspectFunctionsAsync(CancellationToken.None))!);
        var roles = await new RoleKeeper(database.Queue).InspectAsync(CancellationToken.None);
        Assert.True(roles.IsComplete);
    }
}
