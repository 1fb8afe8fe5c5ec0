using System.Text.RegularExpressions;
using BatchGen.Queue.Sql;
using Dapper;
using Npgsql;

namespace BatchGen.Queue.Migrations;

/// <summary>Compares functions, procedures and views of a schema with what the files of this program make.</summary>
/// <remarks>What the files make is made in a schema of its own, in a transaction that is undone: nobody waits for it, and nothing stays.
/// </remarks>
internal sealed partial class FunctionInspector(NpgsqlConnection connection, string schema)
{
    private static readonly Dictionary<string, string> FileOf = SqlFiles.ListFunctions()
        .SelectMany(file => (file.IsView ? [file.Name] : file.Routines).Select(name => (Name: name, File: file.Name)))
        .DistinctBy(made => made.Name, StringComparer.Ordinal)
        .ToDictionary(made => made.Name, made => made.File, StringComparer.Ordinal);

    /// <summary>What differs; null when this user may make no schema to compare with.</summary>
    /// <exception cref="QueueException">What this program makes cannot be made beside what the schema holds.</exception>
    public async Task<IReadOnlyList<FunctionDifference>?> FindDifferencesAsync(CancellationToken cancellationToken)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var found = await DescribeAsync(transaction, cancellationToken);
        // Nobody can have put anything into a schema of this name, and nobody else sees it before it is gone.
        var made = "batchgen_compared_" + Guid.NewGuid().ToString("N");
        try
        {
            await RunAsync("set_schema_setting", new { schema = made }, transaction, cancellationToken);
            await RunAsync("create_compared_schema", null, transaction, cancellationToken);
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            return null;
        }

        try
        {
            var wanted = await MakeAsync(made, transaction, cancellationToken);
            await transaction.RollbackAsync(cancellationToken);
            return Compare(wanted, found);
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.AmbiguousFunction)
        {
            throw new QueueException(
                $"Functions and views of schema '{schema}' cannot be compared: {error.MessageText}. Drop what somebody made beside them; "
                    + "batchgen doctor names the statements.", error);
        }
    }

    private async Task<List<Described>> MakeAsync(string made, NpgsqlTransaction transaction, CancellationToken cancellationToken)
    {
        await RunAsync("set_compared_path", new { made, schema }, transaction, cancellationToken);
        await RunAsync("skip_body_checks", null, transaction, cancellationToken);
        var files = SqlFiles.ListFunctions();
        foreach (var file in files.Where(file => !file.IsView && file.Routines.Count > 0))
            await ExecuteAsync(RoutineComment().Replace(file.Text, ""), transaction, cancellationToken);
        await RunAsync("try_settings", null, transaction, cancellationToken);
        // Before the views, whose row types would stand in front of those that the routines name.
        var wanted = await ListAsync("describe_routines", transaction, cancellationToken);
        foreach (var file in files.Where(file => file.IsView)) await ExecuteAsync(file.Text, transaction, cancellationToken);
        wanted.AddRange(await ListAsync("describe_views", transaction, cancellationToken));
        return wanted;
    }

    private async Task<List<Described>> DescribeAsync(NpgsqlTransaction transaction, CancellationToken cancellationToken) =>
    [
        .. await ListAsync("describe_routines", transaction, cancellationToken),
        .. await ListAsync("describe_views", transaction, cancellationToken),
    ];

    private static FunctionDifference[] Compare(List<Described> wanted, List<Described> found)
    {
        var present = found.DistinctBy(one => (one.Name, one.Attribute)).ToDictionary(one => (one.Name, one.Attribute), one => one.Value);
        var differences = new List<FunctionDifference>();
        foreach (var one in wanted.GroupBy(one => one.Name, StringComparer.Ordinal))
        {
            // What no file makes is not ours, such as what an event trigger adds.
            if (!FileOf.TryGetValue(one.First().Routine, out var file)) continue;
            if (!present.ContainsKey((one.Key, one.First().Attribute))) differences.Add(new(file, $"{one.Key} is missing"));
            else
            {
                var other = one.Where(attribute => present[(attribute.Name, attribute.Attribute)] != attribute.Value)
                    .Select(attribute => Say(attribute, present[(attribute.Name, attribute.Attribute)])).ToArray();
                if (other.Length > 0) differences.Add(new(file, $"{one.Key} {string.Join(" and ", other)}"));
            }
        }

        return [.. differences.OrderBy(difference => difference.What, StringComparer.Ordinal)];
    }

    // A body is long, and what it says does not help whoever looks.
    private static string Say(Described wanted, string found) => wanted.Attribute switch
    {
        "body" => "has another body",
        "defaults" or "options" or "result" or "settings" or "estimates" => $"has other {wanted.Attribute}",
        _ => $"is {found} and not {wanted.Value}",
    };

    private async Task<List<Described>> ListAsync(string query, NpgsqlTransaction transaction, CancellationToken cancellationToken) =>
        (await connection.QueryAsync<Described>(new CommandDefinition(
            SqlFiles.Query(query), transaction: transaction, cancellationToken: cancellationToken))).AsList();

    private Task<int> RunAsync(string query, object? parameters, NpgsqlTransaction transaction, CancellationToken cancellationToken) =>
        connection.ExecuteAsync(
            new CommandDefinition(SqlFiles.Query(query), parameters, transaction, cancellationToken: cancellationToken));

    private Task<int> ExecuteAsync(string statements, NpgsqlTransaction transaction, CancellationToken cancellationToken) =>
        connection.ExecuteAsync(new CommandDefinition(statements, transaction: transaction, cancellationToken: cancellationToken));

    // A comment names its routine without parameters, which fits several where somebody made another one; comments are not compared.
    [GeneratedRegex(@"^comment on (function|procedure) .*?';$", RegexOptions.Multiline | RegexOptions.Singleline
        | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex RoutineComment();

    private sealed class Described
    {
        public string Name { get; init; } = "";

        public string Routine { get; init; } = "";

        public string Attribute { get; init; } = "";

        public string Value { get; init; } = "";
    }
}

/// <summary>A function, procedure or view that differs from what its file makes.</summary>
/// <param name="File">Name of the file of <c>db/functions</c> that makes it.</param>
/// <param name="What">Its name and how it differs.</param>
public sealed record FunctionDifference(string File, string What);
