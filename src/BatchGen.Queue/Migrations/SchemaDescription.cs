using BatchGen.Queue.Sql;
using Dapper;
using Npgsql;

namespace BatchGen.Queue.Migrations;

/// <summary>What is known of a schema before anything in it is read.</summary>
internal sealed class SchemaDescription
{
    /// <summary>Version of the server, as its <c>server_version_num</c>.</summary>
    public int Server { get; init; }

    /// <summary>Whether the tables are there that say how far the schema is.</summary>
    public bool HasState { get; init; }

    /// <summary>Whether this user may migrate it; true where there is no schema yet.</summary>
    public bool IsOwner { get; init; }

    /// <summary>Describes a schema, whether it is there or not.</summary>
    public static Task<SchemaDescription> ReadAsync(NpgsqlConnection connection, string schema, CancellationToken cancellationToken) =>
        connection.QuerySingleAsync<SchemaDescription>(
            new CommandDefinition(SqlFiles.Query("describe_schema"), new { schema }, cancellationToken: cancellationToken));
}
