using System.Data.Common;
using BatchGen.Queue.Sql;
using Dapper;
using Npgsql;
using NpgsqlTypes;

namespace BatchGen.Queue;

/// <summary>The connection pool every part of the queue uses, and the options they share.</summary>
public sealed class QueueDatabase : IAsyncDisposable
{
    static QueueDatabase()
    {
        DefaultTypeMap.MatchNamesWithUnderscores = true;
        SqlMapper.AddTypeHandler(new InstantHandler());
    }

    // A link that is cut without a word is noticed after about this long, however long nothing is said on it.
    private const int KeepAliveSeconds = 10, KeepAliveRetrySeconds = 3;

    private const int KeepAlivesPerWait = 8;
    private static readonly TimeSpan LongestKeepAlive = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan CancelLimit = TimeSpan.FromMilliseconds(500);

    // Kept because it holds the password, which a data source does not give out.
    private readonly string _connectionString;

    private readonly bool _prepares;

    private QueueDatabase(string connectionString, QueueOptions options, bool prepares)
    {
        (_connectionString, _prepares) = (connectionString, prepares);
        var builder = new NpgsqlDataSourceBuilder(connectionString);
#pragma warning disable NPG9001 // See InstantReading.
        builder.AddTypeInfoResolverFactory(new InstantReading());
#pragma warning restore NPG9001
        DataSource = builder.Build();
        Options = options;
    }

    /// <summary>How jobs are claimed and leased.</summary>
    public QueueOptions Options { get; }

    internal NpgsqlDataSource DataSource { get; }

