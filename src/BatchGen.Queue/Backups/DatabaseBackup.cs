using System.Text.Json;
using BatchGen.Queue.Claims;
using BatchGen.Queue.Inspection;
using BatchGen.Queue.Roles;
using BatchGen.Queue.Sql;
using Dapper;
using Npgsql;
using NpgsqlTypes;
using static BatchGen.Queue.QueueDatabase;

namespace BatchGen.Queue.Backups;

/// <summary>Saves the queue's part of a database, and puts it into another one.</summary>
/// <param name="database">The database.</param>
/// <param name="connectionString">How to connect to it; the programs that save and restore connect by themselves.</param>
/// <param name="schemas">The schemas to save: that of the queue first.</param>
public sealed class DatabaseBackup(QueueDatabase database, string connectionString, IReadOnlyList<string> schemas)
{
    /// <summary>What jobs say that were running when the backup was made.</summary>
    private const string Reason = "The database was restored from a backup.";

    private static readonly TimeSpan SessionEndLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan SessionLookInterval = TimeSpan.FromMilliseconds(50);

    /// <summary>Version of the server, as its <c>server_version_num</c>.</summary>
    public async Task<int> ServerVersionAsync(CancellationToken cancellationToken) =>
        (await new ServerInspector(database).DescribeAsync(cancellationToken)).Version;

    /// <summary>Writes the schemas into a file.</summary>
    /// <exception cref="QueueException">There is no pg_dump for the server, or it failed.</exception>
    public async Task DumpAsync(string file, CancellationToken cancellationToken)
    {
        var programs = await DumpPrograms.FindAsync(await ServerVersionAsync(cancellationToken), cancellationToken);
        // A schema that is not there, such as Hangfire's where no dashboard ever ran, is not asked for: pg_dump would refuse.
        var present = new List<string>();
        foreach (var schema in schemas)
            if (await CountObjectsAsync([schema], cancellationToken) > 0) present.Add(schema);
        if (present.Count == 0)
            throw new QueueException($"There is nothing to save: the database has no schema '{schemas[0]}'. Run first: batchgen migrate");
        await WithSessionAsync(session => programs.DumpAsync(connectionString, session, present, file, cancellationToken));
    }

    /// <summary>The roles that the schemas need on another server.</summary>
    public async Task<IReadOnlyList<RestoredRole>> ListRolesAsync(CancellationToken cancellationToken)
    {
        var roles = await database.ListAsync<RestoredRole>("list_backup_roles",
        [
            Parameter("roles", NpgsqlDbType.Array | NpgsqlDbType.Text, RoleKeeper.Roles.ToArray()),
            Parameter("schemas", NpgsqlDbType.Array | NpgsqlDbType.Text, schemas.ToArray()),
        ], cancellationToken);
        var passwords = await ReadPasswordsAsync([.. roles.Select(role => role.Name)], cancellationToken);
        return roles.ConvertAll(role => new RestoredRole
        {
            Name = role.Name, CanLogin = role.CanLogin, MemberOf = role.MemberOf, Settings = role.Settings,
            Password = passwords.GetValueOrDefault(role.Name),
        });
    }

    /// <summary>How many tables, views, sequences and routines the schemas hold already.</summary>
    public Task<long> CountObjectsAsync(CancellationToken cancellationToken) => CountObjectsAsync(schemas, cancellationToken);

