using System.Diagnostics;
using Npgsql;
using NpgsqlTypes;
using static BatchGen.Queue.QueueDatabase;

namespace BatchGen.Queue.Upkeep;

/// <summary>Keeps the database small and quick over months. Each call works in short chunks, and is harmless when run twice
/// or by several at once.</summary>
public sealed class QueueUpkeep(QueueDatabase database)
{
    // The next run does the rest: nothing here is urgent, and a run without end could not be told from one that hangs.
    private static readonly TimeSpan LongestRun = TimeSpan.FromMinutes(10);

    // Minutes lie between staging and submitting; a week is for a producer that stood still over the holidays.
    private static readonly TimeSpan StagedRetention = TimeSpan.FromDays(7);

    /// <value>Rows of a chunk, which is one transaction: large enough to be quick, small enough that nobody waits for its locks.</value>
    internal int ChunkRows { get; init; } = 5_000;

    /// <value>How long a rebuild waits for one transaction that is open, such as a producer's or a backup's. As long as a statement of a
    /// producer may take; what is open for longer was forgotten, or is not about to end.</value>
    internal TimeSpan LockLimit { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Removes everything that is past its retention, working on each kind of row for ten minutes at most; the
    /// next call does the rest.</summary>
    /// <returns>What was removed; null when another program is doing this now.</returns>
    public Task<RetentionOutcome?> RetainAsync(RetentionLimits limits, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(limits);
        return AloneAsync("retention", async () => new RetentionOutcome(
            await ArchiveJobsAsync(limits.Jobs, cancellationToken), await PruneHistoryAsync(limits.History, cancellationToken),
            await PruneArchiveAsync(limits.Archive, cancellationToken),
            await PruneStagedAsync(StagedRetention, cancellationToken)),
            cancellationToken);
    }

    /// <summary>Moves jobs that ended before the retention to <c>archived_jobs</c>. Image files stay.</summary>
    /// <returns>Jobs moved.</returns>
    public async Task<long> ArchiveJobsAsync(TimeSpan olderThan, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        var moved = 0L;
        for (long? after = 0; after is not null && Stopwatch.GetElapsedTime(started) <= LongestRun;)
        {
            var chunk = await ArchiveChunkAsync(olderThan, after.Value, cancellationToken);
            moved += chunk.Moved;
            after = chunk.LastId;
        }

        return moved;
    }

    /// <summary>Deletes batches, checkpoints, canaries and workers past their retention that no job refers to.</summary>
    /// <returns>Rows deleted.</returns>
    public Task<long> PruneHistoryAsync(TimeSpan olderThan, CancellationToken cancellationToken) =>
        InChunksAsync("prune_history", olderThan, cancellationToken);

    /// <summary>Deletes archived jobs past their retention.</summary>
    /// <returns>Jobs deleted.</returns>
    public Task<long> PruneArchiveAsync(TimeSpan olderThan, CancellationToken cancellationToken) =>
        InChunksAsync("prune_archive", olderThan, cancellationToken);

    /// <summary>Deletes rows that were staged longer ago and never submitted.</summary>
    /// <returns>Rows deleted.</returns>
    public async Task<long> PruneStagedAsync(TimeSpan olderThan, CancellationToken cancellationToken) =>
        (await database.ListAsync<long>("prune_staged", [Parameter("older_than", NpgsqlDbType.Interval, olderThan)], cancellationToken))
            .Single();

    /// <summary>Rebuilds indexes that hold more dead space than entries, without locking others out, and drops indexes that an interrupted
    /// rebuild left behind. It gives up where it would have to wait too long for a transaction of somebody else; the next call goes
    /// on.</summary>
    /// <param name="minBytes">Smaller indexes are left alone.</param>
    /// <param name="cancellationToken">Stops between two indexes, or interrupts one; the next call cleans up.</param>
    /// <returns>What was rebuilt; null when another program is doing this now.</returns>
    public Task<ReindexOutcome?> ReindexAsync(long minBytes, CancellationToken cancellationToken) =>
        AloneAsync("reindex", () => ReindexAloneAsync(minBytes, cancellationToken), cancellationToken);

    // On a connection outside the pool, because the limit is one of the session: what rebuilds an index may not run in a transaction.
    private async Task<ReindexOutcome> ReindexAloneAsync(long minBytes, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAloneAsync(cancellationToken);
        await LimitLockWaitsAsync(connection, cancellationToken);
        var rebuilt = new List<string>();
        // The statements come from the server, which quotes the names.
        foreach (var index in await ListIndexesAsync(connection, "list_broken_indexes", [], cancellationToken))
        {
            if (!await TryRunAsync(connection, index.Statement, cancellationToken)) return new ReindexOutcome(rebuilt, index.Name);
        }

        var bloated = await ListIndexesAsync(
            connection, "list_bloated_indexes", [Parameter("min_bytes", NpgsqlDbType.Bigint, minBytes)], cancellationToken);
        foreach (var index in bloated)
        {
            // Whoever keeps this one waiting mostly keeps the others waiting too, and each would leave an unfinished index behind.
            if (!await TryRunAsync(connection, index.Statement, cancellationToken)) return new ReindexOutcome(rebuilt, index.Name);
            rebuilt.Add(index.Name);
        }

        return new ReindexOutcome(rebuilt, GaveUpAt: null);
    }

    private async Task LimitLockWaitsAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(Sql.SqlFiles.Query("limit_session_lock_waits"), connection);
        command.Parameters.Add(Parameter("limit", NpgsqlDbType.Text, $"{(long)LockLimit.TotalMilliseconds}ms"));
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    // False when a transaction of somebody else was in the way for too long.
    private static async Task<bool> TryRunAsync(NpgsqlConnection connection, string statement, CancellationToken cancellationToken)
    {
        try
        {
            await RunAsync(connection, statement, cancellationToken);
            return true;
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.LockNotAvailable)
        {
            return false;
        }
    }

    // The lock belongs to a transaction, not to a session: behind PgBouncer in transaction mode only a transaction's lock surely ends. The
    // work uses connections of its own.
    private async Task<T?> AloneAsync<T>(string what, Func<Task<T>> work, CancellationToken cancellationToken)
        where T : class
    {
        await using var connection = await database.DataSource.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using var command = new NpgsqlCommand(Sql.SqlFiles.Query("lock_upkeep"), connection, transaction);
        command.Parameters.Add(Parameter("what", NpgsqlDbType.Text, what));
        if (await command.ExecuteScalarAsync(cancellationToken) is not true) return null;
        // The answered query keeps its snapshot until another statement follows, and vacuum and concurrent
        // rebuilds would wait for that snapshot.
        await RunAsync(connection, Sql.SqlFiles.Query("drop_snapshot"), cancellationToken);
        return await work();
    }

    private async Task<ArchivedChunk> ArchiveChunkAsync(TimeSpan olderThan, long afterId, CancellationToken cancellationToken) =>
        (await database.ListAsync<ArchivedChunk>("archive_jobs",
        [
            Parameter("older_than", NpgsqlDbType.Interval, olderThan),
            Parameter("at_most", NpgsqlDbType.Integer, ChunkRows),
            Parameter("after_id", NpgsqlDbType.Bigint, afterId),
        ], cancellationToken)).Single();

    private async Task<long> InChunksAsync(string query, TimeSpan olderThan, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        for (long total = 0; ;)
        {
            var count = (await database.ListAsync<int>(
                query, [Parameter("older_than", NpgsqlDbType.Interval, olderThan), Parameter("at_most", NpgsqlDbType.Integer, ChunkRows)],
                cancellationToken)).Single();
            total += count;
            if (count == 0 || Stopwatch.GetElapsedTime(started) > LongestRun) return total;
        }
    }

    private static async Task<List<IndexStatement>> ListIndexesAsync(
        NpgsqlConnection connection, string query, NpgsqlParameter[] parameters, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(Sql.SqlFiles.Query(query), connection);
        command.Parameters.AddRange(parameters);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await ReadListAsync<IndexStatement>(reader, cancellationToken);
    }

    private static async Task RunAsync(NpgsqlConnection connection, string statement, CancellationToken cancellationToken)
    {
#pragma warning disable CA2100 // The text was made by the server out of its own catalog, with names quoted by format().
        await using var command = new NpgsqlCommand(statement, connection) { CommandTimeout = 0 };
#pragma warning restore CA2100
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    // How many jobs a chunk moved, and the id from which the next chunk goes on; null at the end.
    private sealed record ArchivedChunk(int Moved, long? LastId);

    // An index, and the statement that rebuilds or drops it.
    private sealed record IndexStatement(string Name, string Statement);
}

/// <summary>What a run of the reindexing did.</summary>
/// <param name="Rebuilt">Names of the indexes that were rebuilt.</param>
/// <param name="GaveUpAt">Name of the index that could not be rebuilt or removed because of an open transaction; null when all is
/// done.</param>
public sealed record ReindexOutcome(IReadOnlyList<string> Rebuilt, string? GaveUpAt);

/// <summary>How long rows are kept.</summary>
/// <param name="Jobs">Ended jobs, before they move to the archive.</param>
/// <param name="History">Batches, checkpoints, canaries and workers that no job refers to.</param>
/// <param name="Archive">Archived jobs.</param>
public sealed record RetentionLimits(TimeSpan Jobs, TimeSpan History, TimeSpan Archive);

/// <summary>How many rows a run of the retention removed.</summary>
/// <param name="JobsArchived">Jobs moved to the archive.</param>
/// <param name="HistoryDeleted">Batches, checkpoints, canaries and workers deleted.</param>
/// <param name="ArchivedDeleted">Archived jobs deleted.</param>
/// <param name="StagedDeleted">Staged rows deleted that nobody submitted within a week.</param>
public sealed record RetentionOutcome(long JobsArchived, long HistoryDeleted, long ArchivedDeleted, long StagedDeleted);
