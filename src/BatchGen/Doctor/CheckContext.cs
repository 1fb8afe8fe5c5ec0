using BatchGen.Composition;
using BatchGen.Queue;
using Npgsql;

namespace BatchGen.Doctor;

/// <summary>What the checks look at: this machine with its settings, and the database once it is open.</summary>
internal sealed class CheckContext : IAsyncDisposable
{
    private string? _connectionString;

    /// <summary>Streams, clock and folders of the program.</summary>
    public required ProgramContext Program { get; init; }

    /// <summary>The settings; those that cannot be used have their defaults.</summary>
    public required Settings Settings { get; init; }

    /// <summary>What is wrong with the settings, one line each.</summary>
    public required IReadOnlyList<string> SettingProblems { get; init; }

    /// <summary>Whether files are compared by size only.</summary>
    public required bool Quick { get; init; }

    /// <summary>The database; null until it was opened, and when it cannot be.</summary>
    public QueueDatabase? Database { get; private set; }

    /// <summary>Names of registered models whose files this machine lacks or has otherwise.</summary>
    public HashSet<string> LackedModels { get; } = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Names of registered adapters whose files this machine lacks or has otherwise.</summary>
    public HashSet<string> LackedAdapters { get; } = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>The open database.</summary>
    /// <exception cref="InvalidOperationException">It was not opened.</exception>
    public QueueDatabase OpenDatabase => Database ?? throw new InvalidOperationException("The database was not opened.");

    /// <summary>Server and database, without login and password.</summary>
    public string Server
    {
        get
        {
            var server = new NpgsqlConnectionStringBuilder(_connectionString ?? Settings.ConnectionString);
            return $"{server.Host}:{server.Port}, database '{server.Database ?? server.Username}'";
        }
    }

    /// <summary>Opens a database; nothing is started and nothing migrated.</summary>
    public void Open(string connectionString)
    {
        _connectionString = connectionString;
        Database = QueueDatabase.Open(connectionString, Settings.Options.Queue);
    }

    /// <summary>Forgets a database that turned out not to answer, so that no other check waits for it.</summary>
    public async Task CloseAsync()
    {
        if (Database is not null) await Database.DisposeAsync();
        Database = null;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await CloseAsync();
}
