using BatchGen.Queue.Migrations;
using BatchGen.Queue.Sql;
using Dapper;
using Npgsql;
using NpgsqlTypes;
using static BatchGen.Queue.QueueDatabase;

namespace BatchGen.Queue.Roles;

/// <summary>Finds what in the schemas belongs to another role than the schema, and gives it back.</summary>
/// <param name="database">The database.</param>
/// <param name="schemas">The schema of the queue, and that of recurring work.</param>
public sealed class OwnerKeeper(QueueDatabase database, IReadOnlyList<string> schemas)
{
    // As list_foreign_objects names it.
    private const string LockedTable = "table schema_lock";

    /// <value>The lock that is held while anything is given, with its limits.</value>
    internal MigrationLock Lock { get; init; } = new(database);

    /// <summary>Whom each of the schemas belongs to that are there.</summary>
    public async Task<IReadOnlyList<SchemaOwner>> ListOwnersAsync(CancellationToken cancellationToken) =>
        await database.ListAsync<SchemaOwner>(
            "list_schema_owners", [Parameter("schemas", NpgsqlDbType.Array | NpgsqlDbType.Text, schemas.ToArray())], cancellationToken);

    /// <summary>What belongs to another role than its schema.</summary>
    public async Task<IReadOnlyList<ForeignObject>> ListForeignAsync(CancellationToken cancellationToken) =>
        await database.RunAsync(connection => ListAsync(connection, transaction: null, schemas, cancellationToken), cancellationToken);

    /// <summary>Gives what belongs to another role to the owner of its schema, as far as this user may act for both.</summary>
    /// <returns>What belonged to others, and what still does.</returns>
    /// <exception cref="QueueException">Another session keeps a lock; nothing was given.</exception>
    public Task<(IReadOnlyList<ForeignObject> Before, IReadOnlyList<ForeignObject> After)> MendAsync(CancellationToken cancellationToken) =>
        Lock.SayErrorsAsync(async () =>
        {
            // Without anything to do nobody waits for the lock.
            var seen = await ListForeignAsync(cancellationToken);
            return seen.Any(one => one.Statement is not null) ? await MendAloneAsync(seen, cancellationToken) : (seen, seen);
        });

    /// <summary>Gives within a transaction what belongs to another role to the owner of its schema.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="transaction">The transaction; it holds the locks of what was given until it ends.</param>
    /// <param name="schemas">The schemas.</param>
    /// <param name="andLock">Whether to give the table that migrations lock, too, for which this session would wait where another one
    /// holds the lock.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>What belonged to others.</returns>
    internal static async Task<IReadOnlyList<ForeignObject>> GiveAsync(
        NpgsqlConnection connection, NpgsqlTransaction transaction, IReadOnlyList<string> schemas, bool andLock,
        CancellationToken cancellationToken)
    {
        var found = await ListAsync(connection, transaction, schemas, cancellationToken);
        var given = found.Where(one => one.Statement is not null && (andLock || one.Object != LockedTable))
            .Select(one => one.Statement).ToArray();
        if (given.Length == 0) return found;
        await connection.ExecuteAsync(new CommandDefinition(
            SqlFiles.Query("set_given_setting"), new { given }, transaction, cancellationToken: cancellationToken));
        await connection.ExecuteAsync(
            new CommandDefinition(SqlFiles.Query("give_to_owner"), transaction: transaction, cancellationToken: cancellationToken));
        return found;
    }

    private async Task<(IReadOnlyList<ForeignObject> Before, IReadOnlyList<ForeignObject> After)> MendAloneAsync(
        IReadOnlyList<ForeignObject> seen, CancellationToken cancellationToken)
    {
        await using var connection = await database.DataSource.OpenConnectionAsync(cancellationToken);
        await SearchPath.PinAsync(connection, database.Options.Schema, cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        try
        {
            // Not on a connection of its own: the table that is locked may be one of those to give.
            await Lock.TakeWithinAsync(connection, transaction, cancellationToken);
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            // Whoever may act for the owner of recurring work only, or where the locked table is not the owner's.
            return (seen, seen);
        }

        await Lock.LimitWaitsAsync(connection, transaction, cancellationToken);
        var before = await GiveAsync(connection, transaction, schemas, andLock: true, cancellationToken);
        var after = await ListAsync(connection, transaction, schemas, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return (before, after);
    }

    private static async Task<IReadOnlyList<ForeignObject>> ListAsync(
        NpgsqlConnection connection, NpgsqlTransaction? transaction, IReadOnlyList<string> schemas, CancellationToken cancellationToken) =>
            (await connection.QueryAsync<ForeignObject>(new CommandDefinition(
                SqlFiles.Query("list_foreign_objects"), new { schemas = schemas.ToArray() }, transaction,
                cancellationToken: cancellationToken))).AsList();
}

/// <summary>Whom a schema belongs to.</summary>
public sealed class SchemaOwner
{
    /// <summary>Name of the schema.</summary>
    public string Schema { get; init; } = "";

    /// <summary>Name of its owner.</summary>
    public string Owner { get; init; } = "";

    /// <summary>Whether the owner is superuser.</summary>
    public bool IsSuperuser { get; init; }

    /// <summary>Whether this login may act as the owner.</summary>
    public bool IsMember { get; init; }

    /// <summary>Statement that lets the owner create the schema which functions are compared in.</summary>
    public string LetCompareStatement => $"grant create on database {QuotedName.Of(Database)} to {QuotedName.Of(Owner)}";

    /// <summary>Name of the database.</summary>
    public string Database { get; init; } = "";

    /// <summary>A role that could own it instead of a superuser; null where none is known.</summary>
    public string? Suggested { get; init; }
}

/// <summary>Something that belongs to another role than its schema.</summary>
/// <param name="Object">Its kind and name.</param>
/// <param name="Owner">Name of its owner.</param>
/// <param name="SchemaOwner">Name of the owner of the schema.</param>
/// <param name="Statement">Statement that gives it to that owner; null where this login may not.</param>
public sealed record ForeignObject(string Object, string Owner, string SchemaOwner, string? Statement);
