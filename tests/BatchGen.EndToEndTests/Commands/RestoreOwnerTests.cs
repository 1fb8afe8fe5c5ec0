using BatchGen.Queue;
using BatchGen.Queue.Roles;
using Npgsql;
using Xunit;

namespace BatchGen.EndToEndTests.Commands;

/// <summary>Roles of a backup, and whom a restore leaves everything to.</summary>
public sealed class RestoreOwnerTests
{
    [Fact]
    public async Task A_login_that_may_not_create_roles_is_told_what_a_superuser_must_run_and_restores_then()
    {
        await using var source = await FilledQueue.CreateAsync();
        await using var program = new ProgramUnderTest(source.Database);
        var folder = Path.Combine(program.DataFolder, "saved");
        Assert.Equal(0, (await program.RunHereAsync("backup", folder)).ExitCode);
        await using var server = await SecondServer.StartAsync();
        await server.AsSuperUserAsync("create role plain login password 'secret'");
        await server.AsSuperUserAsync("create database plain owner plain");
        await using var there = new ProgramUnderTest(source.Database);
        there.Environment["ConnectionStrings__BatchGen"] = new NpgsqlConnectionStringBuilder(server.ConnectionString)
        {
            Username = "plain", Password = "secret", Database = "plain",
        }.ConnectionString;

        var refused = await there.RunHereAsync("restore", folder);
        Assert.NotEqual(0, refused.ExitCode);
        Assert.Contains("Nothing was restored.", refused.Error, StringComparison.Ordinal);
        const string Begin = "leaving out what is there already: ";
        var statements = refused.Error[(refused.Error.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length)..].Trim().TrimEnd('.');
        foreach (var role in RoleKeeper.Roles.Append(source.Login).Append(source.Reporter))
            Assert.Contains($"create role \"{role}\"", statements, StringComparison.Ordinal);
        foreach (var statement in statements.Split("; ")) await server.AsSuperUserAsync(statement);

        var restored = await there.RunHereAsync("restore", folder);
        Assert.Equal((0, ""), (restored.ExitCode, restored.Error));
        Assert.Equal(await source.CountAsync(),
            await FilledQueue.CountAsync(there.Environment["ConnectionStrings__BatchGen"]!, source.Database.Schema));
    }