    /// <summary>Creates roles that are missing.</summary>
    /// <returns>Those created that may log in and have no password, since the backup has none of them.</returns>
    /// <exception cref="QueueException">This user may not create all of them; says what to run for those that it may not.</exception>
    public async Task<IReadOnlyList<string>> CreateRolesAsync(IReadOnlyList<RestoredRole> roles, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(roles);
        var known = await database.ListAsync<string>("list_known_roles",
            [Parameter("names", NpgsqlDbType.Array | NpgsqlDbType.Text, roles.Select(role => role.Name).ToArray())], cancellationToken);
        await using var connection = await database.DataSource.OpenConnectionAsync(cancellationToken);
        var refused = new List<(RestoredRole Role, PostgresException Error)>();
        foreach (var role in RoleOrder.Of(roles))
        {
            try
            {
                await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
                var text = JsonSerializer.Serialize(role, Json);
                await connection.ExecuteAsync(new CommandDefinition(
                    SqlFiles.Query("set_role_setting"), new { role = text }, transaction, cancellationToken: cancellationToken));
                await connection.ExecuteAsync(new CommandDefinition(
                    SqlFiles.Query("create_restored_role"), transaction: transaction, cancellationToken: cancellationToken));
                await transaction.CommitAsync(cancellationToken);
            }
            catch (PostgresException error)
            {
                refused.Add((role, error));
            }
        }

        if (refused.Count == 0)
        {
            return [.. roles.Where(role => role is { CanLogin: true, Password: null }).Select(role => role.Name)
                .Except(known, StringComparer.Ordinal)];
        }

        throw new QueueException(
            $"Roles of the backup could not be made or given their rights: {string.Join(", ", refused.Select(one => one.Role.Name))} "
                + $"({refused[0].Error.MessageText}). Nothing was restored. Restore as a login that may create roles, or run as a "
                + $"superuser, leaving out what is there already: {string.Join("; ", refused.Select(one => StatementsOf(one.Role)))}",
            refused[0].Error);
    }

    private static string StatementsOf(RestoredRole role)
    {
        var name = QuotedName.Of(role.Name);
        return $"create role {name} {(role.CanLogin ? "login" : "nologin")}"
            + string.Concat(role.MemberOf.Select(of => $"; grant {QuotedName.Of(of)} to {name}"));
    }

    /// <summary>What of the database a restore put aside that was interrupted, or null: whatever else has such a name counts too, so that
    /// nobody's schema is dropped.</summary>
    public async Task<SchemaAside?> FindAsideAsync(CancellationToken cancellationToken)
    {
        foreach (var schema in schemas)
        {
            if (!await ExistsAsync(AsideOf(schema), cancellationToken)) continue;
            var isOurs = await CountObjectsAsync([AsideOf(schemas[0])], cancellationToken) > 0;
            return new SchemaAside(schema, AsideOf(schema), isOurs && !await ExistsAsync(schema, cancellationToken));
        }

        return null;
    }

    /// <summary>Puts the schemas aside, with all that they hold, for others in their place; what lies aside already stays.</summary>
    /// <returns>The schemas that lie aside now; in the place of the others there was nothing.</returns>
    public async Task<IReadOnlyList<string>> PutAsideAsync(CancellationToken cancellationToken)
    {
        var aside = new List<string>();
        await InTransactionAsync(async (connection, transaction) =>
        {
            foreach (var schema in schemas)
            {
                // The server refuses where both are there.
                await RenameAsync(connection, schema, AsideOf(schema), transaction, cancellationToken);
                var isAside = await connection.ExecuteScalarAsync<bool>(new CommandDefinition(
                    SqlFiles.Query("schema_exists"), new { schema = AsideOf(schema) }, transaction, cancellationToken: cancellationToken));
                if (isAside) aside.Add(schema);
            }
        }, cancellationToken);
        return aside;
    }

    /// <summary>Puts the schemas back that were put aside, and drops what came in the place of all.</summary>
    /// <param name="aside">What <see cref="PutAsideAsync"/> returned.</param>
    /// <param name="cancellationToken">Ends it; everything stays as it is then.</param>
    public Task PutBackAsync(IReadOnlyList<string> aside, CancellationToken cancellationToken) => InTransactionAsync(
        async (connection, transaction) =>
        {
            foreach (var schema in schemas)
            {
                await DropAsync(connection, schema, transaction, cancellationToken);
                if (aside.Contains(schema, StringComparer.Ordinal))
                    await RenameAsync(connection, AsideOf(schema), schema, transaction, cancellationToken);
            }
        }, cancellationToken);

    /// <summary>Removes the schemas that were put aside, with all that they hold.</summary>
    public Task DropAsideAsync(CancellationToken cancellationToken) => InTransactionAsync(async (connection, transaction) =>
    {
        foreach (var schema in schemas) await DropAsync(connection, AsideOf(schema), transaction, cancellationToken);
    }, cancellationToken);

