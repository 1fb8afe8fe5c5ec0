using BatchGen.Queue.Sql;
using Dapper;
using NpgsqlTypes;
using static BatchGen.Queue.QueueDatabase;

namespace BatchGen.Queue.Migrations;

/// <summary>Finds what in the schemas belongs to another role than the schema, and gives it back.</summary>
/// <param name="database">The database.</param>
/// <param name="schemas">The schema of the queue, and that of recurring work.</param>
public sealed class OwnerKeeper(QueueDatabase database, IReadOnlyList<string> schemas)
{
    /// <summary>Whom each of the schemas belongs to that are there.</summary>
    public async Task<IReadOnlyList<SchemaOwner>> ListOwnersAsync(CancellationToken cancellationToken) =>
        await database.ListAsync<SchemaOwner>("list_schema_owners", [Schemas()], cancellationToken);

    /// <summary>What belongs to another role than its schema.</summary>
    public async Task<IReadOnlyList<ForeignObject>> ListForeignAsync(CancellationToken cancellationToken) =>
        await database.ListAsync<ForeignObject>("list_foreign_objects", [Schemas()], cancellationToken);

    /// <summary>Gives what belongs to another role to the owner of its schema, as far as this user may act for both.</summary>
    /// <returns>What belonged to others, and what still does.</returns>
    public async Task<(IReadOnlyList<ForeignObject> Before, IReadOnlyList<ForeignObject> After)> MendAsync(
        CancellationToken cancellationToken)
    {
        var before = await ListForeignAsync(cancellationToken);
        if (before.Count == 0) return (before, before);
        await using var connection = await database.DataSource.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        foreach (var schema in schemas)
        {
            await connection.ExecuteAsync(new CommandDefinition(
                SqlFiles.Query("set_schema_setting"), new { schema }, transaction, cancellationToken: cancellationToken));
            await connection.ExecuteAsync(new CommandDefinition(
                SqlFiles.Query("give_to_owner"), transaction: transaction, cancellationToken: cancellationToken));
        }

        await transaction.CommitAsync(cancellationToken);
        return (before, await ListForeignAsync(cancellationToken));
    }

    private Npgsql.NpgsqlParameter Schemas() => Parameter("schemas", NpgsqlDbType.Array | NpgsqlDbType.Text, schemas.ToArray());
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
public sealed record ForeignObject(string Object, string Owner, string SchemaOwner);
