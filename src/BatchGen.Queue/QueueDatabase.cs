using Npgsql;

namespace BatchGen.Queue;

/// <summary>The connection pool every part of the queue uses, and the options they share.</summary>
public sealed class QueueDatabase : IAsyncDisposable
{
    private QueueDatabase(NpgsqlDataSource dataSource, QueueOptions options)
    {
        DataSource = dataSource;
        Options = options;
    }

    /// <summary>How jobs are claimed and leased.</summary>
    public QueueOptions Options { get; }

    internal NpgsqlDataSource DataSource { get; }

    /// <summary>Makes a pool for a connection string; nothing is connected yet.</summary>
    /// <param name="connectionString">Npgsql connection string.</param>
    /// <param name="options">Schema, lease and order of dispatch.</param>
    /// <exception cref="ArgumentException">The text is not a connection string.</exception>
    public static QueueDatabase Open(string connectionString, QueueOptions options) => throw new NotImplementedException();

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => DataSource.DisposeAsync();
}
