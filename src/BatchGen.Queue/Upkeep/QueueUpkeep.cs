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

    // Minutes lie between staging and submitting; a week is for a producer that stood still over the holidays.
    private static readonly TimeSpan StagedLongest = TimeSpan.FromDays(7);

    /// <value>Rows of a chunk, which is one transaction: large enough to be quick, small enough that nobody waits for its locks.</value>
    internal int Chunk { get; init; } = 5_000;

    /// <summary>Moves out whatever is past its retention, each kind for ten minutes at most; the rest goes with the next call.</summary>
    /// <returns>What was done; null when another program is at it.</returns>
    public Task<RetentionOutcome?> RetainAsync(RetentionLimits limits, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(limits);
        return AloneAsync("retention", async () => new RetentionOutcome(
            await ArchiveJobsAsync(limits.Jobs, cancellationToken), await PruneHistoryAsync(limits.History, cancellationToken), await PruneArchiveAsync(limits.Archive, cancellationToken),
            await PruneStagedAsync(StagedLongest, cancellationToken)),
            cancellationToken);
    }

    /// <summary>Moves jobs that ended before the retention to <c>archived_jobs</c>. Files of pictures stay.</summary>
    /// <returns>Jobs moved.</returns>
    public async Task<long> ArchiveJobsAsync(TimeSpan olderThan, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        var moved = 0L;
        for (long? after = 0; after is not null && Stopwatch.GetElapsedTime(started) <= Longest;)
        {
            (var count, after) = await ArchiveChunkAsync(olderThan, after.Value, cancellationToken);
            moved += count;
        }

        return moved;
    }

    /// <summary>Deletes batches, checkpoints, canaries and workers past their retention that no job refers to.</summary>
    /// <returns>Rows deleted.</returns>
    public Task<long> PruneHistoryAsync(TimeSpan olderThan, CancellationToken cancellationToken) => InChunksAsync("prune_history", olderThan, cancellationToken);

    /// <summary>Deletes archived jobs past their retention.</summary>
    /// <returns>Jobs deleted.</returns>
    public Task<long> PruneArchiveAsync(TimeSpan olderThan, CancellationToken cancellationToken) => InChunksAsync("prune_archive", olderThan, cancellationToken);

    /// <summary>Deletes rows that were staged before that and never submitted.</summary>
    /// <returns>Rows deleted.</returns>
    public Task<long> PruneStagedAsync(TimeSpan olderThan, CancellationToken cancellationToken) =>
        database.CommandAsync("prune_staged", [Parameter("older_than", NpgsqlDbType.Interval, olderThan)], async reader =>
        {
            await reader.ReadAsync(cancellationToken);
            return await reader.GetFieldValueAsync<long>(0, cancellationToken);
        }, cancellationToken);

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

    // The lock is a transaction's, not a session's: behind PgBouncer in transaction mode only that surely ends. The work has connections of its own.
    private async Task<T?> AloneAsync<T>(string what, Func<Task<T>> work, CancellationToken cancellationToken)
        where T : class
    {
        await using var connection = await database.DataSource.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using var command = new NpgsqlCommand(Sql.SqlFiles.Query("lock_upkeep"), connection, transaction);
        command.Parameters.Add(Parameter("what", NpgsqlDbType.Text, what));
        if (await command.ExecuteScalarAsync(cancellationToken) is not true) return null;
        // Until another statement follows, the answered query keeps its snapshot, and vacuum and concurrent rebuilds would wait for it.
        await RunAsync(connection, Sql.SqlFiles.Query("drop_snapshot"), cancellationToken);
        return await work();
    }

    private Task<(int Moved, long? LastId)> ArchiveChunkAsync(TimeSpan olderThan, long afterId, CancellationToken cancellationToken) => database.CommandAsync("archive_jobs",
        [
            Parameter("older_than", NpgsqlDbType.Interval, olderThan),
            Parameter("at_most", NpgsqlDbType.Integer, Chunk),
            Parameter("after_id", NpgsqlDbType.Bigint, afterId),
        ], async reader =>
        {
            await reader.ReadAsync(cancellationToken);
            return (await reader.GetFieldValueAsync<int>(0, cancellationToken), await reader.GetFieldValueAsync<long?>(1, cancellationToken));
        }, cancellationToken);

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
/// <param name="StagedDeleted">Staged rows that nobody submitted within a week.</param>
public sealed record RetentionOutcome(long JobsArchived, long HistoryDeleted, long ArchivedDeleted, long StagedDeleted);
