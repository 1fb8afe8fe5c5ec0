using BatchGen.Chaos.Servers;
using Npgsql;

namespace BatchGen.Chaos.Audits;

/// <summary>Asks the database whether what must hold holds; the checks are the files <c>db/chaos/audit_*.sql</c>.</summary>
internal static class QueueAudit
{
    private static readonly string[] Checks =
    [
        "audit_states", "audit_transitions", "audit_images", "audit_verified_stays", "audit_redrawn", "audit_attempts", "audit_counts",
        "audit_verified_count", "audit_batches", "audit_checkpoints", "audit_workers",
    ];

    /// <summary>Runs every check.</summary>
    public static async Task<IReadOnlyList<AuditLine>> RunAsync(ServerPair servers, CancellationToken cancellationToken)
    {
        var lines = new List<AuditLine>();
        await using var connection = await servers.ConnectAsync(cancellationToken);
        foreach (var check in Checks)
        {
            var statement = ChaosSql.Read(check);
            await using var command = new NpgsqlCommand(statement, connection);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            await reader.ReadAsync(cancellationToken);
            var violations = await reader.IsDBNullAsync(1, cancellationToken) ? []
                : await reader.GetFieldValueAsync<string[]>(1, cancellationToken);
            lines.Add(new AuditLine(ChaosSql.CommentOf(statement), Convert.ToInt64(reader.GetValue(0), null), violations));
        }

        return lines;
    }
}
