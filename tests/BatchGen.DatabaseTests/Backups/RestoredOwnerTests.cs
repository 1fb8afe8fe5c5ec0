using BatchGen.Queue;
using BatchGen.Queue.Backups;
using BatchGen.Testing;
using Npgsql;
using Xunit;

namespace BatchGen.DatabaseTests.Backups;

/// <summary>What was restored goes to a role that is no superuser, wherever one is known.</summary>
public sealed class RestoredOwnerTests
{
    [Fact]
    public async Task A_restore_by_a_superuser_goes_to_the_first_role_that_is_known_and_no_superuser()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var queue = QueueDatabase.Open(database.SuperuserAddress, database.Queue.Options);
        var backup = Backup(queue, database);
        var superuser = new NpgsqlConnectionStringBuilder(database.SuperuserAddress).Username;
        var (plain, missing) = (database.Name + "_plain", database.Name + "_missing");
        var owner = await database.SqlAsync<string>(
            "select r.rolname::text from pg_database d join pg_roles r on r.oid = d.datdba where d.datname = current_database()");
        Assert.NotEqual(superuser, owner);
        await database.SqlAsync($"create role {plain}; grant {plain} to current_user");
        try
        {
            Assert.Equal([plain, missing, owner, owner], await ChooseAsync(backup, plain, missing, superuser, null));
            await database.SqlAsync($"create schema {database.Schema}_before authorization {plain}");
            Assert.Equal([owner, plain, plain, plain], await ChooseAsync(backup, owner, missing, superuser, null));
        }
        finally
        {
            await database.SqlAsync($"drop schema if exists {database.Schema}_before; drop role {plain}");
        }
    }

    [Fact]
    public async Task A_restore_by_another_login_goes_to_a_role_that_it_may_act_as_or_stays_with_it()
    {
        await using var database = await TestDatabase.CreateAsync();
        var (plain, stranger) = (database.Name + "_plain", database.Name + "_stranger");
        await database.SqlAsync($"create role {plain}; grant {plain} to current_user");
        await database.AsSuperuserAsync($"create role {stranger}");
        try
        {
            var backup = Backup(database.Queue, database);
            Assert.Equal([plain, null, null, null], await ChooseAsync(backup, plain, stranger, database.Name + "_missing", null));
        }
        finally
        {
            await database.AsSuperuserAsync($"drop role {plain}; drop role {stranger}");
        }
    }

    private static DatabaseBackup Backup(QueueDatabase queue, TestDatabase database) =>
        new(queue, database.ConnectionString, [database.Schema]);

    private static async Task<string?[]> ChooseAsync(DatabaseBackup backup, params string?[] saved)
    {
        var chosen = new List<string?>();
        foreach (var owner in saved) chosen.Add(await backup.ChooseOwnerAsync(owner, CancellationToken.None));
        return [.. chosen];
    }
}
