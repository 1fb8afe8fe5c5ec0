using System.Collections.Frozen;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace BatchGen.UnitTests.Documents;

/// <summary>Names that exist in the program: C# identifiers, SQL names, settings, environment variables.</summary>
internal static partial class RepositoryNames
{
    /// <summary>C# sources of the program and its tests, by path.</summary>
    public static IReadOnlyDictionary<string, SourceScanner> CSharp { get; } = RepositoryFiles.Files
        .Where(path => path.EndsWith(".cs", StringComparison.Ordinal))
        .ToDictionary(path => path, path => SourceScanner.OfCSharp(RepositoryFiles.Read(path)), StringComparer.Ordinal);

    /// <summary>SQL sources, by path; <c>db/schema.sql</c>, which a test writes from the others, is left out.</summary>
    public static IReadOnlyDictionary<string, SourceScanner> Sql { get; } = RepositoryFiles.Files
        .Where(path =>
            path.EndsWith(".sql", StringComparison.Ordinal) && path.StartsWith("db/", StringComparison.Ordinal) && path != "db/schema.sql")
        .ToDictionary(path => path, path => SourceScanner.OfSql(RepositoryFiles.Read(path)), StringComparer.Ordinal);

    /// <summary>Pages and parts of pages, by path.</summary>
    public static IReadOnlyDictionary<string, string> Razor { get; } = RepositoryFiles.Files
        .Where(path => path.EndsWith(".razor", StringComparison.Ordinal))
            .ToDictionary(path => path, RepositoryFiles.Read, StringComparer.Ordinal);

    /// <summary>Comments of the program's C# sources and pages, with the file and line of each.</summary>
    public static IReadOnlyList<(string Path, int Line, string Text)> Comments { get; } =
    [
        .. from source in CSharp
           where source.Key.StartsWith("src/", StringComparison.Ordinal)
           from comment in source.Value.Comments
           select (source.Key, comment.Line, comment.Text),
        .. from page in Razor
           from Match comment in RazorComment().Matches(page.Value)
           select (page.Key, MarkdownPage.LineOf(page.Value, comment.Index), comment.Value),
    ];

    /// <summary>Identifiers in C# code and pages, and names of C# and page files.</summary>
    public static FrozenSet<string> Identifiers { get; } = CSharp.Values.Select(scanner => scanner.Code).Concat(Razor.Values)
        .SelectMany(code => Word().Matches(code).Select(match => match.Value))
        .Concat(CSharp.Keys.Concat(Razor.Keys).Select(path => Path.GetFileNameWithoutExtension(path)))
        .ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Comments that the schema itself carries (<c>comment on ... is '...'</c>), with the file and line of each.</summary>
    public static IReadOnlyList<(string Path, int Line, string Kind, string Name, string Text)> SchemaComments { get; } =
    [
        .. from path in Sql.Keys
           let text = RepositoryFiles.Read(path)
           from Match match in SchemaComment().Matches(text)
           select (path, MarkdownPage.LineOf(text, match.Index), match.Groups[1].Value, match.Groups[2].Value, match.Groups[3].Value),
    ];

