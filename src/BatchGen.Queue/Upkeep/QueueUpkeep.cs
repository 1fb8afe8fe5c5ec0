using System.Diagnostics;
using Npgsql;
using NpgsqlTypes;
using static BatchGen.Queue.QueueDatabase;

namespace BatchGen.Queue.Upkeep;

/// <summary>What keeps the database small and quick over months; each call is short work in chunks, and harmless when run twice or by several at once.</summary>
public sealed class QueueUpkeep(QueueDatabase database)
{
    // What is left over goes with the next run: nothing here is urgent, and a run that never ends could not be told from one that hangs.
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(10);

    // A chunk is one transaction: large enough to be quick, small enough that nobody waits for its locks.
    private const int Chunk = 5_000;

    /// <summary>Moves out whatever is past its retention, each kind for ten minutes at most; the rest goes with the next call.</summary>
    /// <returns>What was done; null when another program is at it.</returns>
    public Task<RetentionOutcome?> RetainAsync(RetentionLimits limits, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(limits);
        return AloneAsync("retention", async () => new RetentionOutcome(
            await ArchiveJobsAsync(limits.Jobs, cancellationToken), await PruneHistoryAsync(limits.History, cancellationToken), await PruneArchiveAsync(limits.Archive, cancellationToken)),
            cancellationToken);
    }

    /// <summary>Moves jobs that ended before the retention to <c>archived_jobs</c>. Files of pictures stay.</summary>
    /// <returns>Jobs moved.</returns>
    public Task<long> ArchiveJobsAsync(TimeSpan olderThan, CancellationToken cancellationToken) => InChunksAsync("archive_jobs", olderThan, cancellationToken);

    /// <summary>Deletes batches, checkpoints, canaries and workers past their retention that no job refers to.</summary>
    /// <returns>Rows deleted.</returns>
    public Task<long> PruneHistoryAsync(TimeSpan olderThan, CancellationToken cancellationToken) => InChunksAsync("prune_history", olderThan, cancellationToken);

    /// <summary>Deletes archived jobs past their retention.</summary>
    /// <returns>Jobs deleted.</returns>
    public Task<long> PruneArchiveAsync(TimeSpan olderThan, CancellationToken cancellationToken) => InChunksAsync("prune_archive", olderThan, cancellationToken);

    /// <summary>Rebuilds indexes that hold more dead space than entries, without locking anybody out, and removes what an interrupted rebuild left.</summary>
    /// <param name="minBytes">Smaller indexes are left alone.</param>
    /// <param name="cancellationToken">Stops between two indexes, or interrupts one; the next call cleans up.</param>
    /// <returns>Names of the indexes rebuilt; null when another program is at it.</returns>
    public Task<IReadOnlyList<string>?> ReindexAsync(long minBytes, CancellationToken cancellationToken) =>
        AloneAsync("reindex", () => ReindexAloneAsync(minBytes, cancellationToken), cancellationToken);

    private Task<IReadOnlyList<string>> ReindexAloneAsync(long minBytes, CancellationToken cancellationToken) => database.RunAsync(async connection =>
    {
        // The statements come from the server, which quotes the names; they may not run in a transaction.
        foreach (var (_, statement) in await ListAsync(connection, "list_broken_indexes", [], cancellationToken)) await RunAsync(connection, statement, cancellationToken);
        var rebuilt = new List<string>();
        foreach (var (name, statement) in await ListAsync(connection, "list_bloated_indexes", [Parameter("min_bytes", NpgsqlDbType.Bigint, minBytes)], cancellationToken))
        {
            await RunAsync(connection, statement, cancellationToken);
            rebuilt.Add(name);
        }

        return (IReadOnlyList<string>)rebuilt;
    }, cancellationToken);

    // The lock is the session's: it ends with the connection at the latest, and the work itself holds no transaction open for it.
    private async Task<T?> AloneAsync<T>(string what, Func<Task<T>> work, CancellationToken cancellationToken)
        where T : class
    {
        await using var connection = await database.OpenAloneAsync(cancellationToken);
        if (!await CallAsync("lock_upkeep", cancellationToken)) return null;
        try
        {
            return await work();
        }
        finally
        {
            // The server notices a closed connection a moment late, and whoever comes next would find the lock taken.
            if (connection.State == System.Data.ConnectionState.Open) await CallAsync("unlock_upkeep", CancellationToken.None);
        }

        async Task<bool> CallAsync(string query, CancellationToken token)
        {
            await using var command = new NpgsqlCommand(Sql.SqlFiles.Query(query), connection);
            command.Parameters.Add(Parameter("what", NpgsqlDbType.Text, what));
            return await command.ExecuteScalarAsync(token) is true;
        }
    }

    private async Task<long> InChunksAsync(string query, TimeSpan olderThan, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        for (long total = 0; ;)
        {
            var count = await database.CommandAsync(query,
                [Parameter("older_than", NpgsqlDbType.Interval, olderThan), Parameter("at_most", NpgsqlDbType.Integer, Chunk)], async reader =>
                {
                    await reader.ReadAsync(cancellationToken);
                    return await reader.GetFieldValueAsync<int>(0, cancellationToken);
                }, cancellationToken);
            total += count;
            if (count == 0 || Stopwatch.GetElapsedTime(started) > Longest) return total;
        }
    }

    private static async Task<List<(string Name, string Statement)>> ListAsync(
        NpgsqlConnection connection, string query, NpgsqlParameter[] parameters, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(Sql.SqlFiles.Query(query), connection);
        command.Parameters.AddRange(parameters);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var list = new List<(string, string)>();
        while (await reader.ReadAsync(cancellationToken)) list.Add((await reader.GetFieldValueAsync<string>(0, cancellationToken), await reader.GetFieldValueAsync<string>(1, cancellationToken)));
        return list;
    }

    private static async Task RunAsync(NpgsqlConnection connection, string statement, CancellationToken cancellationToken)
    {
#pragma warning disable CA2100 // The text was made by the server out of its own catalog, with names quoted by format().
        await using var command = new NpgsqlCommand(statement, connection) { CommandTimeout = 0 };
#pragma warning restore CA2100
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}

/// <summary>How long things are kept.</summary>
/// <param name="Jobs">Ended jobs, before they move to the archive.</param>
/// <param name="History">Batches, checkpoints, canaries and workers that no job refers to.</param>
/// <param name="Archive">Archived jobs.</param>
public sealed record RetentionLimits(TimeSpan Jobs, TimeSpan History, TimeSpan Archive);

/// <summary>What was moved out.</summary>
/// <param name="JobsArchived">Jobs moved to the archive.</param>
/// <param name="HistoryDeleted">Rows of batches, checkpoints, canaries and workers.</param>
/// <param name="ArchivedDeleted">Archived jobs deleted.</param>
public sealed record RetentionOutcome(long JobsArchived, long HistoryDeleted, long ArchivedDeleted);
