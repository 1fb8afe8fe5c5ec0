using BatchGen.Dashboard.Reports;
using BatchGen.Dashboard.Security;
using BatchGen.Queue.Canaries;
using BatchGen.Queue.Checkpoints;
using BatchGen.Queue.Reports;
using BatchGen.Queue.Workers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace BatchGen.Dashboard.Pages.Weights;

/// <summary>Proof that the weights stayed what they were.</summary>
internal static class WeightsEndpoints
{
    private const int PerWorker = 120;
    private const int NewestCanaries = 500;
    private const int MaxPairs = 12;

    /// <summary>Maps them.</summary>
    public static void Map(IEndpointRouteBuilder routes)
    {
        var pages = routes.MapGroup("/weights").RequireAuthorization(Policies.See).ExcludeFromDescription();
        pages.MapGet("", ShowAsync);
        pages.MapGet("/canaries/{id:long}", async (long id, ImageCatalog pictures, CancellationToken cancellationToken) =>
            await pictures.FindCanaryAsync(id, cancellationToken) is { } picture ? Results.Bytes(picture, "image/png") : Results.NotFound());
    }

    private static async Task<IResult> ShowAsync(
        WorkerRegistry workers, CheckpointLog checkpoints, CheckpointHistory history, CanaryLog canaries, CancellationToken cancellationToken)
    {
        var timelines = new List<WorkerTimeline>();
        foreach (var worker in (await workers.ListAsync(cancellationToken)).OrderBy(worker => worker.StoppedAt is not null).ThenByDescending(worker => worker.StartedAt).Take(16))
            timelines.Add(new WorkerTimeline(worker, await history.ListOfWorkerAsync(worker.WorkerId, PerWorker, cancellationToken)));
        return Page.Of<WeightsPage>(new WeightsModel(
            await checkpoints.CountAsync(cancellationToken), timelines, await history.ListFaultsAsync(50, cancellationToken),
            ReportCanary.Choose(await canaries.ListAsync(NewestCanaries, cancellationToken), MaxPairs)));
    }
}

/// <summary>The weights page.</summary>
internal sealed record WeightsModel(CheckpointCounts Counts, IReadOnlyList<WorkerTimeline> Timelines, IReadOnlyList<WeightFaultEvent> Faults, IReadOnlyList<ReportCanary> Canaries);

/// <summary>A worker with its newest checkpoints.</summary>
internal sealed record WorkerTimeline(WorkerDetails Worker, IReadOnlyList<WorkerCheckpoint> Checkpoints);
