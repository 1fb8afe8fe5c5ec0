using System.Text.RegularExpressions;

namespace BatchGen.UnitTests.Documents;

/// <summary>What counts as a name of a file, a setting or an SQL object in a text, and whether it exists.</summary>
internal static partial class NameRules
{
    // What may read an environment variable; this folder's own sources name some that nothing reads.
    private static readonly Lazy<string> Readers = new(() => string.Join('\n', RepositoryFiles.Files
        .Where(path => path is "batchgen" or ".ci/run" || IsBelow(path, "eng/") || IsBelow(path, "docker/")
            || (path.EndsWith(".cs", StringComparison.Ordinal) && !IsBelow(path, "tests/BatchGen.UnitTests/Documents/")))
        .Where(path => !path.EndsWith(".md", StringComparison.Ordinal)).Select(RepositoryFiles.Read)));

    /// <summary>Says which paths and file names in a text do not exist.</summary>
    public static IEnumerable<string> FaultsOfFiles(string text)
    {
        if (text.StartsWith("docker ", StringComparison.Ordinal) || text.Contains("://", StringComparison.Ordinal)) yield break;
        foreach (Match match in PathInText().Matches(text))
        {
            var path = match.Value.TrimEnd('.');
            if (IsPlaceholder(path) || path.StartsWith('/')) continue;
            if (path.StartsWith("./", StringComparison.Ordinal)) path = path[2..];
            var isOurs = RepositoryFiles.TopLevel.Contains(path.Split('/')[0]) && path.Contains('/') || SourceFile().IsMatch(path);
            if (!isOurs || AllowedNames.Files.Contains(path.Split('/')[^1]) || IsSource(path)) continue;
            if (path.Contains('*') ? !Matches(path) : !RepositoryFiles.Has(path)) yield return $"there is no file or folder '{path}'";
        }
    }

    /// <summary>Says which settings in a text do not exist, in either spelling.</summary>
    public static IEnumerable<string> FaultsOfSettings(string text) =>
        from Match match in Setting().Matches(text)
        let name = match.Value.Replace("__", ":", StringComparison.Ordinal)
        where !RepositoryNames.Settings.Contains(name)
        select $"there is no setting '{match.Value}'";

    /// <summary>Says which environment variables and build switches in a text are read by nothing.</summary>
    public static IEnumerable<string> FaultsOfEnvironment(string text)
    {
        foreach (Match match in Variable().Matches(text))
        {
            if (!Regex.IsMatch(Readers.Value, $@"\b{match.Value}\b"))
                yield return $"nothing reads the environment variable '{match.Value}'";
        }

        foreach (Match match in BuildSwitch().Matches(text))
        {
            var file = $"eng/{match.Groups[1].Value}.targets";
            if (!RepositoryFiles.Files.Contains(file)) yield return $"no file of eng/ defines the build switch '{match.Value}'";
            else
            {
                foreach (var value in match.Groups[2].Value.Split('|', StringSplitOptions.RemoveEmptyEntries))
                {
                    if (!RepositoryFiles.Read(file).Contains($"'{value}'", StringComparison.Ordinal))
                        yield return $"{file} does not know the value '{value}'";
                }
            }
        }
    }

    /// <summary>Says which words with underscores in a text name no SQL object, column or field, and which
    /// calls name no function.</summary>
    /// <param name="text">A code span or a comment.</param>
    /// <param name="others">Words that exist beside those of the SQL sources.</param>
    public static IEnumerable<string> FaultsOfSql(string text, IReadOnlySet<string> others)
    {
        foreach (Match match in SnakeWord().Matches(text))
        {
            var (word, isCall) = (match.Groups[1].Value, match.Groups[2].Success);
            if (AllowedNames.SnakeWords.Contains(word) || word.StartsWith("pg_", StringComparison.Ordinal)) continue;
            if (isCall && !RepositoryNames.SqlFunctions.Contains(word)) yield return $"there is no SQL function '{word}'";
            else if (!RepositoryNames.SqlWords.Contains(word) && !others.Contains(word) && !RepositoryNames.Identifiers.Contains(word))
                yield return $"nothing is called '{word}' in SQL or in what the program reads and writes";
        }
    }

    /// <summary>Says which words of two or more parts in Pascal case, as types are named, no code has.</summary>
    public static IEnumerable<string> FaultsOfTypes(string text) =>
        from Match match in PascalWord().Matches(text)
        where !AllowedNames.Words.Contains(match.Value) && !RepositoryNames.Identifiers.Contains(match.Value)
            && !RepositoryNames.Settings.Any(setting => setting.EndsWith(":" + match.Value, StringComparison.Ordinal))
        select $"there is no type or member '{match.Value}'";

    // Files at the root and placeholders (NAME, DIR) are both spelled in capitals; the first exist.
    private static bool IsPlaceholder(string path) => path.Contains("NNNN", StringComparison.Ordinal)
        || path.Split('/', '.').Any(part => part.Length > 0 && part.All(letter => char.IsAsciiLetterUpper(letter) || letter == '_'))
            && !path.EndsWith(".md", StringComparison.Ordinal);

    private static bool IsBelow(string path, string folder) => path.StartsWith(folder, StringComparison.Ordinal);

    private static bool IsSource(string path) =>
        path.EndsWith(".py", StringComparison.Ordinal) && !path.StartsWith("eng/", StringComparison.Ordinal)
            || AllowedNames.PathsOfSources.Any(begin => (path + "/").StartsWith(begin, StringComparison.Ordinal));

    private static bool Matches(string glob)
    {
        var pattern = Regex.Escape(glob.TrimEnd('/')).Replace(@"\*\*/", "(.*/)?", StringComparison.Ordinal)
            .Replace(@"\*", "[^/]*", StringComparison.Ordinal);
        return RepositoryFiles.Files.Any(file => Regex.IsMatch(file, $"(^|[/.]){pattern}($|/)"));
    }

    [GeneratedRegex(@"(?<![\w/:.@-])\.{0,2}/?[\w.*-]*[\w*](?:/[\w.*-]+)*/?")]
    private static partial Regex PathInText();

    // Endings that only files of a repository like this one have.
    [GeneratedRegex(@"[\w*-]\.(cs|sql|razor|md|csproj|props|targets|sh|yaml|sln|editorconfig)$")]
    private static partial Regex SourceFile();

    [GeneratedRegex(@"(?<![\w/])(BatchGen(:[A-Z]\w*)+|BatchGen(__[A-Z][A-Za-z]*)+|ConnectionStrings(:|__)\w+)")]
    private static partial Regex Setting();

    [GeneratedRegex(@"\bBATCHGEN_[A-Z_]+\b")]
    private static partial Regex Variable();

    [GeneratedRegex(@"-p:(\w+)=([\w|-]*)")]
    private static partial Regex BuildSwitch();

    [GeneratedRegex(@"(?<![\w.@$%<-])([a-z][a-z0-9]*(?:_[a-z0-9]+)+)(\()?(?![\w*]|\.json)")]
    private static partial Regex SnakeWord();

    [GeneratedRegex(@"(?<![\w.:/-])[A-Z][a-z0-9]+(?:[A-Z][a-z0-9]+)+(?!\w)")]
    private static partial Regex PascalWord();
}
