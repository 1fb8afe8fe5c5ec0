using BatchGen.Dashboard.Live;
using BatchGen.Dashboard.Requests;
using BatchGen.Dashboard.Security;
using BatchGen.Queue.Workers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace BatchGen.Dashboard.Pages.Workers;

/// <summary>Workers and orders to them.</summary>
internal static class WorkersEndpoints
{
    /// <summary>Maps the page and its forms.</summary>
    public static void Map(IEndpointRouteBuilder routes)
    {
        var pages = routes.MapGroup("/workers").ExcludeFromDescription();
        pages.MapGet("", ShowAsync).RequireAuthorization(Policies.See);
        pages.MapPost("/{id:guid}/{order}", OrderAsync).RequireAuthorization(Policies.Operate);
    }

    private static async Task<IResult> ShowAsync(
        WorkerRegistry workers, DisplayFormat display, string? note, CancellationToken cancellationToken) =>
        Page.Of<WorkersPage, WorkersModel>(new WorkersModel(await WorkerState.ListAsync(workers, display.Now, cancellationToken), note));

    private static async Task<IResult> OrderAsync(
        Guid id, string order, WorkerRegistry workers, [FromForm] string? name, CancellationToken cancellationToken)
    {
        if (!WorkerOrder.All.Contains(order)) return Page.NotFound($"There is no order '{order}'.");
        if (!await WorkerOrder.GiveAsync(workers, id, order, cancellationToken)) return Page.NotFound(MissingText.RunningWorker(id));
        var action = order == "canary" ? "draw a canary" : order;
        return Page.BackTo("/workers", $"Ordered {name} to {action}; the worker receives the order with its next heartbeat.");
    }
}
