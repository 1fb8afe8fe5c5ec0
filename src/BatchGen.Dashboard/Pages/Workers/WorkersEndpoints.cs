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
    /// <summary>Maps them.</summary>
    public static void Map(IEndpointRouteBuilder routes)
    {
        var pages = routes.MapGroup("/workers").ExcludeFromDescription();
        pages.MapGet("", async (WorkerRegistry workers, string? note, CancellationToken cancellationToken) => Page.Of<WorkersPage>(
            new WorkersModel(await workers.ListAsync(cancellationToken), await workers.ListOrdersAsync(cancellationToken), note))).RequireAuthorization(Policies.See);
        pages.MapPost("/{id:guid}/{order}", OrderAsync).RequireAuthorization(Policies.Operate);
    }

    // The unused field makes this a form, which carries a token.
    private static async Task<IResult> OrderAsync(Guid id, string order, WorkerRegistry workers, [FromForm] string? name, CancellationToken cancellationToken)
    {
        if (!WorkerOrder.All.Contains(order)) return Page.NotFound($"There is no order '{order}'.");
        return await WorkerOrder.GiveAsync(workers, id, order, cancellationToken)
            ? Results.LocalRedirect("/workers?note=" + Uri.EscapeDataString($"Told {name} to {(order == "canary" ? "draw a canary" : order)}; it hears it with its next heartbeat."))
            : Page.NotFound("That worker does not run any more.");
    }
}

/// <summary>The workers page.</summary>
internal sealed record WorkersModel(IReadOnlyList<WorkerDetails> Workers, IReadOnlyDictionary<Guid, WorkerOrders> Orders, string? Note);