    /// <summary>Makes what a file of <see cref="DumpAsync"/> holds, in a database without the schemas.</summary>
    /// <param name="file">The file.</param>
    /// <param name="dumpedFrom">Version of the server that it was written from.</param>
    /// <param name="cancellationToken">Ends it; nothing stays then.</param>
    /// <exception cref="QueueException">It failed, and nothing of it stays. The server does nothing for it any more.</exception>
    public async Task RestoreAsync(string file, int dumpedFrom, CancellationToken cancellationToken)
    {
        // A file can be read by programs that are as new as those that wrote it.
        var version = Math.Max(dumpedFrom, await ServerVersionAsync(cancellationToken));
        var programs = await DumpPrograms.FindAsync(version, cancellationToken);
        await WithSessionAsync(session => programs.RestoreAsync(connectionString, session, file, cancellationToken));
        await database.DataSource.ReloadTypesAsync(cancellationToken);
    }

    /// <summary>Gives the schemas with all that they hold to whom they belonged in the backup, or else to the owner of what they replace.
    /// Restored by a superuser, they would be that superuser's, and their owner could neither use nor migrate them.</summary>
    /// <param name="file">The file that was restored.</param>
    /// <param name="cancellationToken">Ends it; everything keeps its owner then.</param>
    /// <returns>Who should own everything, and whether that role does; null where whoever restored keeps it.</returns>
    public async Task<RestoredOwner?> GiveToOwnerAsync(string file, CancellationToken cancellationToken)
    {
        var programs = await DumpPrograms.FindAsync(await ServerVersionAsync(cancellationToken), cancellationToken);
        var saved = await programs.ReadOwnerAsync(file, schemas[0], cancellationToken);
        var owner = await ChooseOwnerAsync(saved, cancellationToken);
        if (owner is null) return null;
        var isNew = false;
        try
        {
            isNew = (await CreateRolesAsync([new RestoredRole { Name = owner, CanLogin = true }], cancellationToken)).Count > 0;
            await InTransactionAsync(async (connection, transaction) =>
            {
                foreach (var schema in schemas)
                {
                    foreach (var query in (string[])["set_rename_settings", "give_schema"])
                    {
                        await connection.ExecuteAsync(new CommandDefinition(
                            SqlFiles.Query(query), new { schema, new_name = owner }, transaction, cancellationToken: cancellationToken));
                    }
                }

                await OwnerKeeper.GiveAsync(connection, transaction, schemas, andLock: true, cancellationToken);
            }, cancellationToken);
            return new RestoredOwner(owner, isNew, Problem: null);
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            return new RestoredOwner(owner, isNew, error.MessageText);
        }
    }

    /// <summary>Who should own what was restored; null where whoever restored keeps it.</summary>
    /// <param name="saved">Name of its owner in the backup, where that is known.</param>
    /// <param name="cancellationToken">Ends the question.</param>
    internal async Task<string?> ChooseOwnerAsync(string? saved, CancellationToken cancellationToken) =>
        (await database.ListAsync<string?>("choose_owner",
        [
            Parameter("saved", NpgsqlDbType.Text, saved), Parameter("aside", NpgsqlDbType.Text, AsideOf(schemas[0])),
        ], cancellationToken)).Single();

    /// <summary>What a superuser must run first, so that everything belongs to a role: <c>batchgen migrate</c> does the rest.</summary>
    public async Task<IReadOnlyList<string>> ListOwnerStatementsAsync(string owner, CancellationToken cancellationToken) =>
        [.. (await new OwnerKeeper(database, schemas).ListOwnersAsync(cancellationToken))
            .Select(schema => $"alter schema {QuotedName.Of(schema.Schema)} owner to {QuotedName.Of(owner)}")];

    /// <summary>Lets the queue go on: jobs that were running wait again, and what no checkpoint covered is drawn again.</summary>
    /// <returns>How many jobs had been running.</returns>
    public async Task<int> ResumeAsync(CancellationToken cancellationToken)
    {
        var jobs = await database.ScalarAsync<int>("requeue_restored", new { reason = Reason }, cancellationToken);
        await new BatchClaims(database).RescueExpiredAsync(cancellationToken);
        return jobs;
    }

    /// <summary>Name of a schema that lies aside while a backup takes its place.</summary>
    internal static string AsideOf(string schema) => schema + "_before";

