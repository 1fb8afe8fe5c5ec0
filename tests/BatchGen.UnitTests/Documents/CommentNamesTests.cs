using System.Text.RegularExpressions;

namespace BatchGen.UnitTests.Documents;

/// <summary>Comments in the program's C# and SQL name files, types, settings, commands and SQL that exist.</summary>
public partial class CommentNamesTests
{
    private static readonly IReadOnlySet<string> None = new HashSet<string>();

    // Projects whose comments speak of SQL; elsewhere words with underscores are keys of weights files.
    private static readonly string[] ProjectsWithSql =
    [
        "src/BatchGen.Queue/", "src/BatchGen.Dashboard/", "src/BatchGen.Worker/", "src/BatchGen/",
    ];

    [Fact]
    public void Comments_in_csharp_name_files_that_exist() => Check(RepositoryNames.Comments, NameRules.FaultsOfFiles);

    [Fact]
    public void Comments_in_csharp_name_settings_and_environment_variables_that_exist() =>
        Check(RepositoryNames.Comments, text => NameRules.FaultsOfSettings(text).Concat(NameRules.FaultsOfEnvironment(text)));

    [Fact]
    public void Comments_in_csharp_name_types_that_exist() =>
        Check(RepositoryNames.Comments.Select(comment => comment with { Text = Reference().Replace(comment.Text, " ") }),
            NameRules.FaultsOfTypes);

    [Fact]
    public void Comments_in_csharp_name_commands_that_exist() =>
        Check(
            RepositoryNames.Comments, text => CodeElement().Matches(text).SelectMany(match => KnownCommands.Faults(match.Groups[1].Value)));

    [Fact]
    public void Texts_and_examples_of_the_program_name_commands_that_exist()
    {
        var texts = from source in RepositoryNames.CSharp
                    where source.Key.StartsWith("src/", StringComparison.Ordinal)
                    from text in source.Value.Strings
                    // Elsewhere a sentence may begin with the program's name.
                    let isExample = text.Text.StartsWith("batchgen ", StringComparison.Ordinal)
                        && source.Key.StartsWith("src/BatchGen/Commands/", StringComparison.Ordinal)
                    from command in isExample ? [text.Text] : QuotedCommand().Matches(text.Text).Select(match => match.Groups[1].Value)
                    select (source.Key, text.Line, command);
        Check(texts, KnownCommands.Faults);
    }

    [Fact]
    public void Comments_in_csharp_name_sql_that_exists() =>
        Check(RepositoryNames.Comments.Where(
            comment => ProjectsWithSql.Any(project => comment.Path.StartsWith(project, StringComparison.Ordinal))),
            text =>
                CodeElement().Matches(text).SelectMany(match => NameRules.FaultsOfSql(match.Groups[1].Value, RepositoryNames.StringWords)));

    [Fact]
    public void Comments_in_sql_name_files_types_and_settings_that_exist() =>
        Check(SqlComments(),
            text => NameRules.FaultsOfFiles(text).Concat(NameRules.FaultsOfTypes(text)).Concat(NameRules.FaultsOfSettings(text)));

    [Fact]
    public void Comments_in_sql_name_tables_columns_functions_and_queries_that_exist() =>
        Check(SqlComments(), text => NameRules.FaultsOfSql(text, None));

    [Fact]
    public void Comments_of_the_schema_name_tables_columns_functions_and_queries_that_exist() =>
        Check(RepositoryNames.SchemaComments.Select(comment => (comment.Path, comment.Line, comment.Text)),
            text => NameRules.FaultsOfSql(text, None));

    [Fact]
    public void Comments_of_indexes_begin_with_the_queries_functions_or_views_that_use_them()
    {
        var faults = new List<string>();
        foreach (var (path, line, _, index, text) in RepositoryNames.SchemaComments.Where(comment => comment.Kind == "index"))
        {
            var colon = text.IndexOf(':', StringComparison.Ordinal);
            if (colon < 0)
            {
                faults.Add($"{path}:{line}: the comment of index {index} has no colon; write 'claim_batch, list_jobs: what for'");
                continue;
            }

            faults.AddRange(from name in text[..colon].Split(',', StringSplitOptions.TrimEntries)
                            where !RepositoryNames.Queries.Contains(name) && !RepositoryNames.SqlFunctions.Contains(name)
                                && !RepositoryNames.SqlRelations.Contains(name)
                            select $"{path}:{line}: index {index} is for '{name}', which is no query, function or view");
        }

        Faults.AssertNone(faults);
    }

    [Fact]
    public void Headers_of_queries_name_exactly_the_parameters_of_the_statement()
    {
        var faults = new List<string>();
        foreach (var (path, scanner) in RepositoryNames.Sql.Where(source => source.Key.StartsWith("db/queries/", StringComparison.Ordinal)))
        {
            var named = scanner.Comments.SelectMany(comment => Parameter().Matches(comment.Text)).Select(match => match.Value)
                .ToHashSet(StringComparer.Ordinal);
            var used = Parameter().Matches(scanner.Code).Select(match => match.Value).ToHashSet(StringComparer.Ordinal);
            faults.AddRange(named.Except(used).Select(name => $"{path}: the header names {name}, which the statement does not take"));
            faults.AddRange(used.Except(named).Select(name => $"{path}: the header does not name {name}"));
        }

        Faults.AssertNone(faults);
    }

    private static IEnumerable<(string Path, int Line, string Text)> SqlComments() =>
        from source in RepositoryNames.Sql
        from comment in source.Value.Comments
        select (source.Key, comment.Line, comment.Text);

    private static void Check(IEnumerable<(string Path, int Line, string Text)> comments, Func<string, IEnumerable<string>> rule) =>
        Faults.AssertNone([.. from comment in comments from fault in rule(comment.Text) select $"{comment.Path}:{comment.Line}: {fault}"]);

    [GeneratedRegex("'(batchgen [^']+)'")]
    private static partial Regex QuotedCommand();

    [GeneratedRegex("<c>(.*?)</c>")]
    private static partial Regex CodeElement();

    // References that the compiler checks, and addresses.
    [GeneratedRegex("""(cref|name|href)="[^"]*"|https?://\S+""")]
    private static partial Regex Reference();

    [GeneratedRegex(@"(?<![@\w])@[a-z][a-z0-9_]*")]
    private static partial Regex Parameter();
}
