using System.Text.Json;
using BatchGen.Queue.Claims;
using BatchGen.Queue.Inspection;
using BatchGen.Queue.Migrations;
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
        await programs.DumpAsync(connectionString, present, file, cancellationToken);
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
    /// <exception cref="QueueException">This user may not; says what to run instead. Nothing was created then.</exception>
    public async Task CreateRolesAsync(IReadOnlyList<RestoredRole> roles, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(roles);
        await using var connection = await database.DataSource.OpenConnectionAsync(cancellationToken);
        // Those that others are members of come first.
        foreach (var role in roles.OrderBy(role => role.MemberOf.Length))
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
            catch (PostgresException refused)
            {
                throw new QueueException($"Role '{role.Name}' of the backup could not be made or given its rights: {refused.MessageText}. "
                    + "Restore as a login that may create roles, or make the role first as a superuser: "
                    + $"create role \"{role.Name}\" {(role.CanLogin ? "login" : "nologin")}"
                    + string.Concat(role.MemberOf.Select(of => $"; grant \"{of}\" to \"{role.Name}\"")), refused);
            }
        }
    }

    /// <summary>Removes the schemas with all that they hold.</summary>
    public async Task DropAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.DataSource.OpenConnectionAsync(cancellationToken);
        foreach (var schema in schemas)
        {
            await connection.ExecuteAsync(
                new CommandDefinition(SqlFiles.Query("set_schema_setting"), new { schema }, cancellationToken: cancellationToken));
            await connection.ExecuteAsync(
                new CommandDefinition(SqlFiles.Query("drop_schema"), commandTimeout: 0, cancellationToken: cancellationToken));
        }
    }

    /// <summary>Makes what a file of <see cref="DumpAsync"/> holds, in a database without the schemas.</summary>
    /// <param name="file">The file.</param>
    /// <param name="dumpedFrom">Version of the server that it was written from.</param>
    /// <param name="cancellationToken">Ends it; nothing stays then.</param>
    /// <exception cref="QueueException">It failed, and nothing of it stays.</exception>
    public async Task RestoreAsync(string file, int dumpedFrom, CancellationToken cancellationToken)
    {
        // A file can be read by programs that are as new as those that wrote it.
        var version = Math.Max(dumpedFrom, await ServerVersionAsync(cancellationToken));
        await (await DumpPrograms.FindAsync(version, cancellationToken)).RestoreAsync(connectionString, file, cancellationToken);
        await database.DataSource.ReloadTypesAsync(cancellationToken);
    }

    /// <summary>Lets the queue go on: jobs that were running wait again, and what no checkpoint covered is drawn again.</summary>
    /// <returns>How many jobs had been running.</returns>
    public async Task<int> ResumeAsync(CancellationToken cancellationToken)
    {
        var jobs = await database.ScalarAsync<int>("requeue_restored", new { reason = Reason }, cancellationToken);
        await new BatchClaims(database).RescueExpiredAsync(cancellationToken);
        return jobs;
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
