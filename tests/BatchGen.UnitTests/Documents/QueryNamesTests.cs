using System.Text.RegularExpressions;

namespace BatchGen.UnitTests.Documents;

/// <summary>A search for a query's name finds its callers, and every query has one.</summary>
public partial class QueryNamesTests
{
    private static IReadOnlyList<(string Path, string Text)> Sources { get; } =
        [.. from path in RepositoryFiles.Files
            where path.StartsWith("src/", StringComparison.Ordinal) && path.EndsWith(".cs", StringComparison.Ordinal)
            select (path, RepositoryFiles.Read(path))];

    [Fact]
    public void Every_query_is_named_by_a_literal_of_the_program()
    {
        var literals = Sources.SelectMany(source => Literal().Matches(source.Text)).Select(match => match.Groups["name"].Value)
            .ToHashSet(StringComparer.Ordinal);
        Faults.AssertNone([.. from query in RepositoryNames.Queries
                              where !literals.Contains(query)
                              select $"nothing runs the query '{query}'; remove its file"]);
    }

    [Fact]
    public void Every_statement_of_a_chaos_run_is_named_by_a_literal_of_it()
    {
        var literals = Sources.Where(source => source.Path.StartsWith("src/BatchGen.Chaos/", StringComparison.Ordinal))
            .SelectMany(source => Literal().Matches(source.Text)).Select(match => match.Groups["name"].Value)
            .ToHashSet(StringComparer.Ordinal);
        var statements = RepositoryFiles.Files.Where(path => path.StartsWith("db/chaos/", StringComparison.Ordinal))
            .Select(path => Path.GetFileNameWithoutExtension(path)).ToArray();
        Assert.NotEmpty(statements);
        Faults.AssertNone([.. from statement in statements
                              where !literals.Contains(statement)
                              select $"nothing runs the statement '{statement}'; remove its file"]);
    }

    [Fact]
    public void Every_query_that_the_program_runs_exists() =>
        Faults.AssertNone([.. from source in Sources
                              from Match call in Call().Matches(source.Text)
                              let name = call.Groups["name"].Value
                              where !RepositoryNames.Queries.Contains(name)
                              select $"{source.Path}: there is no query '{name}'"]);

    [Fact]
    public void No_name_of_a_query_is_put_together_at_run_time() =>
        Faults.AssertNone([.. from source in Sources
                              where source.Path.StartsWith("src/BatchGen.Queue/", StringComparison.Ordinal)
                              from Match part in Concatenated().Matches(source.Text)
                              let start = part.Groups["start"].Value
                              where RepositoryNames.Queries.Any(query => query.StartsWith(start, StringComparison.Ordinal))
                              select $"{source.Path}: '{start}' begins the name of a query; write the whole names"]);

    [GeneratedRegex("\"(?<name>[a-z][a-z0-9]*(_[a-z0-9]+)+)\"", RegexOptions.ExplicitCapture)]
    private static partial Regex Literal();

    // The methods of QueueDatabase and SqlFiles that take a query's name first.
    [GeneratedRegex("""
        (database\.(Query|Scalar|Execute|Command|Call|List)Async(<[^()]*>)?|SqlFiles\.(Query|Statement))\(\s*"(?<name>\w+)"
        """, RegexOptions.ExplicitCapture)]
    private static partial Regex Call();

    [GeneratedRegex("""("(?<start>[a-z]+_[a-z_]*)"\s*\+|\$"(?<start>[a-z]+_[a-z_]*)\{)""", RegexOptions.ExplicitCapture)]
    private static partial Regex Concatenated();
}
