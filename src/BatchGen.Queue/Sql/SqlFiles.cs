using System.Collections.Concurrent;
using System.Security.Cryptography;

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

    private static readonly ConcurrentDictionary<string, string> Queries = new(StringComparer.Ordinal);

    /// <summary>Text of the query file <c>NAME.sql</c> anywhere below <c>db/queries</c>.</summary>
    public static string Query(string name) => Queries.GetOrAdd(name, static key =>
        Read(QueryPaths.TryGetValue(key, out var path) ? path : throw new InvalidOperationException($"There is no query {key}.")));

    /// <summary>The same without its comment, for COPY, which the driver recognises by its first word.</summary>
    public static string Statement(string name) =>
        string.Join('\n', Query(name).Split('\n').SkipWhile(line => line.StartsWith("--", StringComparison.Ordinal)));

    /// <summary>The migrations in order.</summary>
    public static IReadOnlyList<Migration> ListMigrations() => Below(Migrations)
        .Select(name => new Migration(name[Migrations.Length..^".sql".Length], Read(name)))
        .ToArray();

    /// <summary>Functions, procedures and views, one file each, in the order they can be made in: views last.</summary>
    public static IReadOnlyList<string> ListFunctions() => Below(Functions).Select(Read)
        .OrderBy(text => text.Contains("create or replace view", StringComparison.Ordinal))
        .ToArray();

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

/// <summary>One numbered migration.</summary>
/// <param name="Name">File name without its ending.</param>
/// <param name="Text">Its statements.</param>
internal sealed record Migration(string Name, string Text)
{
    /// <summary>True for steps that may not run in a transaction (<c>concurrently</c>); such a file holds one statement.</summary>
    public bool RunsAlone => Name.EndsWith(".concurrently", StringComparison.Ordinal);

    /// <summary>Digest of the text, so that an edited migration is noticed.</summary>
    public string Sha256 { get; } = Convert.ToHexStringLower(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(Text)));
}
