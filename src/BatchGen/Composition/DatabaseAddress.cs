using BatchGen.Queue;
using BatchGen.Queue.Embedded;
using Microsoft.Extensions.Logging;

namespace BatchGen.Composition;

/// <summary>The database in use: the configured server, or the private one, which runs as long as a program uses it and is started again
/// when it dies meanwhile.</summary>
internal sealed class DatabaseAddress : IAsyncDisposable
{
    private readonly EmbeddedPostgres? _embedded;
    private readonly CancellationTokenSource _leaving = new();
    private readonly Task _keeping;

    private DatabaseAddress(string connectionString, EmbeddedPostgres? embedded)
    {
        ConnectionString = connectionString;
        _embedded = embedded;
        _keeping = embedded?.KeepRunningAsync(TimeProvider.System, _leaving.Token) ?? Task.CompletedTask;
    }

    /// <summary>Folder of the private server, which is used where no other is configured.</summary>
    public static string PrivateFolderOf(Settings settings) => Path.Combine(settings.DataFolder, "postgres");

    /// <summary>The connection string of the database; may hold a password.</summary>
    public string ConnectionString { get; }

    /// <summary>Finds the database, starting the private one if no other is configured.</summary>
    /// <exception cref="CommandException">The private server cannot run here; says why and what to do.</exception>
    public static async Task<DatabaseAddress> FindAsync(Settings settings, ILogger logger, CancellationToken cancellationToken)
    {
        if (settings.ConnectionString is { } configured) return new DatabaseAddress(configured, null);
        try
        {
            var embedded = await EmbeddedPostgres.StartAsync(PrivateFolderOf(settings), logger, cancellationToken);
            return new DatabaseAddress(embedded.ConnectionString, embedded);
        }
        catch (QueueException failure)
        {
            throw new CommandException(ExitCodes.NoDatabase, failure.Message, failure);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        // The last program to leave stops the server, and must not start it again.
        await _leaving.CancelAsync();
        await _keeping;
        _leaving.Dispose();
        if (_embedded is not null) await _embedded.DisposeAsync();
    }
}