    [Fact]
    public async Task A_superusers_restore_gives_everything_to_the_owner_in_the_backup()
    {
        await using var source = await FilledQueue.CreateAsync();
        await using var program = new ProgramUnderTest(source.Database);
        await source.AddRecurringWorkAsync();
        var folder = Path.Combine(program.DataFolder, "saved");
        Assert.Equal(0, (await program.RunHereAsync("backup", folder)).ExitCode);
        await using var server = await SecondServer.StartAsync();
        await using var there = new ProgramUnderTest(source.Database);
        var owner = new NpgsqlConnectionStringBuilder(server.ConnectionString).Username!;
        there.Environment["ConnectionStrings__BatchGen"] = await server.SuperUserAddressAsync();
        var restored = await there.RunHereAsync("restore", folder);
        Assert.Equal(0, restored.ExitCode);
        source.AssertLoginsAreNamed(restored.Error);
        await using var queue = QueueDatabase.Open(
            await server.SuperUserAddressAsync(), new QueueOptions { Schema = source.Database.Schema });
        var owners = new OwnerKeeper(queue, [source.Database.Schema, source.Database.Schema + "_hangfire"]);
        Assert.Empty(await owners.ListForeignAsync(CancellationToken.None));
        Assert.Equal([owner, owner], (await owners.ListOwnersAsync(CancellationToken.None)).Select(schema => schema.Owner));
        there.Environment["ConnectionStrings__BatchGen"] = server.ConnectionString;
        Assert.StartsWith("The schema is up to date\n", (await there.RunHereAsync("migrate")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_owner_that_a_superusers_restore_makes_is_named_with_the_statement_for_its_password()
    {
        await using var source = await FilledQueue.CreateAsync();
        await using var program = new ProgramUnderTest(source.Database);
        var folder = Path.Combine(program.DataFolder, "saved");
        Assert.Equal(0, (await program.RunHereAsync("backup", folder)).ExitCode);
        await using var server = await SecondServer.StartAsync();
        var owner = new NpgsqlConnectionStringBuilder(source.Database.ConnectionString).Username!;
        await server.AsSuperUserAsync("create database empty");
        await server.AsSuperUserAsync($"alter role \"{owner}\" rename to renamed");
        var address = new NpgsqlConnectionStringBuilder(await server.SuperUserAddressAsync()) { Database = "empty" }.ConnectionString;
        await using var there = new ProgramUnderTest(source.Database);
        there.Environment["ConnectionStrings__BatchGen"] = address;
        var restored = await there.RunHereAsync("restore", folder);
        Assert.Equal(0, restored.ExitCode);
        Assert.Contains($"alter role \"{owner}\" password '...'", restored.Error, StringComparison.Ordinal);
        await using var queue = QueueDatabase.Open(address, new QueueOptions { Schema = source.Database.Schema });
        var owners = await new OwnerKeeper(queue, [source.Database.Schema]).ListOwnersAsync(CancellationToken.None);
        Assert.Equal(owner, Assert.Single(owners).Owner);
    }

    [Fact]
    public async Task A_login_that_may_not_give_what_it_restored_to_its_owner_is_told_the_statements_for_a_superuser()
    {
        await using var source = await FilledQueue.CreateAsync();
        await using var program = new ProgramUnderTest(source.Database);
        var folder = Path.Combine(program.DataFolder, "saved");
        Assert.Equal(0, (await program.RunHereAsync("backup", folder)).ExitCode);
        await using var server = await SecondServer.StartAsync();
        var owner = new NpgsqlConnectionStringBuilder(server.ConnectionString).Username!;
        await server.AsSuperUserAsync("create role plain login createrole password 'secret'");
        await server.AsSuperUserAsync($"grant {owner} to plain");
        await server.AsSuperUserAsync("create database plain owner plain");
        // As a member is refused that may not act as the owner, which the server knows from 16 on.
        await server.AsSuperUserAsync(
            """
            create function keep_owner() returns event_trigger language plpgsql as
            $$ begin raise insufficient_privilege using message = 'owners are kept here'; end $$;
            create event trigger keep_owner on ddl_command_start when tag in ('ALTER SCHEMA') execute function keep_owner()
            """, "plain");
        await using var there = new ProgramUnderTest(source.Database);
        var address = new NpgsqlConnectionStringBuilder(server.ConnectionString)
        {
            Username = "plain", Password = "secret", Database = "plain",
        };
        there.Environment["ConnectionStrings__BatchGen"] = address.ConnectionString;
        var schema = source.Database.Schema;
        var restored = await there.RunHereAsync("restore", folder);
        Assert.Equal(0, restored.ExitCode);
        Assert.Contains($"belongs to this login and not to '{owner}'", restored.Error, StringComparison.Ordinal);
        var statements = restored.Error.Split("Run as a superuser: ")[1].Split("; and then, as a superuser too: batchgen migrate")[0];
        Assert.Contains($"alter schema \"{schema}\" owner to \"{owner}\"", statements, StringComparison.Ordinal);

        // What it says is enough.
        await server.AsSuperUserAsync($"drop event trigger keep_owner; {statements}", "plain");
        there.Environment["ConnectionStrings__BatchGen"] =
            new NpgsqlConnectionStringBuilder(await server.SuperUserAddressAsync()) { Database = "plain" }.ConnectionString;
        Assert.Equal(0, (await there.RunHereAsync("migrate")).ExitCode);
        await using var queue = QueueDatabase.Open(there.Environment["ConnectionStrings__BatchGen"], new QueueOptions { Schema = schema });
        Assert.Empty(await new OwnerKeeper(queue, [schema]).ListForeignAsync(CancellationToken.None));
    }
}
