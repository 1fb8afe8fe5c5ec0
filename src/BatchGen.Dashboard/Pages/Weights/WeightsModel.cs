using BatchGen.Dashboard.Reports;
using BatchGen.Queue.Checkpoints;
using BatchGen.Queue.Reports;
using BatchGen.Queue.Workers;

namespace BatchGen.Dashboard.Pages.Weights;

/// <summary>Proof that the weights stayed what they were.</summary>
/// <param name="Counts">All checkpoints by outcome.</param>
/// <param name="Timelines">The newest checkpoints by worker; only of workers that have some.</param>
/// <param name="Faults">Checkpoints that found a difference, newest first.</param>
/// <param name="Canaries">Canaries worth a look.</param>
public sealed record WeightsModel(
    CheckpointCounts Counts,
    IReadOnlyList<WorkerTimeline> Timelines,
    IReadOnlyList<WeightFaultEvent> Faults,
    IReadOnlyList<ReportCanary> Canaries);

/// <summary>A worker with its newest checkpoints.</summary>
/// <param name="Worker">The worker.</param>
/// <param name="Checkpoints">Its checkpoints, newest first; at least one.</param>
public sealed record WorkerTimeline(WorkerDetails Worker, IReadOnlyList<WorkerCheckpoint> Checkpoints);
