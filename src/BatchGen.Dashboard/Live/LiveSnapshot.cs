using BatchGen.Core.Jobs;
using BatchGen.Queue.Checkpoints;
using BatchGen.Queue.Reports;

namespace BatchGen.Dashboard.Live;

/// <summary>The state of queue, workers and weights at one moment; shared by everybody who looks.</summary>
public sealed record LiveSnapshot
{
    /// <summary>When the snapshot was taken.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>How many jobs stand where.</summary>
    public required JobCounts Counts { get; init; }

    /// <summary>Images per minute, or null while unknown.</summary>
    public required double? PerMinute { get; init; }

    /// <summary>Time until nothing is open, or null while unknown.</summary>
    public required TimeSpan? TimeLeft { get; init; }

    /// <summary>Whether the dispatch windows are open.</summary>
    public required WindowState Window { get; init; }

    /// <summary>Workers that run.</summary>
    public required IReadOnlyList<WorkerState> Workers { get; init; }

    /// <summary>The newest images.</summary>
    public required IReadOnlyList<ImageCard> Newest { get; init; }

    /// <summary>The newest checkpoints, newest first.</summary>
    public required IReadOnlyList<RecordedCheckpoint> Checkpoints { get; init; }

    /// <summary>All checkpoints by outcome.</summary>
    public required CheckpointCounts CheckpointCounts { get; init; }

    /// <summary>Fusions of the newest batches, beside those that the order of arrival would have cost.</summary>
    public required FusionComparison Fusions { get; init; }

    /// <summary>Images by five minutes, over the last three hours.</summary>
    public required IReadOnlyList<ThroughputSlice> Throughput { get; init; }
}