    /// <summary>Opens a connection of its own that listens for notifications. While nothing arrives, the server is asked for a sign of
    /// life several times in a wait, at least every five seconds: a link that is cut without a word then ends the wait with an error,
    /// although nothing was to be said on it.</summary>
    /// <param name="query">Statement that begins to listen.</param>
    /// <param name="wait">How long the caller waits for a notification at a time.</param>
    /// <param name="cancellationToken">Gives up connecting.</param>
    internal async Task<NpgsqlConnection> OpenListeningAsync(string query, TimeSpan wait, CancellationToken cancellationToken)
    {
        var keepAlive = wait / KeepAlivesPerWait;
        var connection = await OpenAloneAsync(keepAlive < LongestKeepAlive ? keepAlive : LongestKeepAlive, cancellationToken);
        try
        {
            await using var command = new NpgsqlCommand(SqlFiles.Query(query), connection);
            await command.ExecuteNonQueryAsync(cancellationToken);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>Opens a connection outside the pool, for a caller that changes its session's state: the pool must not hand
    /// that session to others.</summary>
    /// <param name="keepAlive">While nothing is said, the server is asked for a sign of life so often; null never asks.</param>
    /// <param name="cancellationToken">Gives up connecting.</param>
    internal async Task<NpgsqlConnection> OpenAloneAsync(TimeSpan? keepAlive, CancellationToken cancellationToken)
    {
        var settings = new NpgsqlConnectionStringBuilder(_connectionString) { Pooling = false };
        if (keepAlive is { } interval) settings.KeepAlive = Math.Max(1, (int)interval.TotalSeconds);
        var connection = new NpgsqlConnection(settings.ConnectionString);
        try
        {
            await connection.OpenAsync(cancellationToken);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>Opens a connection outside the pool that does not ask the server for signs of life.</summary>
    internal Task<NpgsqlConnection> OpenAloneAsync(CancellationToken cancellationToken) => OpenAloneAsync(null, cancellationToken);

    /// <summary>Makes a pool for a connection string; nothing is connected yet.</summary>
    /// <param name="connectionString">Npgsql connection string.</param>
    /// <param name="options">Schema, lease and order of dispatch.</param>
    /// <exception cref="ArgumentException">The text is not a connection string.</exception>
    public static QueueDatabase Open(string connectionString, QueueOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var settings = new NpgsqlConnectionStringBuilder(connectionString);
        if (string.IsNullOrEmpty(settings.Host))
            throw new ArgumentException(
                "The connection string names no Host, for example Host=127.0.0.1;Database=batchgen.", nameof(connectionString));
        settings.SearchPath ??= options.Schema;
        settings.ApplicationName ??= "batchgen";
        // Nothing here changes the state of a session, and resetting it between calls makes the server plan
        // everything anew: ten times the work.
        settings.NoResetOnClose = true;
        // Sockets of this machine have no such option, and need none.
        if (settings is { TcpKeepAlive: false, TcpKeepAliveTime: 0 } && !settings.Host.Split(',').Any(host => host.Trim().StartsWith('/')))
        {
            (settings.TcpKeepAlive, settings.TcpKeepAliveTime, settings.TcpKeepAliveInterval) =
                (true, KeepAliveSeconds, KeepAliveRetrySeconds);
        }

        return new(settings.ConnectionString, options, MayPrepare(connectionString));
    }

    // Read from the text, because the typed builder does not tell a setting of 0 from a missing one.
    private static bool MayPrepare(string connectionString)
    {
        var named = new DbConnectionStringBuilder { ConnectionString = connectionString };
        return !((string[])["Max Auto Prepare", "MaxAutoPrepare"]).Any(name => named.TryGetValue(name, out var value) && value is "0");
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => DataSource.DisposeAsync();

    /// <summary>The rows of a query, each column read by its name.</summary>
    internal Task<List<T>> QueryAsync<T>(string query, object? parameters, CancellationToken cancellationToken) =>
        RunAsync(async (connection, token) =>
            (await connection.QueryAsync<T>(new CommandDefinition(SqlFiles.Query(query), parameters, cancellationToken: token)))
                .AsList(), cancellationToken);

    /// <summary>The only value that a query returns.</summary>
    internal Task<T> ScalarAsync<T>(string query, object? parameters, CancellationToken cancellationToken) => RunAsync(
        async (connection, token) => (await connection.ExecuteScalarAsync<T>(
            new CommandDefinition(SqlFiles.Query(query), parameters, cancellationToken: token)))!, cancellationToken);

    /// <summary>Runs a statement that returns no rows.</summary>
    internal Task<int> ExecuteAsync(string query, object? parameters, CancellationToken cancellationToken) => RunAsync(
        (connection, token) => connection.ExecuteAsync(new CommandDefinition(SqlFiles.Query(query), parameters, cancellationToken: token)),
        cancellationToken);

    /// <summary>Runs a command whose parameters carry their database types, for arrays and values that may be null.</summary>
    internal Task<T> CommandAsync<T>(
        string query, IReadOnlyList<NpgsqlParameter> parameters, Func<NpgsqlDataReader, Task<T>> read,
        CancellationToken cancellationToken) =>
        ReadAsync(query, parameters, read, prepare: false, cancellationToken);

    /// <summary>
    /// Runs a statement that only calls a function. Prepared once per connection it costs the server no parsing; other statements are
    /// planned for their values each time.
    /// </summary>
    internal Task<T> CallAsync<T>(
        string query, IReadOnlyList<NpgsqlParameter> parameters, Func<NpgsqlDataReader, Task<T>> read,
        CancellationToken cancellationToken) =>
        ReadAsync(query, parameters, read, _prepares, cancellationToken);

    /// <summary>The rows of a query whose parameters carry their database types, read as <see cref="ReadListAsync{T}"/> says.</summary>
    internal Task<List<T>> ListAsync<T>(string query, IReadOnlyList<NpgsqlParameter> parameters, CancellationToken cancellationToken) =>
        CommandAsync(query, parameters, reader => ReadListAsync<T>(reader, cancellationToken), cancellationToken);

    /// <summary>The rows of a reader: for a number, text or id the only column; for any other type each column by its name.</summary>
    internal static async Task<List<T>> ReadListAsync<T>(NpgsqlDataReader reader, CancellationToken cancellationToken)
    {
        // The parser of Dapper for a type that is a class does not fit texts, which it reads as one column.
        var read = typeof(T) == typeof(string) ? reader.GetRowParser(typeof(T)) : null;
        Func<DbDataReader, T> parse = read is null ? reader.GetRowParser<T>() : row => (T)read(row);
        var list = new List<T>();
        while (await reader.ReadAsync(cancellationToken)) list.Add(parse(reader));
        return list;
    }

    private Task<T> ReadAsync<T>(
        string query, IReadOnlyList<NpgsqlParameter> parameters, Func<NpgsqlDataReader, Task<T>> read, bool prepare,
        CancellationToken cancellationToken) =>
        RunAsync(async (connection, token) =>
        {
            await using var command = new NpgsqlCommand(SqlFiles.Query(query), connection);
            foreach (var parameter in parameters) command.Parameters.Add(parameter);
            if (prepare) await command.PrepareAsync(token);
            await using var reader = await command.ExecuteReaderAsync(token);
            return await read(reader);
        }, cancellationToken);

    internal static NpgsqlParameter Parameter(string name, NpgsqlDbType type, object? value) =>
        new(name, type) { Value = value ?? DBNull.Value };

    /// <summary>Runs work on a connection; database errors that a person can act on become a
    /// <see cref="QueueException"/> that says how.</summary>
    internal Task<T> RunAsync<T>(Func<NpgsqlConnection, Task<T>> work, CancellationToken cancellationToken) =>
        RunAsync((connection, _) => work(connection), cancellationToken);

    private async Task<T> RunAsync<T>(Func<NpgsqlConnection, CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        try
        {
            return await EndWithAsync(token => OpenAndRunAsync(work, token), cancellationToken);
        }
        catch (Exception error) when (SqlErrors.Translate(error, DataSource) is not null)
        {
            throw SqlErrors.Translate(error, DataSource)!;
        }
    }

    private async Task<T> OpenAndRunAsync<T>(Func<NpgsqlConnection, CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        await using var connection = await DataSource.OpenConnectionAsync(cancellationToken);
        return await work(connection, cancellationToken);
    }

    // The driver cancels a call by asking the server on another connection, and keeps whoever cancels waiting until that is answered or
    // its time is up. A server that answers does so at once; for one that does not, nobody waits longer than the limit.
    private static async Task<T> EndWithAsync<T>(Func<CancellationToken, Task<T>> start, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        // Not disposed: the call may outlive this method, and without a timer the source holds nothing.
        var cancel = new CancellationTokenSource();
        var call = start(cancel.Token);
        try
        {
            return await call.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException) when (!call.IsCompleted)
        {
            await Task.WhenAny(CancelAsync(), Task.Delay(CancelLimit, CancellationToken.None));
            // What was done before the server heard of the end counts.
            if (call.IsCompletedSuccessfully) return await call;
            throw;
        }

        async Task CancelAsync()
        {
            await cancel.CancelAsync();
            await ((Task)call).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // The driver returns instants as DateTime in UTC, while every instant here is a DateTimeOffset.
    private sealed class InstantHandler : SqlMapper.TypeHandler<DateTimeOffset>
    {
        public override DateTimeOffset Parse(object value) =>
            value is DateTimeOffset instant ? instant : new DateTimeOffset((DateTime)value, TimeSpan.Zero);

        public override void SetValue(System.Data.IDbDataParameter parameter, DateTimeOffset value) =>
            parameter.Value = value.ToUniversalTime();
    }
}
