using System.Collections.Concurrent;
using System.Text.RegularExpressions;

namespace BatchGen.Queue.Sql;

/// <summary>The SQL files of <c>db/</c>, embedded in this assembly.</summary>
internal static class SqlFiles
{
    private const string Migrations = "db/migrations/";
    private const string Functions = "db/functions/";
    private const string QueryFolder = "db/queries/";

    // Query names are unique over all folders, so that a name alone finds the file and its callers.
    private static readonly Dictionary<string, string> QueryPaths =
        Below(QueryFolder).ToDictionary(path => path[(path.LastIndexOf('/') + 1)..^".sql".Length], StringComparer.Ordinal);

    private static readonly Migration[] MigrationFiles = Below(Migrations)
        .Select(path => new Migration(path[Migrations.Length..^".sql".Length], Read(path)))
        .ToArray();

    private static readonly SchemaFile[] FunctionFiles = InOrder(Below(Functions)
        .Select(path => new SchemaFile(path[(path.LastIndexOf('/') + 1)..^".sql".Length], Read(path)))
        .ToArray());

    private static readonly ConcurrentDictionary<string, string> Queries = new(StringComparer.Ordinal);

    /// <summary>Text of the query file <c>NAME.sql</c> anywhere below <c>db/queries</c>.</summary>
    public static string Query(string name) => Queries.GetOrAdd(name, static key =>
        Read(QueryPaths.TryGetValue(key, out var path) ? path : throw new InvalidOperationException($"There is no query {key}.")));

    /// <summary>The same without its comment, for COPY, which the driver recognises by its first word.</summary>
    public static string Statement(string name) =>
        string.Join('\n', Query(name).Split('\n').SkipWhile(line => line.StartsWith("--", StringComparison.Ordinal)));

    /// <summary>The migrations in order.</summary>
    public static IReadOnlyList<Migration> ListMigrations() => MigrationFiles;

    /// <summary>Functions, procedures and views, one file each, in the order they can be made in: views last, and those that
    /// read another after it.</summary>
    public static IReadOnlyList<SchemaFile> ListFunctions() => FunctionFiles;

    // Functions may be made in any order, since their bodies are not checked; a view must come after the views that its text names.
    private static SchemaFile[] InOrder(SchemaFile[] files)
    {
        var ordered = files.Where(file => !file.IsView).ToList();
        var views = files.Where(file => file.IsView).ToList();
        while (views.Count > 0)
        {
            var next = views.FirstOrDefault(view => !views.Exists(other =>
                other != view && Regex.IsMatch(view.Text, $@"\b(from|join)\s+{other.Name}\b", RegexOptions.None, TimeSpan.FromSeconds(1))))
                ?? throw new InvalidOperationException(
                    $"The views {string.Join(", ", views.Select(view => view.Name))} read each other in a circle.");
            ordered.Add(next);
            views.Remove(next);
        }

        return [.. ordered];
    }

    private static IEnumerable<string> Below(string folder) => typeof(SqlFiles).Assembly.GetManifestResourceNames()
        .Where(name => name.StartsWith(folder, StringComparison.Ordinal))
        .Order(StringComparer.Ordinal);

    private static string Read(string resource)
    {
        using var stream = typeof(SqlFiles).Assembly.GetManifestResourceStream(resource)
            ?? throw new InvalidOperationException($"The program lacks its file {resource}.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().ReplaceLineEndings("\n");
    }
}
