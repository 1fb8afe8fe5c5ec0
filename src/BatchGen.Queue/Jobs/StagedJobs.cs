using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using BatchGen.Core.Jobs;
using BatchGen.Queue.Sql;
using Npgsql;
using NpgsqlTypes;

namespace BatchGen.Queue.Jobs;

/// <summary>Writes requests into the staging table with COPY and submits them as a set.</summary>
internal static class StagedJobs
{
    public static async Task<long> SubmitAsync(
        NpgsqlConnection connection, IEnumerable<JobRequest> requests, string? tenant, CancellationToken cancellationToken)
    {
        // A name of its own keeps concurrent loads of one role apart.
        var load = Guid.NewGuid().ToString("N");
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using (var lift = new NpgsqlCommand(SqlFiles.Query("lift_statement_limit"), connection, transaction))
            await lift.ExecuteNonQueryAsync(cancellationToken);
        await using (var writer = await connection.BeginBinaryImportAsync(SqlFiles.Statement("copy_staged_jobs"), cancellationToken))
        {
            writer.Timeout = TimeSpan.Zero;
            var (buffer, seeds) = (new ArrayBufferWriter<byte>(1024), new SeedDraw());
            // The database draws seeds too, but taking one into a million recipes costs it more than all of their checks.
            foreach (var request in requests)
                await WriteAsync(
                    writer, load, request.Seed is null ? request with { Seed = seeds.Next() } : request, buffer, cancellationToken);
            await writer.CompleteAsync(cancellationToken);
        }

        await using var command = new NpgsqlCommand(SqlFiles.Query("submit_staged"), connection, transaction) { CommandTimeout = 0 };
        command.Parameters.Add(QueueDatabase.Parameter("load", NpgsqlDbType.Text, load));
        command.Parameters.Add(QueueDatabase.Parameter("tenant", NpgsqlDbType.Text, tenant));
        var count = (long)(await command.ExecuteScalarAsync(cancellationToken))!;
        await transaction.CommitAsync(cancellationToken);
        return count;
    }

    private static async Task WriteAsync(
        NpgsqlBinaryImporter writer, string load, JobRequest request, ArrayBufferWriter<byte> buffer, CancellationToken cancellationToken)
    {
        await writer.StartRowAsync(cancellationToken);
        await writer.WriteAsync(load, NpgsqlDbType.Text, cancellationToken);
        await writer.WriteAsync(JobRequestJson.WriteRecipe(request, buffer), NpgsqlDbType.Jsonb, cancellationToken);
        await TextAsync(request.Model);
        await TextAsync(Spell(request.Adapters));
        await TextAsync(request.Campaign);
        await ValueAsync(request.Priority, NpgsqlDbType.Integer);
        await ValueAsync(request.RunAt?.ToUniversalTime(), NpgsqlDbType.TimestampTz);
        await ValueAsync(request.Deadline?.ToUniversalTime(), NpgsqlDbType.TimestampTz);
        await ValueAsync(request.MaxAttempts, NpgsqlDbType.Integer);
        if (request.Tags is { Count: > 0 } tags)
            await writer.WriteAsync(tags.ToArray(), NpgsqlDbType.Array | NpgsqlDbType.Text, cancellationToken);
        else await writer.WriteNullAsync(cancellationToken);
        await TextAsync(request.IdempotencyKey);

        Task TextAsync(string? value) =>
            value is null ? writer.WriteNullAsync(cancellationToken) : writer.WriteAsync(value, NpgsqlDbType.Text, cancellationToken);

        Task ValueAsync<T>(T? value, NpgsqlDbType type)
            where T : struct =>
                value is { } present ? writer.WriteAsync(present, type, cancellationToken) : writer.WriteNullAsync(cancellationToken);
    }

    private static string? Spell(IReadOnlyList<JobRequestAdapter>? adapters)
    {
        if (adapters is not { Count: > 0 }) return null;
        var text = new StringBuilder();
        foreach (var adapter in adapters)
        {
            if (text.Length > 0) text.Append('+');
            text.Append(adapter.Name).Append('@').Append(Number(adapter.Strength ?? 1));
            if (adapter.TextEncoderStrength is { } textEncoder) text.Append(':').Append(Number(textEncoder));
            if (adapter.BlockStrengths is { } blocks) text.Append('[').AppendJoin(',', blocks.Select(Number)).Append(']');
        }

        return text.ToString();
    }

    /// <summary>Seeds below 2^32, as the database draws them (filled_recipe).</summary>
    private sealed class SeedDraw
    {
        private readonly byte[] _bytes = new byte[4096];
        private int _next = int.MaxValue;

        public long Next()
        {
            if (_next > _bytes.Length - sizeof(uint))
            {
                RandomNumberGenerator.Fill(_bytes);
                _next = 0;
            }

            var seed = BitConverter.ToUInt32(_bytes, _next);
            _next += sizeof(uint);
            return seed;
        }
    }

    private static string Number(decimal value) => value.ToString(CultureInfo.InvariantCulture);
}
