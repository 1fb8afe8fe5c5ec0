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

    /// <summary>Opens a connection outside the pool, for a caller that changes its session's state: the pool must not hand
    /// that session to others.</summary>
    internal async Task<NpgsqlConnection> OpenAloneAsync(CancellationToken cancellationToken)
    {
        var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(_connectionString) { Pooling = false }.ConnectionString);
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
        RunAsync(async connection =>
            (await connection.QueryAsync<T>(new CommandDefinition(SqlFiles.Query(query), parameters, cancellationToken: cancellationToken)))
                .AsList(), cancellationToken);

    /// <summary>The only value that a query returns.</summary>
    internal Task<T> ScalarAsync<T>(string query, object? parameters, CancellationToken cancellationToken) => RunAsync(async connection =>
        (await connection.ExecuteScalarAsync<T>(
            new CommandDefinition(SqlFiles.Query(query), parameters, cancellationToken: cancellationToken)))!, cancellationToken);

    /// <summary>Runs a statement that returns no rows.</summary>
    internal Task<int> ExecuteAsync(string query, object? parameters, CancellationToken cancellationToken) => RunAsync(connection =>
        connection.ExecuteAsync(new CommandDefinition(SqlFiles.Query(query), parameters, cancellationToken: cancellationToken)),
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
        var parse = reader.GetRowParser<T>();
        var list = new List<T>();
        while (await reader.ReadAsync(cancellationToken)) list.Add(parse(reader));
        return list;
    }

    private Task<T> ReadAsync<T>(
        string query, IReadOnlyList<NpgsqlParameter> parameters, Func<NpgsqlDataReader, Task<T>> read, bool prepare,
        CancellationToken cancellationToken) =>
        RunAsync(async connection =>
        {
            await using var command = new NpgsqlCommand(SqlFiles.Query(query), connection);
            foreach (var parameter in parameters) command.Parameters.Add(parameter);
            if (prepare) await command.PrepareAsync(cancellationToken);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            return await read(reader);
        }, cancellationToken);

    internal static NpgsqlParameter Parameter(string name, NpgsqlDbType type, object? value) =>
        new(name, type) { Value = value ?? DBNull.Value };

    /// <summary>Runs work on a connection; database errors that a person can act on become a
    /// <see cref="QueueException"/> that says how.</summary>
    internal async Task<T> RunAsync<T>(Func<NpgsqlConnection, Task<T>> work, CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = await DataSource.OpenConnectionAsync(cancellationToken);
            return await work(connection);
        }
        catch (NpgsqlException error) when (SqlErrors.Translate(error, DataSource) is not null)
        {
            throw SqlErrors.Translate(error, DataSource)!;
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
