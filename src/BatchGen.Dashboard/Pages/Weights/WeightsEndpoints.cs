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

/// <summary>Proof that the weights stayed what they were: checkpoints and canaries.</summary>
internal static class WeightsEndpoints
{
    private const int MaxWorkers = 16;
    private const int CheckpointsPerWorker = 120;
    private const int MaxFaults = 50;
    private const int NewestCanaries = 500;
    private const int MaxCanaryPairs = 12;

    /// <summary>Maps the page, and the images of canaries.</summary>
    public static void Map(IEndpointRouteBuilder routes)
    {
        var pages = routes.MapGroup("/weights").RequireAuthorization(Policies.See).ExcludeFromDescription();
        pages.MapGet("", ShowAsync);
        pages.MapGet("/canaries/{id:long}", ServeCanaryAsync);
    }

    private static async Task<IResult> ShowAsync(
        WorkerRegistry workers,
        CheckpointLog checkpoints,
        CheckpointHistory history,
        CanaryLog canaries,
        CancellationToken cancellationToken)
    {
        var timelines = new List<WorkerTimeline>();
        var runningFirst = (await workers.ListAsync(cancellationToken))
            .OrderBy(worker => worker.StoppedAt is not null).ThenByDescending(worker => worker.StartedAt);
        foreach (var worker in runningFirst.Take(MaxWorkers))
        {
            var list = await history.ListOfWorkerAsync(worker.WorkerId, CheckpointsPerWorker, cancellationToken);
            if (list.Count > 0) timelines.Add(new WorkerTimeline(worker, list));
        }

        return Page.Of<WeightsPage, WeightsModel>(new WeightsModel(
            await checkpoints.CountAsync(cancellationToken),
            timelines,
            await history.ListFaultsAsync(MaxFaults, cancellationToken),
            ReportCanary.Choose(await canaries.ListAsync(NewestCanaries, cancellationToken), MaxCanaryPairs)));
    }

    private static async Task<IResult> ServeCanaryAsync(long id, ImageCatalog catalog, CancellationToken cancellationToken) =>
        await catalog.FindCanaryAsync(id, cancellationToken) is { } image ? Results.Bytes(image, "image/png") : Results.NotFound();
}
