using BatchGen.Chaos.Servers;
using Npgsql;

namespace BatchGen.Chaos.Audits;

/// <summary>What the queue says of a job at the end of a run.</summary>
internal sealed record JobRow(
    long Id, string? Key, string State, string? Path, long SizeBytes, string? Sha256, int WidthPixels, int HeightPixels, string? Recipe,
    string Signature)
{
    /// <summary>Reads every job.</summary>
    public static async Task<IReadOnlyList<JobRow>> ListAsync(ServerPair servers, CancellationToken cancellationToken)
    {
        await using var connection = await servers.ConnectAsync(cancellationToken);
        await using var command = new NpgsqlCommand(ChaosSql.Read("list_jobs"), connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<JobRow>();
        while (await reader.ReadAsync(cancellationToken))
        {
            var hasImage = !await reader.IsDBNullAsync(3, cancellationToken);
            var key = await reader.IsDBNullAsync(1, cancellationToken) ? null : reader.GetString(1);
            rows.Add(new JobRow(
                reader.GetInt64(0), key, reader.GetString(2),
                hasImage ? reader.GetString(3) : null, hasImage ? reader.GetInt64(4) : 0, hasImage ? reader.GetString(5) : null,
                hasImage ? reader.GetInt32(6) : 0, hasImage ? reader.GetInt32(7) : 0, hasImage ? reader.GetString(8) : null,
                reader.GetString(9)));
        }

        return rows;
    }

    /// <summary>Digests of registered models and adapters, by name.</summary>
    public static async Task<IReadOnlyDictionary<string, string>> ListDigestsAsync(ServerPair servers, CancellationToken cancellationToken)
    {
        await using var connection = await servers.ConnectAsync(cancellationToken);
        await using var command = new NpgsqlCommand(ChaosSql.Read("list_adapters"), connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var digests = new Dictionary<string, string>(StringComparer.Ordinal);
        while (await reader.ReadAsync(cancellationToken)) digests[reader.GetString(0)] = reader.GetString(1);
        return digests;
    }
}
