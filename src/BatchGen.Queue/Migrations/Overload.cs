using BatchGen.Queue.Sql;
using Dapper;
using Npgsql;

namespace BatchGen.Queue.Migrations;

/// <summary>A routine that shares its name with one of the program and takes other parameters: calls may reach it in its place.</summary>
/// <param name="Routine">Its name and the types of its parameters.</param>
/// <param name="Remedy">Statement that drops it.</param>
public sealed record Overload(string Routine, string Remedy)
{
    private static readonly string[] Names = [.. SqlFiles.ListFunctions().SelectMany(file => file.Routines)];

    /// <summary>What is wrong, as a sentence.</summary>
    public string Problem => $"{Routine} has the name of a function of BatchGen and other parameters: calls may reach it instead.";

    /// <summary>What to do about it, as a sentence without its full stop.</summary>
    public string Advice => $"If nobody means it, run as the owner of the schema: {Remedy}";

    /// <summary>Lists those of the first schema of the search path.</summary>
    internal static async Task<IReadOnlyList<Overload>> ListAsync(
        NpgsqlConnection connection, NpgsqlTransaction? transaction, CancellationToken cancellationToken) =>
            (await connection.QueryAsync<Overload>(new CommandDefinition(
                SqlFiles.Query("list_overloads"), new { names = Names }, transaction, cancellationToken: cancellationToken))).AsList();
}
