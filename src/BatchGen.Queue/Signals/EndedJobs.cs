using System.Runtime.CompilerServices;
using System.Text.Json;
using Npgsql;

namespace BatchGen.Queue.Signals;

/// <summary>Hears which jobs ended: what <c>docs/sql-api.md</c> calls waiting for results.</summary>
public sealed class EndedJobs(QueueDatabase database)
{
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>Listens on a connection of its own until cancelled or until the connection breaks.</summary>
    /// <param name="quiet">After so long without news an element without jobs is given.</param>
    /// <param name="cancellationToken">Ends the listening.</param>
    /// <returns>The first element has no jobs: from then on none are missed.</returns>
    public async IAsyncEnumerable<EndedNotice> ListenAsync(TimeSpan quiet, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAloneAsync(cancellationToken);
        var heard = new Queue<string>();
        connection.Notification += (_, notification) => heard.Enqueue(notification.Payload);
        await using (var command = new NpgsqlCommand(Sql.SqlFiles.Query("listen_done"), connection)) await command.ExecuteNonQueryAsync(cancellationToken);
        yield return EndedNotice.None;
        while (true)
        {
            while (heard.TryDequeue(out var payload)) yield return JsonSerializer.Deserialize<EndedNotice>(payload, Json)!;
            if (!await connection.WaitAsync(quiet, cancellationToken)) yield return EndedNotice.None;
        }
    }

    /// <summary>Tenant and campaign of jobs.</summary>
    public async Task<IReadOnlyList<EndedJob>> DescribeAsync(IReadOnlyList<long> jobIds, CancellationToken cancellationToken) =>
        await database.QueryAsync<EndedJob>("list_ended", new { job_ids = jobIds.ToArray() }, cancellationToken);
}

/// <summary>One notification.</summary>
/// <param name="State">How the jobs ended.</param>
/// <param name="Count">How many there are.</param>
/// <param name="JobIds">Which; null when there are too many for a notification.</param>
public sealed record EndedNotice(string State, int Count, IReadOnlyList<long>? JobIds)
{
    /// <summary>No news.</summary>
    public static EndedNotice None { get; } = new("", 0, []);
}

/// <summary>A job that ended.</summary>
public sealed class EndedJob
{
    /// <summary>The job.</summary>
    public long JobId { get; init; }

    /// <summary>Whose job.</summary>
    public string Tenant { get; init; } = "";

    /// <summary>Its campaign, or null.</summary>
    public string? Campaign { get; init; }
}