    /// <summary>Words in SQL code and in SQL strings other than comments of the schema, and names of query files.</summary>
    public static FrozenSet<string> SqlWords { get; } = Sql.Values
        .SelectMany(scanner =>
            scanner.Strings.Select(text => text.Text).Except(SchemaComments.Select(comment => comment.Text)).Append(scanner.Code))
        .SelectMany(text => Word().Matches(text).Select(match => match.Value))
        .Concat(Sql.Keys.Select(path => Path.GetFileNameWithoutExtension(path)))
        .ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Functions and procedures that the SQL sources create.</summary>
    public static FrozenSet<string> SqlFunctions { get; } = Sql.Values
        .SelectMany(scanner => CreateFunction().Matches(scanner.Code).Select(match => match.Groups[1].Value))
            .ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Names of the query files, without folder and ending.</summary>
    public static FrozenSet<string> Queries { get; } = Sql.Keys.Where(path => path.StartsWith("db/queries/", StringComparison.Ordinal))
        .Select(path => Path.GetFileNameWithoutExtension(path)).ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Words in string literals of the program: names of JSON fields, failure codes, samplers, instruments.</summary>
    public static FrozenSet<string> StringWords { get; } = CSharp.Where(source => source.Key.StartsWith("src/", StringComparison.Ordinal))
        .SelectMany(source => source.Value.Strings).SelectMany(text => DottedWord().Matches(text.Text).Select(match => match.Value))
        .Concat(Razor.Values.SelectMany(page => DottedWord().Matches(page).Select(match => match.Value)))
        .ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Words of the scripts in <c>eng</c> and <c>docker</c>.</summary>
    public static FrozenSet<string> ScriptWords { get; } = RepositoryFiles.Files
        .Where(path => (path.StartsWith("eng/", StringComparison.Ordinal) || path.StartsWith("docker/", StringComparison.Ordinal))
            && !path.EndsWith(".md", StringComparison.Ordinal))
        .SelectMany(path => Word().Matches(RepositoryFiles.Read(path)).Select(match => match.Value)).ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Tables and views that the SQL sources create.</summary>
    public static FrozenSet<string> SqlRelations { get; } = Sql.Values
        .SelectMany(scanner => CreateRelation().Matches(scanner.Code).Select(match => match.Groups[1].Value))
            .ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Sections and keys of <c>appsettings.json</c>, joined by colons.</summary>
    public static FrozenSet<string> Settings { get; } = ReadSettings();

    /// <summary>Whether C# code declares or uses a name; of <c>A.B</c>, whether a file that declares A has B.</summary>
    public static bool HasIdentifier(string name)
    {
        var parts = name.Split('.');
        if (parts.Length == 1) return Identifiers.Contains(name);
        for (var i = 0; i + 1 < parts.Length; i++)
        {
            if (!HasMember(parts[i], parts[i + 1])) return false;
        }

        return true;
    }

    private static bool HasMember(string type, string member)
    {
        var declaration = new Regex($@"\b(class|record|struct|interface|enum|namespace)\s+(struct\s+|class\s+)?([\w.]+\.)?{type}\b");
        var files = CSharp.Values.Where(scanner => declaration.IsMatch(scanner.Code)).ToList();
        // A type or namespace of a library is not declared here; then both names have to be in use.
        if (files.Count == 0) return Identifiers.Contains(type) && Identifiers.Contains(member);
        return files.Any(scanner => Regex.IsMatch(scanner.Code, $@"\b{member}\b")) || Identifiers.Contains(member) && type is "BatchGen";
    }

    private static FrozenSet<string> ReadSettings()
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        using var file = JsonDocument.Parse(RepositoryFiles.Read("appsettings.json"));
        Collect(file.RootElement, "");
        return names.ToFrozenSet(StringComparer.Ordinal);

        void Collect(JsonElement element, string path)
        {
            if (path.Length > 0) names.Add(path);
            if (element.ValueKind != JsonValueKind.Object) return;
            foreach (var property in element.EnumerateObject())
                Collect(property.Value, path.Length == 0 ? property.Name : $"{path}:{property.Name}");
        }
    }

    [GeneratedRegex(@"(?s)@\*.*?\*@|(?m)^\s*//.*$")]
    private static partial Regex RazorComment();

    [GeneratedRegex(@"\w+")]
    private static partial Regex Word();

    [GeneratedRegex(@"\w+(?:\.\w+)*")]
    private static partial Regex DottedWord();

    [GeneratedRegex(@"create\s+(?:or\s+replace\s+)?(?:function|procedure)\s+(?:\w+\.)?(\w+)")]
    private static partial Regex CreateFunction();

    [GeneratedRegex(@"create\s+(?:or\s+replace\s+|unlogged\s+)?(?:table|view)\s+(?:if\s+not\s+exists\s+)?(?:\w+\.)?(\w+)")]
    private static partial Regex CreateRelation();

    [GeneratedRegex(@"comment\s+on\s+(\w+)\s+([\w.]+)(?:\s*\([^)]*\))?\s+is\s+'((?:[^']|'')*)'")]
    private static partial Regex SchemaComment();
}
