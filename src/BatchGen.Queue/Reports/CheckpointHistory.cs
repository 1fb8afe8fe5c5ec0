using BatchGen.Queue.Checkpoints;

namespace BatchGen.Queue.Reports;

/// <summary>Checkpoints by worker, and those that found a difference.</summary>
public sealed class CheckpointHistory(QueueDatabase database)
{
    /// <summary>The newest checkpoints of a worker.</summary>
    public async Task<IReadOnlyList<WorkerCheckpoint>> ListOfWorkerAsync(Guid workerId, int limit, CancellationToken cancellationToken) =>
        await database.QueryAsync<WorkerCheckpoint>("list_checkpoints_of_worker", new { worker_id = workerId, limit }, cancellationToken);

    /// <summary>Checkpoints that did not pass at once, newest first.</summary>
    public async Task<IReadOnlyList<WeightFaultEvent>> ListFaultsAsync(int limit, CancellationToken cancellationToken) =>
        await database.QueryAsync<WeightFaultEvent>("list_faults", new { limit }, cancellationToken);

    /// <summary>How many checkpoints passed and did not in some time.</summary>
    public async Task<CheckpointCounts> CountAsync(CheckpointRange range, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(range);
        return (await database.QueryAsync<CheckpointCounts>(
            "count_checkpoints_between", new { since = range.Since.ToUniversalTime(), until = range.Until?.ToUniversalTime(), campaign_id = range.CampaignId }, cancellationToken)).Single();
    }

    /// <summary>Checkpoints that did not pass at once in some time, newest first.</summary>
    public async Task<IReadOnlyList<WeightFaultEvent>> ListFaultsAsync(CheckpointRange range, int limit, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(range);
        return await database.QueryAsync<WeightFaultEvent>(
            "list_faults_between", new { since = range.Since.ToUniversalTime(), until = range.Until?.ToUniversalTime(), campaign_id = range.CampaignId, limit }, cancellationToken);
    }
}

/// <summary>Which checkpoints to look at.</summary>
/// <param name="Since">From then on.</param>
/// <param name="Until">Up to then; null does not restrict.</param>
/// <param name="CampaignId">Only those after batches of this campaign: what drifted in the work of others is not its.</param>
public sealed record CheckpointRange(DateTimeOffset Since, DateTimeOffset? Until, int? CampaignId = null);

/// <summary>A checkpoint of one worker.</summary>
public sealed class WorkerCheckpoint
{
    /// <summary>Its number.</summary>
    public long CheckpointId { get; init; }

    /// <summary>The batch it followed.</summary>
    public long? BatchId { get; init; }

    /// <summary>passed, drifted, restored or unrecoverable.</summary>
    public string Verdict { get; init; } = "";

    /// <summary>Digest found.</summary>
    public string ActualDigest { get; init; } = "";

    /// <summary>Tensors checked.</summary>
    public int Tensors { get; init; }

    /// <summary>Bytes checked.</summary>
    public long SizeBytes { get; init; }

    /// <summary>Milliseconds taken.</summary>
    public double ElapsedMs { get; init; }

    /// <summary>When.</summary>
    public DateTimeOffset CreatedAt { get; init; }
}

/// <summary>A checkpoint that found a difference, or followed one.</summary>
public sealed class WeightFaultEvent
{
    /// <summary>Its number.</summary>
    public long CheckpointId { get; init; }

    /// <summary>The worker.</summary>
    public string Worker { get; init; } = "";

    /// <summary>The batch it followed.</summary>
    public long? BatchId { get; init; }

    /// <summary>The model.</summary>
    public string Model { get; init; } = "";

    /// <summary>drifted, restored or unrecoverable.</summary>
    public string Verdict { get; init; } = "";

    /// <summary>Baseline digest.</summary>
    public string ExpectedDigest { get; init; } = "";

    /// <summary>Digest found.</summary>
    public string ActualDigest { get; init; } = "";

    /// <summary>Tensors that differed.</summary>
    public string[] DriftedTensors { get; init; } = [];

    /// <summary>Jobs put back to be rendered again.</summary>
    public int JobsRequeued { get; init; }

    /// <summary>Tensors copied from the master again.</summary>
    public int? ReloadedTensors { get; init; }

    /// <summary>When.</summary>
    public DateTimeOffset CreatedAt { get; init; }
}
