using BatchGen.Core.Rendering;
using NpgsqlTypes;
using static BatchGen.Queue.QueueDatabase;

namespace BatchGen.Queue.Checkpoints;

/// <summary>Records checkpoints with what follows for the images drawn before them, and lists them.</summary>
public sealed class CheckpointLog(QueueDatabase database)
{
    /// <summary>
    /// Writes a checkpoint in one transaction with its consequence: <c>Passed</c> marks this worker's unverified images verified;
    /// <c>Drifted</c> requeues their jobs, the attempt not counted.
    /// </summary>
    /// <remarks>
    /// <c>Restored</c> and <c>Unrecoverable</c> come after a <c>Drifted</c> that left no image unverified. Should one be, its job is
    /// requeued too: a check after a reload says nothing about an image rendered before the reload.
    /// </remarks>
    public Task<CheckpointOutcome> RecordAsync(WeightCheckpoint checkpoint, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        var (check, reload) = (checkpoint.Check, checkpoint.Reload);
        return database.CallAsync("record_checkpoint",
        [
            Parameter("worker_id", NpgsqlDbType.Uuid, checkpoint.WorkerId),
            Parameter("batch_id", NpgsqlDbType.Bigint, checkpoint.BatchId),
            Parameter("epoch", NpgsqlDbType.Bigint, checkpoint.Epoch),
            Parameter("model", NpgsqlDbType.Text, checkpoint.Model),
            Parameter("device", NpgsqlDbType.Text, checkpoint.Device.Name),
            Parameter("compute_type", NpgsqlDbType.Text, checkpoint.Device.ComputeType),
            Parameter("verdict", NpgsqlDbType.Text, checkpoint.Verdict.ToCode()),
            Parameter("expected", NpgsqlDbType.Text, check.ExpectedDigest),
            Parameter("actual", NpgsqlDbType.Text, check.ActualDigest),
            Parameter("tensors", NpgsqlDbType.Integer, check.Tensors),
            Parameter("size_bytes", NpgsqlDbType.Bigint, check.SizeBytes),
            Parameter("drifted", NpgsqlDbType.Array | NpgsqlDbType.Text, check.DriftedTensors.ToArray()),
            Parameter("elapsed_ms", NpgsqlDbType.Double, check.ElapsedMs),
            Parameter("reloaded_tensors", NpgsqlDbType.Integer, reload?.Tensors),
            Parameter("reloaded_bytes", NpgsqlDbType.Bigint, reload?.SizeBytes),
            Parameter("reload_ms", NpgsqlDbType.Double, reload?.ElapsedMs),
        ], async reader => (await ReadListAsync<CheckpointOutcome>(reader, cancellationToken)).Single(), cancellationToken);
    }

    /// <summary>The newest checkpoints.</summary>
    /// <param name="limit">At most this many.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    public async Task<IReadOnlyList<RecordedCheckpoint>> ListAsync(int limit, CancellationToken cancellationToken)
    {
        var rows = await database.QueryAsync<CheckpointRow>("list_checkpoints", new { limit }, cancellationToken);
        return rows.ConvertAll(row => new RecordedCheckpoint(
            row.CheckpointId, row.WorkerId, row.BatchId, row.Model, row.Device, row.Verdict, row.ExpectedDigest,
            row.ActualDigest, row.Tensors, row.SizeBytes, row.DriftedTensors, row.ElapsedMs, row.CreatedAt));
    }

    /// <summary>How many checkpoints passed, and how many found a difference.</summary>
    public async Task<CheckpointCounts> CountAsync(CancellationToken cancellationToken) =>
        (await CountAsync(0, null, cancellationToken)).Counts;

    /// <summary>Counts checkpoints above an id, and returns the highest id, to go on counting from.</summary>
    /// <param name="afterId">Only checkpoints with a higher id.</param>
    /// <param name="since">Only checkpoints from then on; null does not restrict.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    public async Task<(CheckpointCounts Counts, long LastId)> CountAsync(
        long afterId, DateTimeOffset? since, CancellationToken cancellationToken)
    {
        var row = (await database.ListAsync<CountRow>("count_checkpoints",
            [Parameter("after", NpgsqlDbType.Bigint, afterId), Parameter("since", NpgsqlDbType.TimestampTz, since?.ToUniversalTime())],
            cancellationToken)).Single();
        return (new CheckpointCounts(row.Passed, row.Drifted), row.LastId);
    }

    private sealed record CountRow(long Passed, long Drifted, long LastId);

    private sealed class CheckpointRow
    {
        public long CheckpointId { get; set; }

        public Guid WorkerId { get; set; }

        public long? BatchId { get; set; }

        public string Model { get; set; } = "";

        public string Device { get; set; } = "";

        public string Verdict { get; set; } = "";

        public string ExpectedDigest { get; set; } = "";

        public string ActualDigest { get; set; } = "";

        public int Tensors { get; set; }

        public long SizeBytes { get; set; }

        public string[] DriftedTensors { get; set; } = [];

        public double ElapsedMs { get; set; }

        public DateTimeOffset CreatedAt { get; set; }
    }
}

/// <summary>A checkpoint as the database holds it.</summary>
public sealed record RecordedCheckpoint(
    long CheckpointId, Guid WorkerId, long? BatchId, string Model, string Device, string Verdict, string ExpectedDigest,
    string ActualDigest, int Tensors, long SizeBytes, IReadOnlyList<string> DriftedTensors, double ElapsedMs, DateTimeOffset CreatedAt);

/// <summary>How many checkpoints had which outcome.</summary>
/// <param name="Passed">Checkpoints that passed, at once or after a reload.</param>
/// <param name="Drifted">Checkpoints that found a difference.</param>
public sealed record CheckpointCounts(long Passed, long Drifted);
