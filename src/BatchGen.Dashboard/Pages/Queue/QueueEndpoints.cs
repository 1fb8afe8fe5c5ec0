using System.Globalization;
using BatchGen.Dashboard.Live;
using BatchGen.Dashboard.Security;
using BatchGen.Queue;
using BatchGen.Queue.Jobs;
using BatchGen.Queue.Registry;
using BatchGen.Queue.Reports;
using BatchGen.Queue.Schedules;
using BatchGen.Queue.Signals;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace BatchGen.Dashboard.Pages.Queue;

/// <summary>What waits, in the order of dispatch, and the hours in which it may be claimed.</summary>
internal static class QueueEndpoints
{
    private const int PageSize = 50;
    private const int MaxChanged = 100_000;

    /// <summary>Maps them.</summary>
    public static void Map(IEndpointRouteBuilder routes)
    {
        var pages = routes.MapGroup("/queue").ExcludeFromDescription();
        pages.MapGet("", ShowAsync).RequireAuthorization(Policies.See);
        pages.MapPost("/cancel", CancelAsync).RequireAuthorization(Policies.Operate);
        pages.MapPost("/raise", RaiseAsync).RequireAuthorization(Policies.Operate);
        pages.MapPost("/pause", PauseAsync).RequireAuthorization(Policies.Operate);
        pages.MapPost("/windows", SaveWindowAsync).RequireAuthorization(Policies.Operate);
        pages.MapPost("/windows/delete", DeleteWindowAsync).RequireAuthorization(Policies.Operate);
    }

    private static async Task<IResult> ShowAsync(
        QueueOverview overview, LiveSource live, WindowStore windows, int? priority, string? after, int? group, string? note, CancellationToken cancellationToken)
    {
        var list = await overview.ListSignaturesAsync(priority ?? 100, after ?? "", group ?? 0, PageSize, cancellationToken);
        return Page.Of<QueuePage>(await ModelAsync(list, overview, live, windows, cancellationToken) with { Note = note });
    }

    private static async Task<QueueModel> ModelAsync(
        IReadOnlyList<WaitingSignature> list, QueueOverview overview, LiveSource live, WindowStore windows, CancellationToken cancellationToken) => new(
        list, await live.GetAsync(cancellationToken), await overview.CountScheduledAsync(cancellationToken), await overview.ListPausedAsync(cancellationToken),
        await windows.ListAsync(cancellationToken), list.Count == PageSize, null, null);

    private static async Task<IResult> CancelAsync(
        QueueOverview overview, JobActions actions, [FromForm] string tenant, [FromForm] string signature, [FromForm] int priority, CancellationToken cancellationToken)
    {
        var ids = await overview.ListWaitingIdsAsync(tenant, signature, priority, MaxChanged, cancellationToken);
        var cancelled = await actions.CancelAsync(ids, cancellationToken);
        return Back($"Cancelled {cancelled.Count} waiting jobs of {signature} of tenant {tenant}.");
    }

    private static async Task<IResult> RaiseAsync(
        QueueOverview overview, JobActions actions, [FromForm] string tenant, [FromForm] string signature, [FromForm] int priority, [FromForm] int to,
        CancellationToken cancellationToken)
    {
        try
        {
            var ids = await overview.ListWaitingIdsAsync(tenant, signature, priority, MaxChanged, cancellationToken);
            var changed = await actions.SetPriorityAsync(ids, to, cancellationToken);
            return Back($"Gave {changed} waiting jobs of {signature} of tenant {tenant} priority {to}.");
        }
        catch (SubmitRefusedException refused)
        {
            return Page.Refused(refused.Message);
        }
    }

    private static async Task<IResult> PauseAsync(
        ModelRegistry models, TenantRegistry tenants, [FromForm] string kind, [FromForm] string name, [FromForm] bool paused, CancellationToken cancellationToken)
    {
        var found = kind == "tenant" ? await tenants.PauseAsync(name, paused, cancellationToken) : await models.PauseAsync(name, paused, cancellationToken);
        return found ? Back($"{(paused ? "Paused" : "Resumed")} {(kind == "tenant" ? "tenant" : "model")} {name}.") : Page.NotFound($"There is no {kind} '{name}'.");
    }

    private static async Task<IResult> SaveWindowAsync(
        QueueOverview overview, LiveSource live, WindowStore windows, [FromForm] string? name, [FromForm] string? zone, [FromForm] string? opens, [FromForm] string? closes,
        CancellationToken cancellationToken)
    {
        if (string.IsNullOrWhiteSpace(name)) return await BackAsync("name", "Give the window a name.");
        if (!TryTime(opens, out var from)) return await BackAsync("opens", "Write the hour as 22:00.");
        if (!TryTime(closes, out var to)) return await BackAsync("closes", "Write the hour as 06:00.");
        if (!TimeZoneInfo.TryFindSystemTimeZoneById(zone ?? "", out _)) return await BackAsync("zone", $"'{zone}' is not a time zone; write one such as Europe/Berlin.");
        try
        {
            await windows.SaveAsync(name.Trim(), zone!, from, to, cancellationToken);
        }
        catch (SubmitRefusedException refused)
        {
            return await BackAsync("zone", refused.Message);
        }

        return Back($"Jobs are claimed from {from:HH\\:mm} to {to:HH\\:mm}, {zone}.");

        async Task<IResult> BackAsync(string field, string problem) => Page.Of<QueuePage>(
            await ModelAsync(await overview.ListSignaturesAsync(100, "", 0, PageSize, cancellationToken), overview, live, windows, cancellationToken) with
            {
                Draft = new WindowDraft(name, zone, opens, closes, field, problem),
            }, StatusCodes.Status400BadRequest);
    }

    private static async Task<IResult> DeleteWindowAsync(WindowStore windows, [FromForm] int id, CancellationToken cancellationToken) =>
        await windows.DeleteAsync(id, cancellationToken) ? Back("Removed the window.") : Page.NotFound("There is no such window.");

    private static bool TryTime(string? text, out TimeOnly time) =>
        TimeOnly.TryParseExact(text ?? "", ["HH:mm", "H:mm"], CultureInfo.InvariantCulture, DateTimeStyles.None, out time);

    private static IResult Back(string note) => Results.LocalRedirect("/queue?note=" + Uri.EscapeDataString(note));
}

/// <summary>The queue page.</summary>
internal sealed record QueueModel(
    IReadOnlyList<WaitingSignature> Signatures, LiveSnapshot Live, ScheduledJobs Scheduled, IReadOnlyList<PausedName> Paused, IReadOnlyList<DispatchWindow> Windows,
    bool HasMore, string? Note, WindowDraft? Draft);

/// <summary>A window that was refused, as it was filled in.</summary>
internal sealed record WindowDraft(string? Name, string? Zone, string? Opens, string? Closes, string Field, string Problem);
