using BatchGen.Core.Jobs;
using BatchGen.Queue.Checkpoints;
using BatchGen.Queue.Reports;
using BatchGen.Queue.Workers;

namespace BatchGen.Dashboard.Live;

/// <summary>What is going on, as of one moment; shared by all viewers.</summary>
internal sealed record LiveSnapshot
{
    /// <summary>When it was taken.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>How many jobs stand where.</summary>
    public required JobCounts Counts { get; init; }

    /// <summary>Images per minute, or null while unknown.</summary>
    public required double? PerMinute { get; init; }

    /// <summary>Time until nothing is open, or null while unknown.</summary>
    public required TimeSpan? TimeLeft { get; init; }

    /// <summary>What the dispatch windows say.</summary>
    public required WindowState Window { get; init; }

    /// <summary>Workers that run.</summary>
    public required IReadOnlyList<WorkerDetails> Workers { get; init; }

    /// <summary>What people ordered of them.</summary>
    public required IReadOnlyDictionary<Guid, WorkerOrders> Orders { get; init; }

    /// <summary>The newest pictures.</summary>
    public required IReadOnlyList<ImageCard> Newest { get; init; }

    /// <summary>The newest checkpoints.</summary>
    public required IReadOnlyList<RecordedCheckpoint> Checkpoints { get; init; }

    /// <summary>All checkpoints by outcome.</summary>
    public required CheckpointCounts CheckpointCounts { get; init; }

    /// <summary>What sorting saved lately.</summary>
    public required FusionComparison Fusions { get; init; }

    /// <summary>Pictures by five minutes, the last three hours.</summary>
    public required IReadOnlyList<ThroughputSlice> Throughput { get; init; }
}
