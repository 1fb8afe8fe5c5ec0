using System.Text.RegularExpressions;

namespace BatchGen.UnitTests.Documents;

/// <summary>Everything that the documents name exists: files, types, commands, options, settings, SQL.</summary>
public partial class DocumentNamesTests
{
    private static IEnumerable<MarkdownPage> Pages =>
        MarkdownPage.All.Where(page => !AllowedNames.DocumentsOfOtherPrograms.Contains(page.Path));

    [Fact]
    public void Documents_name_files_and_folders_that_exist() => Check(NameRules.FaultsOfFiles, NameRules.FaultsOfFiles);

    [Fact]
    public void Documents_name_types_and_members_that_exist() =>
        Check(span => from Match match in PascalSpan().Matches(span)
                      let name = match.Groups[1].Value
                      where !AllowedNames.Words.Contains(name) && !RepositoryNames.HasIdentifier(name) && !IsSetting(name)
                      select $"there is no type, member or setting '{name}'");

    [Fact]
    public void Documents_name_commands_and_options_that_exist()
    {
        var faults = new List<string>();
        foreach (var page in Pages)
        {
            faults.AddRange(from line in page.Spans.Concat(page.BlockLines)
                            from fault in KnownCommands.Faults(line.Text)
                            select $"{page.Path}:{line.Line}: {fault}");
            faults.AddRange(from span in page.Spans
                            let option = OptionSpan().Match(span.Text)
                            where option.Success && !KnownCommands.HasOption(option.Value) && !AllowedNames.Options.Contains(option.Value)
                            select $"{page.Path}:{span.Line}: no command has the option {option.Value}");
        }

        Faults.AssertNone(faults);
    }

    [Fact]
    public void Documents_name_settings_that_exist() => Check(NameRules.FaultsOfSettings, NameRules.FaultsOfSettings, blocks: true);

    [Fact]
    public void Documents_name_environment_variables_and_build_switches_that_exist() =>
        Check(NameRules.FaultsOfEnvironment, NameRules.FaultsOfEnvironment, blocks: true);

    [Fact]
    public void Documents_name_metrics_that_exist() =>
        Check(span => MetricSpan().IsMatch(span) && !RepositoryNames.StringWords.Contains(span) && !IsOfSchema(span)
            ? [$"there is no instrument '{span}'"]
            : []);

    [Fact]
    public void Documents_name_sql_functions_tables_columns_and_fields_that_exist() =>
        Check(span => NameRules.FaultsOfSql(span, OtherWords));

    [Fact]
    public void The_document_of_the_database_lists_tables_and_views_that_exist() =>
        Faults.AssertNone([.. from line in RepositoryFiles.Read("db/README.md").Split('\n')
                              where line.StartsWith("| `", StringComparison.Ordinal)
                              from Match name in TableName().Matches(line.Split('|')[1])
                              where !RepositoryNames.SqlRelations.Contains(name.Groups[1].Value)
                              select $"db/README.md: there is no table or view '{name.Groups[1].Value}'"]);

    private static IReadOnlySet<string> OtherWords { get; } =
        RepositoryNames.StringWords.Concat(RepositoryNames.ScriptWords).ToHashSet(StringComparer.Ordinal);

    // Relations of the schema are named with it in what people type: batchgen.results.
    private static bool IsOfSchema(string span) => RepositoryNames.SqlWords.Contains(span["batchgen.".Length..].Split('.')[0]);

    private static bool IsSetting(string name) =>
        RepositoryNames.Settings.Any(setting => setting.EndsWith(":" + name.Replace('.', ':'), StringComparison.Ordinal));

    private static void Check(
        Func<string, IEnumerable<string>> ofSpan, Func<string, IEnumerable<string>>? ofProse = null, bool blocks = false)
    {
        var faults = new List<string>();
        foreach (var page in Pages)
        {
            foreach (var (line, text) in blocks ? page.Spans.Concat(page.BlockLines) : page.Spans)
                faults.AddRange(ofSpan(text).Select(fault => $"{page.Path}:{line}: {fault}"));
            if (ofProse is null) continue;
            var prose = page.Prose.Split('\n');
            for (var i = 0; i < prose.Length; i++)
                faults.AddRange(ofProse(LinkTarget().Replace(prose[i], "]")).Select(fault => $"{page.Path}:{i + 1}: {fault}"));
        }

        Faults.AssertNone(faults);
    }

    // A span that is nothing but a name in Pascal case, perhaps with members, type arguments or a call's brackets.
    [GeneratedRegex(@"^([A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*(?:\.[A-Z][A-Za-z0-9]*)*)(?:\(\)|<.*>)?$")]
    private static partial Regex PascalSpan();

    [GeneratedRegex("^--[a-z][a-z-]*")]
    private static partial Regex OptionSpan();

    [GeneratedRegex(@"^batchgen(\.[a-z_]+)+$")]
    private static partial Regex MetricSpan();

    [GeneratedRegex("`([a-z_]+)`")]
    private static partial Regex TableName();

    [GeneratedRegex(@"\]\([^)]*\)")]
    private static partial Regex LinkTarget();
}
