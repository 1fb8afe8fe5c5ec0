using BatchGen.Core.Rendering;

namespace BatchGen.Queue.Checkpoints;

/// <summary>Records checkpoints and what follows from them.</summary>
public sealed class CheckpointLog(QueueDatabase database)
{
    /// <summary>
    /// Writes a checkpoint in one transaction with its consequence: <c>Passed</c> marks this worker's unverified pictures verified;
    /// <c>Drifted</c> puts their jobs back, the attempt not counted.
    /// </summary>
    public Task<CheckpointOutcome> RecordAsync(WeightCheckpoint checkpoint, CancellationToken cancellationToken) => throw new NotImplementedException(database.Options.Schema);

    /// <summary>The newest checkpoints.</summary>
    /// <param name="limit">At most this many.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    public Task<IReadOnlyList<RecordedCheckpoint>> ListAsync(int limit, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>How many checkpoints passed and did not.</summary>
    public Task<CheckpointCounts> CountAsync(CancellationToken cancellationToken) => throw new NotImplementedException();
}

/// <summary>A checkpoint as recorded.</summary>
public sealed record RecordedCheckpoint(
    long CheckpointId, Guid WorkerId, long? BatchId, string Model, string Device, string Verdict, string ExpectedDigest, string ActualDigest,
    int Tensors, long SizeBytes, IReadOnlyList<string> DriftedTensors, double ElapsedMs, DateTimeOffset CreatedAt);

/// <summary>Checkpoints by outcome.</summary>
/// <param name="Passed">Passed, at once or after a reload.</param>
/// <param name="Drifted">Found a difference.</param>
public sealed record CheckpointCounts(long Passed, long Drifted);
