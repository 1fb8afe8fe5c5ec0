namespace BatchGen.Backups;

/// <summary>What a backup holds; the file <c>manifest.json</c> in it.</summary>
/// <param name="Format">Number of the layout of backups.</param>
/// <param name="Program">Version of the program that wrote it.</param>
/// <param name="CreatedAt">When it was written.</param>
/// <param name="Schema">Schema of the queue.</param>
/// <param name="Server">Version of the server, as its <c>server_version_num</c>.</param>
/// <param name="Files">Every other file of the backup.</param>
internal sealed record BackupManifest(
    int Format, string Program, DateTimeOffset CreatedAt, string Schema, int Server, IReadOnlyList<BackupFile> Files)
{
    /// <summary>Number of the layout that this program writes and reads.</summary>
    public const int CurrentFormat = 1;

    /// <summary>Name of the manifest in a backup.</summary>
    public const string FileName = "manifest.json";

    /// <summary>Name of the saved database in a backup.</summary>
    public const string Database = "database.dump";

    /// <summary>Name of the list of roles in a backup.</summary>
    public const string Roles = "roles.json";

    /// <summary>Name of the settings file in a backup.</summary>
    public const string Settings = "appsettings.json";
}

/// <summary>A file of a backup.</summary>
/// <param name="Path">Path below the backup's folder, with '/'.</param>
/// <param name="SizeBytes">Length of the file.</param>
/// <param name="Sha256">Lower-case hex SHA-256 of its bytes.</param>
internal sealed record BackupFile(string Path, long SizeBytes, string Sha256);
