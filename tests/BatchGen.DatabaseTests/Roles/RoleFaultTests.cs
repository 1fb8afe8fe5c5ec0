using BatchGen.Queue;
using BatchGen.Queue.Roles;
using BatchGen.Testing;
using Npgsql;
using Xunit;

namespace BatchGen.DatabaseTests.Roles;

/// <summary>Rights that somebody gave besides those of the roles, and owners that differ from the schema's, are found.</summary>
public sealed class RoleFaultTests
{
    [Fact]
    public async Task Rights_that_a_role_of_the_queue_was_given_besides_its_own_are_found_and_taken_away()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.SqlAsync("grant insert (state) on jobs to batchgen_reader; grant usage on sequence jobs_id_seq to batchgen_worker");
        await database.SqlAsync("grant select on results to batchgen_reader with grant option");
        var (before, after) = await new RoleKeeper(database.Queue).MendAsync(CancellationToken.None);
        Assert.Equal(
            ["grant option for select on results to batchgen_reader", "insert on column jobs.state to batchgen_reader",
                "usage on sequence jobs_id_seq to batchgen_worker"],
            before.SurplusGrants);
        Assert.Empty(before.MissingGrants);
        Assert.True(after.IsComplete);
        Assert.True(await database.SqlAsync<bool>("select has_table_privilege('batchgen_reader', 'results', 'select')"));
    }

    [Fact]
    public async Task Rights_of_a_single_login_are_listed_with_the_statement_that_takes_them_away()
    {
        await using var database = await TestDatabase.CreateAsync();
        var login = database.Name + "_login";
        await database.SqlAsync($"create role {login} login");
        try
        {
            await database.SqlAsync(
                $"grant select (state) on jobs to {login}; grant execute on function cancel_jobs to {login}; grant usage on schema "
                + $"{database.Schema} to {login}; grant update on sequence jobs_id_seq to {login}");
            var keeper = new RoleKeeper(database.Queue);
            var found = (await keeper.InspectAsync(CancellationToken.None)).LoginGrants;
            Assert.Equal(
                [$"execute on function cancel_jobs to {login}", $"select on column jobs.state to {login}",
                    $"update on sequence jobs_id_seq to {login}", $"usage on schema {database.Schema} to {login}"],
                found.Select(grant => grant.Described).Order(StringComparer.Ordinal));
            Assert.All(found, grant => Assert.Equal(login, grant.Login));
            foreach (var grant in found) await database.SqlAsync(grant.Remedy);
            Assert.Empty((await keeper.InspectAsync(CancellationToken.None)).LoginGrants);
        }
        finally
        {
            await database.SqlAsync($"drop role {login}");
        }
    }

    [Fact]
    public async Task Objects_of_another_role_are_found_and_given_to_the_owner_of_the_schema()
    {
        await using var database = await TestDatabase.CreateAsync();
        var (other, me) = (database.Name + "_other", await database.SqlAsync<string>("select current_user::text"));
        await database.SqlAsync(
            $"create role {other}; grant {other} to current_user; grant create, usage on schema {database.Schema} to {other}");
        try
        {
            await database.SqlAsync($"alter table jobs owner to {other}; alter view results owner to {other}; "
                + $"alter function cancel_jobs owner to {other}; alter type claim_state owner to {other}; "
                + $"alter table schema_lock owner to {other}; alter sequence requeues owner to {other}");
            var keeper = new OwnerKeeper(database.Queue, [database.Schema]);
            var (before, after) = await keeper.MendAsync(CancellationToken.None);
            Assert.Equal(
                ["function cancel_jobs", "sequence requeues", "table jobs", "table schema_lock", "type claim_state", "view results"],
                before.Select(one => one.Object).Order(StringComparer.Ordinal));
            Assert.All(before, one => Assert.Equal((other, me), (one.Owner, one.SchemaOwner)));
            Assert.Empty(after);
        }
        finally
        {
            await database.SqlAsync($"revoke all on schema {database.Schema} from {other}; drop role {other}");
        }
    }

    [Fact]
    public async Task Members_of_an_extension_belong_to_whoever_made_the_extension_and_are_no_fault()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var superuser = QueueDatabase.Open(database.SuperuserAddress, database.Queue.Options);
        await database.AsSuperuserAsync("create function of_extension() returns int language sql as 'select 1'; "
            + "alter extension plpgsql add function of_extension()");
        var keeper = new OwnerKeeper(database.Queue, [database.Schema]);
        Assert.Empty(await keeper.ListForeignAsync(CancellationToken.None));
        Assert.Empty((await new OwnerKeeper(superuser, [database.Schema]).MendAsync(CancellationToken.None)).Before);
        await database.AsSuperuserAsync("alter extension plpgsql drop function of_extension()");
        Assert.Equal("function of_extension", Assert.Single(await keeper.ListForeignAsync(CancellationToken.None)).Object);
    }

    [Fact]
    public async Task Objects_that_a_login_may_not_give_away_stay_and_stop_nothing()
    {
        await using var database = await TestDatabase.CreateAsync();
        var (other, login) = (database.Name + "_other", database.Name + "_login");
        await database.SqlAsync($"create role {other}; grant {other} to current_user; "
            + $"grant create, usage on schema {database.Schema} to {other}; create role {login} login noinherit password 'secret'; "
            + $"grant {other} to {login}; do $$ begin execute format('grant %I to {login}', current_user); end $$");
        try
        {
            await database.SqlAsync($"alter function cancel_jobs owner to {other}");
            // 1. A member that does not inherit what its roles may
            var member = new NpgsqlConnectionStringBuilder(database.ConnectionString) { Username = login, Password = "secret" };
            await using (var queue = QueueDatabase.Open(member.ConnectionString, database.Queue.Options))
                await CheckAsync(new OwnerKeeper(queue, [database.Schema]));
            // 2. An owner that may create nothing in its schema
            await database.SqlAsync($"revoke create on schema {database.Schema} from current_user, {other}");
            await CheckAsync(new OwnerKeeper(database.Queue, [database.Schema]));
        }
        finally
        {
            await database.SqlAsync($"grant create on schema {database.Schema} to current_user");
            await database.SqlAsync("alter function cancel_jobs owner to current_user; "
                + $"revoke all on schema {database.Schema} from {other}; drop role {login}; drop role {other}");
        }

        static async Task CheckAsync(OwnerKeeper keeper)
        {
            var (before, after) = await keeper.MendAsync(CancellationToken.None);
            Assert.Equal(["function cancel_jobs"], before.Select(one => one.Object));
            Assert.Equal(before, after);
        }
    }
}
