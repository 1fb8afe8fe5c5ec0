using BatchGen.Queue.Sql;
using Dapper;
using Npgsql;

namespace BatchGen.Queue.Migrations;

/// <summary>The search path that functions see while they are made.</summary>
internal static class SearchPath
{
    /// <summary>Lets a session find the schema, and temporary objects last.</summary>
    public static Task PinAsync(NpgsqlConnection connection, string schema, CancellationToken cancellationToken) =>
        connection.ExecuteAsync(
            new CommandDefinition(SqlFiles.Query("pin_search_path"), new { schema }, cancellationToken: cancellationToken));
}
