using System.Diagnostics;
using System.Runtime.CompilerServices;
using Npgsql;
using NpgsqlTypes;
using static BatchGen.Queue.QueueDatabase;

namespace BatchGen.Queue.Signals;

/// <summary>Learns of jobs that ended: what <c>docs/sql-api.md</c> calls waiting for results.</summary>
/// <remarks>
/// Every login of the database may send notifications, so theirs are not read: one says that jobs may have ended, and the tables say which
/// ones and how.
/// </remarks>
public sealed class EndedJobs(QueueDatabase database)
{
    // Jobs of one notice: where there are more, whoever listens does better to look at the results as a whole.
    private const int MaxJobs = 300;

    // Notifications that follow each other so closely are answered by one look at the tables, put off no longer than the limit.
    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LongestBurst = TimeSpan.FromMilliseconds(200);

    /// <summary>Listens on a connection of its own until cancelled or until the connection breaks; a link that is cut without a word
    /// breaks within seconds.</summary>
    /// <param name="keepAlive">After so long without a notification an element is returned all the same.</param>
    /// <param name="cancellationToken">Ends the listening.</param>
    /// <returns>Notices. The first element has no jobs: from then on no job that ends is missed without a word.</returns>
    public async IAsyncEnumerable<EndedNotice> ListenAsync(TimeSpan keepAlive, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenListeningAsync("listen_done", keepAlive, cancellationToken);
        var (notice, marker) = await ReadAsync(null, cancellationToken);
        yield return notice;
        while (true)
        {
            var notified = await connection.WaitAsync(keepAlive, cancellationToken);
            if (notified) await EndBurstAsync(connection, cancellationToken);
            (notice, marker) = await ReadAsync(marker, cancellationToken);
            // A notification without an ending is somebody else's.
            if (!notified || notice.Jobs.Count > 0 || !notice.IsComplete) yield return notice;
        }
    }

    private static async Task EndBurstAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        while (await connection.WaitAsync(Quiet, cancellationToken) && Stopwatch.GetElapsedTime(started) < LongestBurst)
        {
            // Its payload is not read.
        }
    }

    private async Task<(EndedNotice Notice, string Marker)> ReadAsync(string? after, CancellationToken cancellationToken)
    {
        var rows = await database.ListAsync<EndedRow>("list_ended",
            [Parameter("after", NpgsqlDbType.Text, after), Parameter("at_most", NpgsqlDbType.Integer, MaxJobs)], cancellationToken);
        var jobs = rows.Where(row => row.JobId is not null)
            .Select(row => new EndedJob(row.JobId!.Value, row.State!, row.Tenant!, row.Campaign));
        return (new EndedNotice([.. jobs], rows[^1].IsComplete), rows[^1].Marker);
    }

    private sealed class EndedRow
    {
        public string Marker { get; init; } = "";

        public bool IsComplete { get; init; }

        public long? JobId { get; init; }

        public string? State { get; init; }

        public string? Tenant { get; init; }

        public string? Campaign { get; init; }
    }
}

/// <summary>Jobs that ended since the notice before.</summary>
/// <param name="Jobs">The jobs.</param>
/// <param name="IsComplete">False when others ended that are not named here.</param>
public sealed record EndedNotice(IReadOnlyList<EndedJob> Jobs, bool IsComplete);

/// <summary>A job that ended.</summary>
/// <param name="JobId">Id of the job.</param>
/// <param name="State">How it stands now: <c>succeeded</c>, <c>failed</c> or <c>cancelled</c>.</param>
/// <param name="Tenant">Tenant that the job belongs to.</param>
/// <param name="Campaign">Campaign of the job, or null.</param>
public sealed record EndedJob(long JobId, string State, string Tenant, string? Campaign);