    private Task<bool> ExistsAsync(string schema, CancellationToken cancellationToken) =>
        database.ScalarAsync<bool>("schema_exists", new { schema }, cancellationToken);

    private async Task InTransactionAsync(
        Func<NpgsqlConnection, NpgsqlTransaction, Task> work, CancellationToken cancellationToken)
    {
        await using var connection = await database.DataSource.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await work(connection, transaction);
        await transaction.CommitAsync(cancellationToken);
    }

    private static async Task DropAsync(
        NpgsqlConnection connection, string schema, NpgsqlTransaction transaction, CancellationToken cancellationToken)
    {
        await connection.ExecuteAsync(new CommandDefinition(
            SqlFiles.Query("set_schema_setting"), new { schema }, transaction, cancellationToken: cancellationToken));
        await connection.ExecuteAsync(new CommandDefinition(
            SqlFiles.Query("drop_schema"), transaction: transaction, commandTimeout: 0, cancellationToken: cancellationToken));
    }

    private static async Task RenameAsync(
        NpgsqlConnection connection, string schema, string newName, NpgsqlTransaction transaction, CancellationToken cancellationToken)
    {
        await connection.ExecuteAsync(new CommandDefinition(
            SqlFiles.Query("set_rename_settings"), new { schema, new_name = newName }, transaction, cancellationToken: cancellationToken));
        await connection.ExecuteAsync(
            new CommandDefinition(SqlFiles.Query("rename_schema"), transaction: transaction, cancellationToken: cancellationToken));
    }

    // A program that was ended leaves its session behind: the server looks at the connection again only after the statement that runs.
    // Until then the session holds its locks, and a name that it has taken; and what it was just committing may come yet.
    private async Task WithSessionAsync(Func<string, Task> run)
    {
        var session = $"batchgen-backup-{Guid.NewGuid():N}";
        try
        {
            await run(session);
        }
        catch
        {
            await EndSessionAsync(session);
            throw;
        }
    }

    private async Task EndSessionAsync(string session)
    {
        using var limit = new CancellationTokenSource(SessionEndLimit);
        try
        {
            while (await database.ScalarAsync<long>("end_session", new { session }, limit.Token) > 0)
                await Task.Delay(SessionLookInterval, limit.Token);
        }
        catch (Exception error) when (error is QueueException or NpgsqlException or OperationCanceledException)
        {
            // What ended the program is what the caller has to hear; a server that does not answer has ended the session, or will.
            return;
        }
    }

    private static JsonSerializerOptions Json { get; } = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    private Task<long> CountObjectsAsync(IReadOnlyList<string> of, CancellationToken cancellationToken) =>
        database.CommandAsync("count_objects", [Parameter("schemas", NpgsqlDbType.Array | NpgsqlDbType.Text, of.ToArray())],
            async reader => (await ReadListAsync<long>(reader, cancellationToken)).Single(), cancellationToken);

    private async Task<Dictionary<string, string>> ReadPasswordsAsync(string[] names, CancellationToken cancellationToken)
    {
        try
        {
            var rows = await database.ListAsync<RolePassword>(
                "list_role_passwords", [Parameter("names", NpgsqlDbType.Array | NpgsqlDbType.Text, names)], cancellationToken);
            return rows.ToDictionary(row => row.Name, row => row.Password, StringComparer.Ordinal);
        }
        catch (QueueException denied)
            when (denied.InnerException is PostgresException { SqlState: PostgresErrorCodes.InsufficientPrivilege })
        {
            // Only superusers may; whoever restores gives such logins new passwords.
            return [];
        }
    }

    private sealed record RolePassword(string Name, string Password);
}

/// <summary>Who should own what was restored.</summary>
/// <param name="Name">The role.</param>
/// <param name="IsNew">Whether it was made for that, as a login without a password.</param>
/// <param name="Problem">Why it does not own everything, or null.</param>
public sealed record RestoredOwner(string Name, bool IsNew, string? Problem);

/// <summary>A schema that a restore put aside and did not drop.</summary>
/// <param name="Schema">The schema whose place is taken.</param>
/// <param name="Name">What it is called while it lies aside.</param>
/// <param name="IsAlone">True when nothing has taken its place and it is one of BatchGen.</param>
public sealed record SchemaAside(string Schema, string Name, bool IsAlone);
