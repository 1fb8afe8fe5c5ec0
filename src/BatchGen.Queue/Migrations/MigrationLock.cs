using BatchGen.Queue.Sql;
using Dapper;
using Npgsql;

namespace BatchGen.Queue.Migrations;

/// <summary>The lock of programs that change the schema, and how long its holder waits for other sessions.</summary>
internal sealed class MigrationLock(QueueDatabase database)
{
    /// <value>How long to wait for another program that migrates; it may build an index of millions of rows.</value>
    public TimeSpan OthersLimit { get; init; } = TimeSpan.FromMinutes(10);

    /// <value>How long a step waits for sessions that use what it changes. While it waits, everybody who comes later waits behind it,
    /// workers too.</value>
    public TimeSpan LockLimit { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Takes the lock on a connection of its own, in a transaction without a snapshot that ends with the connection: migrations
    /// begin and end their own transactions beside it.</summary>
    public async Task<NpgsqlConnection> TakeAsync(CancellationToken cancellationToken)
    {
        var locking = await database.OpenAloneAsync(cancellationToken);
        try
        {
            await SearchPath.PinAsync(locking, database.Options.Schema, cancellationToken);
            var transaction = await locking.BeginTransactionAsync(cancellationToken);
            await TakeWithinAsync(locking, transaction, cancellationToken);
            return locking;
        }
        catch
        {
            await locking.DisposeAsync();
            throw;
        }
    }

    /// <summary>Takes the lock until a transaction ends, which must find the schema first.</summary>
    public async Task TakeWithinAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, CancellationToken cancellationToken)
    {
        await LimitAsync(connection, transaction, OthersLimit, cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(
            SqlFiles.Query("lock_migrations"), transaction: transaction, commandTimeout: 0, cancellationToken: cancellationToken));
    }

    /// <summary>Limits how long a transaction waits for sessions that use what it changes.</summary>
    public Task LimitWaitsAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, CancellationToken cancellationToken) =>
        LimitAsync(connection, transaction, LockLimit, cancellationToken);

    /// <summary>Does work under the lock, and says what to do where another session keeps something locked.</summary>
    /// <exception cref="QueueException">Another session keeps a lock, or the database refused something that a person can mend.</exception>
    public async Task<T> SayErrorsAsync<T>(Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.LockNotAvailable)
        {
            throw new QueueException(
                $"Migrating schema '{database.Options.Schema}' met a lock that another session keeps: a program that migrates (waited for "
                + $"{OthersLimit.TotalSeconds:0} s), or one with an open transaction (waited for {LockLimit.TotalSeconds:0} s). The step "
                + "that waited changed nothing. End that session (pg_stat_activity shows it as 'idle in transaction'), then run: "
                + "batchgen migrate",
                error);
        }
        catch (Exception error) when (SqlErrors.Translate(error, database.DataSource) is not null)
        {
            throw SqlErrors.Translate(error, database.DataSource)!;
        }
    }

    private static Task<int> LimitAsync(
        NpgsqlConnection connection, NpgsqlTransaction transaction, TimeSpan limit, CancellationToken cancellationToken) =>
            connection.ExecuteAsync(new CommandDefinition(
                SqlFiles.Query("limit_lock_waits"), new { limit = $"{(long)limit.TotalMilliseconds}ms" }, transaction,
                cancellationToken: cancellationToken));
}
