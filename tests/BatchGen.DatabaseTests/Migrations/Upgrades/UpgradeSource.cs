using System.IO.Compression;
using System.Text;
using System.Text.Json;
using BatchGen.Testing;
using Npgsql;

namespace BatchGen.DatabaseTests.Migrations.Upgrades;

/// <summary>What a released version left in <c>tests/reference/upgrade/VERSION</c>: a dump of a database, what was in
/// it, and its queries.</summary>
internal sealed class UpgradeSource(string version)
{
    /// <summary>Stands in the dump where the name of the schema was.</summary>
    public const string SchemaName = "batchgen_of_the_dump";

    private static string Root { get; } = Path.Combine(RepositoryPaths.Reference, "upgrade");

    /// <summary>The versions there are, oldest first.</summary>
    public static IReadOnlyList<string> Versions { get; } = !Directory.Exists(Root) ? []
        : [.. Directory.GetDirectories(Root).Select(folder => Path.GetFileName(folder)!).OrderBy(Version.Parse)];

    /// <summary>The version's folder.</summary>
    public string Folder { get; } = Path.Combine(Root, version);

    private string DumpFile => Path.Combine(Folder, "database.sql.gz");

    private string ContentsFile => Path.Combine(Folder, "contents.json");

    /// <summary>Text of one of the version's queries, by name.</summary>
    public string Query(string name) => File.ReadAllText(Path.Combine(Folder, "queries", name + ".sql"));

    /// <summary>What was in the database when it was dumped, by name of the fact.</summary>
    public async Task<Dictionary<string, string>> ReadContentsAsync()
    {
        await using var stream = File.OpenRead(ContentsFile);
        return (await JsonSerializer.DeserializeAsync<Dictionary<string, string>>(stream))!;
    }

    /// <summary>Writes dump, contents and queries.</summary>
    /// <param name="dump">Plain SQL of <c>pg_dump</c>, with <see cref="SchemaName"/> as the schema.</param>
    /// <param name="contents">Facts about the database.</param>
    /// <param name="queries">Paths of the queries that a worker runs.</param>
    public async Task WriteAsync(string dump, IReadOnlyDictionary<string, string> contents, IEnumerable<string> queries)
    {
        Directory.CreateDirectory(Path.Combine(Folder, "queries"));
        await using (var zip = new GZipStream(File.Create(DumpFile), CompressionLevel.SmallestSize))
            await zip.WriteAsync(Encoding.UTF8.GetBytes(dump));
        await File.WriteAllTextAsync(
            ContentsFile, JsonSerializer.Serialize(contents, new JsonSerializerOptions { WriteIndented = true }) + "\n");
        foreach (var query in queries) File.Copy(query, Path.Combine(Folder, "queries", Path.GetFileName(query)), overwrite: true);
    }

    /// <summary>Puts the dump in the place of a database's schema.</summary>
    public async Task RestoreAsync(TestDatabase database)
    {
        using var reader = new StreamReader(new GZipStream(File.OpenRead(DumpFile), CompressionMode.Decompress));
        var dump = (await reader.ReadToEndAsync()).Replace(SchemaName, database.Schema, StringComparison.Ordinal);
        await database.SqlAsync($"drop schema {database.Schema} cascade");
        await using var connection = await database.ConnectAsync();
        var statements = new StringBuilder();
        using var lines = new StringReader(dump);
        while (await lines.ReadLineAsync() is { } line)
        {
            if (line.StartsWith("COPY ", StringComparison.Ordinal))
            {
                await RunAsync(connection, statements);
                await CopyAsync(connection, line, lines);
            }
            else if (!line.StartsWith('\\'))
            {
                statements.AppendLine(line); // The others are commands of psql.
            }
        }

        await RunAsync(connection, statements);
    }

    private static async Task RunAsync(NpgsqlConnection connection, StringBuilder statements)
    {
        await using var command = new NpgsqlCommand(statements.ToString(), connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync();
        statements.Clear();
    }

    private static async Task CopyAsync(NpgsqlConnection connection, string statement, StringReader lines)
    {
        await using var copy = await connection.BeginTextImportAsync(statement.TrimEnd(';'));
        while (await lines.ReadLineAsync() is { } row && row != "\\.") await copy.WriteAsync(row + "\n");
    }
}
