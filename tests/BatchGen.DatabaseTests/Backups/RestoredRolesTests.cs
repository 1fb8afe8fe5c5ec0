using BatchGen.Queue;
using BatchGen.Queue.Backups;
using BatchGen.Queue.Sql;
using BatchGen.Testing;
using Npgsql;
using Xunit;

namespace BatchGen.DatabaseTests.Backups;

/// <summary>Roles of a backup are made in an order in which the server takes them.</summary>
public sealed class RestoredRolesTests
{
    [Fact]
    public void Roles_come_after_those_that_they_are_members_of_however_long_the_chain_is()
    {
        RestoredRole[] roles =
        [
            Role("app", "shop_group"), Role("batchgen_submitter"), Role("shop_group", "batchgen_submitter"), Role("other", "app"),
        ];
        Assert.Equal(["batchgen_submitter", "shop_group", "app", "other"], RoleOrder.Of(roles).Select(role => role.Name));
        // No server makes a circle, but a file may hold one.
        Assert.Equal(2, RoleOrder.Of([Role("a", "b"), Role("b", "a")]).Count);
    }

    [Fact]
    public async Task A_login_in_a_group_that_is_itself_in_a_role_of_the_queue_is_restored()
    {
        await using var database = await TestDatabase.CreateAsync();
        var suffix = Guid.NewGuid().ToString("N")[..8];
        var (login, group) = ("app_" + suffix, "shop_" + suffix);
        try
        {
            var backup = new DatabaseBackup(database.Queue, database.ConnectionString, [database.Schema]);
            await backup.CreateRolesAsync([Role(login, group), Role(group, "batchgen_submitter")], CancellationToken.None);
            Assert.True(await database.SqlAsync<bool>($"select pg_has_role('{login}', 'batchgen_submitter', 'member')"));
        }
        finally
        {
            await database.SqlAsync($"drop role if exists {login}; drop role if exists {group}");
        }
    }

    [Fact]
    public async Task Statements_for_a_superuser_quote_names_so_that_a_name_is_never_more_than_a_name()
    {
        await using var database = await TestDatabase.CreateAsync();
        var plain = "plain_" + Guid.NewGuid().ToString("N")[..8];
        await database.SqlAsync($"create role {plain} login password 'secret'");
        try
        {
            var address = new NpgsqlConnectionStringBuilder(database.ConnectionString) { Username = plain, Password = "secret" };
            await using var queue = QueueDatabase.Open(address.ConnectionString, new QueueOptions { Schema = database.Schema });
            var backup = new DatabaseBackup(queue, address.ConnectionString, [database.Schema]);
            const string Name = "a\" superuser; drop table jobs; --";
            var refused = await Assert.ThrowsAsync<QueueException>(() =>
                backup.CreateRolesAsync([Role(Name, "b\"c")], CancellationToken.None));
            const string Quoted = "\"a\"\" superuser; drop table jobs; --\"";
            Assert.EndsWith($"create role {Quoted} nologin; grant \"b\"\"c\" to {Quoted}", refused.Message, StringComparison.Ordinal);
            // The server writes the name as this program does.
            Assert.Equal(Quoted, await database.SqlAsync<string>("select quote_ident($1)", Name));
            Assert.Equal(Quoted, QuotedName.Of(Name));
        }
        finally
        {
            await database.SqlAsync($"drop role {plain}");
        }
    }

    private static RestoredRole Role(string name, params string[] memberOf) => new() { Name = name, MemberOf = memberOf };
}
