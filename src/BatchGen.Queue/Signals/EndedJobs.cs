using System.Runtime.CompilerServices;
using System.Text.Json;
using Npgsql;

namespace BatchGen.Queue.Signals;

/// <summary>Receives the database's notifications of jobs that ended: what <c>docs/sql-api.md</c> calls waiting for results.</summary>
public sealed class EndedJobs(QueueDatabase database)
{
    private static readonly JsonSerializerOptions PayloadJson = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>Listens on a connection of its own until cancelled or until the connection breaks.</summary>
    /// <param name="keepAlive">After so long without a notification an element without jobs is returned.</param>
    /// <param name="cancellationToken">Ends the listening.</param>
    /// <returns>Notifications. The first element has no jobs: from then on no notification is missed.</returns>
    public async IAsyncEnumerable<EndedNotice> ListenAsync(TimeSpan keepAlive, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAloneAsync(cancellationToken);
        var payloads = new Queue<string>();
        connection.Notification += (_, notification) => payloads.Enqueue(notification.Payload);
        await using (var command = new NpgsqlCommand(Sql.SqlFiles.Query("listen_done"), connection))
            await command.ExecuteNonQueryAsync(cancellationToken);
        yield return EndedNotice.None;
        while (true)
        {
            while (payloads.TryDequeue(out var payload)) yield return JsonSerializer.Deserialize<EndedNotice>(payload, PayloadJson)!;
            if (!await connection.WaitAsync(keepAlive, cancellationToken)) yield return EndedNotice.None;
        }
    }

    /// <summary>Tenants and campaigns of jobs that ended; jobs that are gone by now are left out.</summary>
    public async Task<IReadOnlyList<EndedJob>> DescribeAsync(IReadOnlyList<long> jobIds, CancellationToken cancellationToken) =>
        await database.QueryAsync<EndedJob>("list_ended", new { job_ids = jobIds.ToArray() }, cancellationToken);
}

/// <summary>A notification that jobs ended.</summary>
/// <param name="State">How the jobs ended.</param>
/// <param name="Count">How many jobs ended.</param>
/// <param name="JobIds">The jobs; null when there are too many for a notification.</param>
public sealed record EndedNotice(string State, int Count, IReadOnlyList<long>? JobIds)
{
    /// <summary>The element that stands for no notification.</summary>
    public static EndedNotice None { get; } = new("", 0, []);
}

/// <summary>A job that ended.</summary>
public sealed class EndedJob
{
    /// <summary>Id of the job.</summary>
    public long JobId { get; init; }

    /// <summary>Tenant that the job belongs to.</summary>
    public string Tenant { get; init; } = "";

    /// <summary>Campaign of the job, or null.</summary>
    public string? Campaign { get; init; }
}
