using System.Globalization;
using BatchGen.Core.Texts;
using BatchGen.Dashboard.Requests;
using BatchGen.Dashboard.Scheduling;
using BatchGen.Dashboard.Security;
using BatchGen.Queue;
using BatchGen.Queue.Jobs;
using BatchGen.Queue.Registry;
using BatchGen.Queue.Reports;
using BatchGen.Queue.Schedules;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace BatchGen.Dashboard.Pages.Queue;

/// <summary>Waiting jobs in the order of dispatch, changes to them, and the hours in which jobs may be claimed.</summary>
internal static class QueueEndpoints
{
    private const int MaxChanged = 100_000;

    private static readonly string[] TimeFormats = ["HH:mm", "H:mm"];

    /// <summary>Maps the page and its forms.</summary>
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
        int? priority, string? after, int? group, string? note, QueueModelReader reader, CancellationToken cancellationToken) =>
        Page.Of<QueuePage, QueueModel>(await reader.ReadAsync(priority, after, group, cancellationToken) with { Note = note });

    private static async Task<IResult> CancelAsync(
        [FromForm] string tenant,
        [FromForm] string signature,
        [FromForm] int priority,
        QueueOverview overview,
        JobActions actions,
        CancellationToken cancellationToken)
    {
        var ids = await overview.ListWaitingIdsAsync(tenant, signature, priority, MaxChanged, cancellationToken);
        var cancelled = await actions.CancelAsync(ids, cancellationToken);
        return BackToQueue($"Cancelled {cancelled.Count} waiting jobs of {signature} of tenant {tenant}.");
    }

    private static async Task<IResult> RaiseAsync(
        [FromForm] string tenant,
        [FromForm] string signature,
        [FromForm] int priority,
        [FromForm] int to,
        QueueOverview overview,
        JobActions actions,
        CancellationToken cancellationToken)
    {
        try
        {
            var ids = await overview.ListWaitingIdsAsync(tenant, signature, priority, MaxChanged, cancellationToken);
            var changed = await actions.SetPriorityAsync(ids, to, cancellationToken);
            return BackToQueue($"Gave {changed} waiting jobs of {signature} of tenant {tenant} priority {to}.");
        }
        catch (SubmitRefusedException refused)
        {
            return Page.Refused(refused.Message);
        }
    }

    private static async Task<IResult> PauseAsync(
        [FromForm] string kind,
        [FromForm] string name,
        [FromForm] bool paused,
        ModelRegistry models,
        TenantRegistry tenants,
        CancellationToken cancellationToken)
    {
        var what = kind == "tenant" ? "tenant" : "model";
        var found = what == "tenant"
            ? await tenants.PauseAsync(name, paused, cancellationToken)
            : await models.PauseAsync(name, paused, cancellationToken);
        return found ? BackToQueue($"{(paused ? "Paused" : "Resumed")} {what} {name}.") : Page.NotFound($"There is no {what} '{name}'.");
    }

    private static async Task<IResult> SaveWindowAsync(
        [FromForm] string? name,
        [FromForm] string? zone,
        [FromForm] string? opens,
        [FromForm] string? closes,
        QueueModelReader reader,
        WindowStore windows,
        CancellationToken cancellationToken)
    {
        if (string.IsNullOrWhiteSpace(name)) return await RefuseAsync("name", "Give the window a name.");
        if (!TryReadTime(opens, out var from)) return await RefuseAsync("opens", "Write the hour as 22:00.");
        if (!TryReadTime(closes, out var to)) return await RefuseAsync("closes", "Write the hour as 06:00.");
        if (!TimeZoneInfo.TryFindSystemTimeZoneById(zone ?? "", out _)) return await RefuseAsync("zone", TimeZones.Unknown(zone));
        try
        {
            await windows.SaveAsync(name.Trim(), zone!, from, to, cancellationToken);
        }
        catch (SubmitRefusedException refused)
        {
            return await RefuseAsync("zone", refused.Message);
        }

        return BackToQueue($"Jobs are claimed from {from:HH\\:mm} to {to:HH\\:mm}, {zone}.");

        async Task<IResult> RefuseAsync(string field, string problem)
        {
            var model = await reader.ReadAsync(null, null, null, cancellationToken);
            var draft = new WindowDraft(name, zone, opens, closes, field, ShortText.Of(problem));
            return Page.Of<QueuePage, QueueModel>(model with { Draft = draft }, StatusCodes.Status400BadRequest);
        }
    }

    private static async Task<IResult> DeleteWindowAsync([FromForm] int id, WindowStore windows, CancellationToken cancellationToken) =>
        await windows.DeleteAsync(id, cancellationToken) ? BackToQueue("Removed the window.") : Page.NotFound("There is no such window.");

    private static bool TryReadTime(string? text, out TimeOnly time) =>
        TimeOnly.TryParseExact(text ?? "", TimeFormats, CultureInfo.InvariantCulture, DateTimeStyles.None, out time);

    private static IResult BackToQueue(string note) => Page.BackTo("/queue", note);
}
