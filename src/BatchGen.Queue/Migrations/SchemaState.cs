using BatchGen.Queue.Sql;
using Dapper;
using Npgsql;

namespace BatchGen.Queue.Migrations;

/// <summary>How far a schema is, and what this program would change in it.</summary>
internal sealed class SchemaState
{
    /// <summary>Names and digests of the migrations that were applied.</summary>
    public IReadOnlyDictionary<string, string> Applied { get; init; } = new Dictionary<string, string>();

    /// <summary>The files of <c>db/functions</c> that were put in, by name.</summary>
    public IReadOnlyDictionary<string, PutIn> Functions { get; init; } = new Dictionary<string, PutIn>();

    /// <summary>Which programs the schema serves; null before the first migration has ended.</summary>
    public SchemaVersionRow? Version { get; init; }

    /// <summary>Names of files whose routines or view somebody changed or dropped since they were put in.</summary>
    public IReadOnlySet<string> Changed { get; init; } = new HashSet<string>();

    /// <summary>Reads how far the first schema of the search path is.</summary>
    public static async Task<SchemaState> ReadAsync(NpgsqlConnection connection, CancellationToken cancellationToken) => new()
    {
        Applied = (await connection.QueryAsync<(string Name, string Sha256)>(
            new CommandDefinition(SqlFiles.Query("list_migrations"), cancellationToken: cancellationToken)))
                .ToDictionary(row => row.Name, row => row.Sha256, StringComparer.Ordinal),
        Functions = (await connection.QueryAsync<PutIn>(
            new CommandDefinition(SqlFiles.Query("list_put_in"), cancellationToken: cancellationToken)))
                .ToDictionary(put => put.Name, StringComparer.Ordinal),
        Version = await connection.QuerySingleOrDefaultAsync<SchemaVersionRow>(
            new CommandDefinition(SqlFiles.Query("find_schema_version"), cancellationToken: cancellationToken)),
    };

    /// <summary>True when a newer program migrated the schema: what it put in is left alone.</summary>
    public bool IsNewerThan(Version program) => Version is { } version && ProgramVersion.Parse(version.MigratedBy) > program;

    /// <summary>Migrations of this program that were not applied yet, in order.</summary>
    public IReadOnlyList<Migration> PendingMigrations() =>
        SqlFiles.ListMigrations().Where(migration => !Applied.ContainsKey(migration.Name)).ToArray();

    /// <summary>Files of <c>db/functions</c> whose text differs from what was put in, or which somebody changed in the schema, in the order
    /// they can be made in.</summary>
    public IReadOnlyList<SchemaFile> ChangedFiles() => SqlFiles.ListFunctions()
        .Where(file => !Functions.TryGetValue(file.Name, out var put) || put.Sha256 != file.Sha256 || Changed.Contains(file.Name))
        .ToArray();

    /// <summary>What was put in by a file that is there no more.</summary>
    public IReadOnlyList<PutIn> RemovedFiles() =>
        Functions.Values.ExceptBy(SqlFiles.ListFunctions().Select(file => file.Name), put => put.Name, StringComparer.Ordinal).ToArray();

    /// <summary>True when this program would change nothing.</summary>
    public bool IsCurrent() => PendingMigrations().Count == 0 && ChangedFiles().Count == 0 && RemovedFiles().Count == 0;

    /// <summary>Refuses a schema that this program cannot work with or upgrade.</summary>
    /// <exception cref="QueueException">Says which program would do.</exception>
    public void Check(Version program)
    {
        if (Version is { } version && ProgramVersion.Parse(version.OldestProgram) > program)
        {
            throw new QueueException(
                $"The database serves BatchGen {version.OldestProgram} and newer, and this program is {program}. Update the program.");
        }

        if (IsNewerThan(program)) return;
        var known = SqlFiles.ListMigrations();
        var foreign = Applied.Keys.Except(known.Select(migration => migration.Name), StringComparer.Ordinal)
            .Order(StringComparer.Ordinal).LastOrDefault()
            ?? known.FirstOrDefault(migration => Applied.TryGetValue(migration.Name, out var digest) && digest != migration.Sha256)?.Name;
        if (foreign is null) return;
        throw new QueueException(
            $"The database was made by another edition of BatchGen: its migration {foreign} is not the one of this program. "
            + "Use the program that made it, or start with a new database (for the embedded one: stop, remove its folder, start). "
            + "Databases of versions before 0.2.0 cannot be upgraded.");
    }
}

/// <summary>A file of <c>db/functions</c> that was put in.</summary>
internal sealed class PutIn
{
    /// <summary>File name without folder and ending.</summary>
    public string Name { get; init; } = "";

    /// <summary>Digest of its text.</summary>
    public string Sha256 { get; init; } = "";

    /// <summary>The routines it made, with their argument types; none for a view.</summary>
    public string[] Made { get; init; } = [];
}

/// <summary>The row of table <c>schema_version</c>.</summary>
internal sealed class SchemaVersionRow
{
    /// <summary>Number of the last migration.</summary>
    public int Number { get; init; }

    /// <summary>The oldest program that the schema serves.</summary>
    public string OldestProgram { get; init; } = "";

    /// <summary>The program that migrated last.</summary>
    public string MigratedBy { get; init; } = "";
}
