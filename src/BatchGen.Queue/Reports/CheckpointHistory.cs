using BatchGen.Queue.Checkpoints;

namespace BatchGen.Queue.Reports;

/// <summary>Reads the checkpoints of a worker, and those that found a difference.</summary>
public sealed class CheckpointHistory(QueueDatabase database)
{
    /// <summary>The newest checkpoints of a worker.</summary>
    public async Task<IReadOnlyList<WorkerCheckpoint>> ListOfWorkerAsync(Guid workerId, int limit, CancellationToken cancellationToken) =>
        await database.QueryAsync<WorkerCheckpoint>("list_checkpoints_of_worker", new { worker_id = workerId, limit }, cancellationToken);

    /// <summary>Checkpoints that did not pass at once, newest first.</summary>
    public async Task<IReadOnlyList<WeightFaultEvent>> ListFaultsAsync(int limit, CancellationToken cancellationToken) =>
        await database.QueryAsync<WeightFaultEvent>("list_faults", new { limit }, cancellationToken);

    /// <summary>Counts the checkpoints of a range by outcome.</summary>
    public async Task<CheckpointCounts> CountAsync(CheckpointRange range, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(range);
        return (await database.QueryAsync<CheckpointCounts>("count_checkpoints_between",
            new { since = range.Since.ToUniversalTime(), until = range.Until?.ToUniversalTime(), campaign_id = range.CampaignId },
            cancellationToken)).Single();
    }

    /// <summary>Checkpoints of a range that did not pass at once, newest first.</summary>
    public async Task<IReadOnlyList<WeightFaultEvent>> ListFaultsAsync(
        CheckpointRange range, int limit, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(range);
        return await database.QueryAsync<WeightFaultEvent>("list_faults_between",
            new { since = range.Since.ToUniversalTime(), until = range.Until?.ToUniversalTime(), campaign_id = range.CampaignId, limit },
            cancellationToken);
    }
}

/// <summary>Which checkpoints to look at.</summary>
/// <param name="Since">From then on.</param>
/// <param name="Until">Up to then; null does not restrict.</param>
/// <param name="CampaignId">Only checkpoints after batches of this campaign, because drift during other work does not concern it;
/// null does not restrict.</param>
public sealed record CheckpointRange(DateTimeOffset Since, DateTimeOffset? Until, int? CampaignId = null);

/// <summary>A checkpoint of one worker.</summary>
public sealed class WorkerCheckpoint
{
    /// <summary>Id of the checkpoint.</summary>
    public long CheckpointId { get; init; }

    /// <summary>The batch that the checkpoint followed, or null.</summary>
    public long? BatchId { get; init; }

    /// <summary>Outcome: <c>passed</c>, <c>drifted</c>, <c>restored</c> or <c>unrecoverable</c>.</summary>
    public string Verdict { get; init; } = "";

    /// <summary>Digest of the weights as found.</summary>
    public string ActualDigest { get; init; } = "";

    /// <summary>How many tensors were checked.</summary>
    public int Tensors { get; init; }

    /// <summary>How many bytes were checked.</summary>
    public long SizeBytes { get; init; }

    /// <summary>Milliseconds that the check took.</summary>
    public double ElapsedMs { get; init; }

    /// <summary>When the checkpoint was recorded.</summary>
    public DateTimeOffset CreatedAt { get; init; }
}

/// <summary>A checkpoint that found a difference, or followed one.</summary>
public sealed class WeightFaultEvent
{
    /// <summary>Id of the checkpoint.</summary>
    public long CheckpointId { get; init; }

    /// <summary>Name of the worker.</summary>
    public string Worker { get; init; } = "";

    /// <summary>The batch that the checkpoint followed, or null.</summary>
    public long? BatchId { get; init; }

    /// <summary>Name of the model.</summary>
    public string Model { get; init; } = "";

    /// <summary>Outcome: <c>drifted</c>, <c>restored</c> or <c>unrecoverable</c>.</summary>
    public string Verdict { get; init; } = "";

    /// <summary>Digest of the weights as loaded.</summary>
    public string ExpectedDigest { get; init; } = "";

    /// <summary>Digest of the weights as found.</summary>
    public string ActualDigest { get; init; } = "";

    /// <summary>Names of the tensors that differed.</summary>
    public string[] DriftedTensors { get; init; } = [];

    /// <summary>How many jobs were requeued to be rendered again.</summary>
    public int JobsRequeued { get; init; }

    /// <summary>How many tensors were read from the master again; null when none were.</summary>
    public int? ReloadedTensors { get; init; }

    /// <summary>When the checkpoint was recorded.</summary>
    public DateTimeOffset CreatedAt { get; init; }
}
