using BatchGen.Core.Submitting;
using BatchGen.Core.Texts;
using BatchGen.Dashboard.Requests;
using BatchGen.Dashboard.Scheduling;
using BatchGen.Dashboard.Security;
using BatchGen.Queue;
using BatchGen.Queue.Jobs;
using BatchGen.Queue.Reports;
using BatchGen.Queue.Schedules;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace BatchGen.Dashboard.Pages.Campaigns;

/// <summary>All campaigns, and those that recur.</summary>
internal static class CampaignsEndpoints
{
    private const int PageSize = 50;
    private const string NoSchedule = "There is no such schedule.";

    /// <summary>Maps the page and its forms.</summary>
    public static void Map(IEndpointRouteBuilder routes)
    {
        var pages = routes.MapGroup("/campaigns").ExcludeFromDescription();
        pages.MapGet("", ShowAsync).RequireAuthorization(Policies.See);
        pages.MapPost("/schedules", SaveAsync).RequireAuthorization(Policies.Operate)
            .WithMetadata(BodyLimit.OfLists, CountedBodies.OfForms);
        pages.MapPost("/schedules/enable", EnableAsync).RequireAuthorization(Policies.Operate);
        pages.MapPost("/schedules/delete", DeleteAsync).RequireAuthorization(Policies.Operate);
    }

    private static async Task<IResult> ShowAsync(
        CampaignCatalog campaigns, ScheduleStore schedules, int? before, string? note, CancellationToken cancellationToken) =>
        Page.Of<CampaignsPage, CampaignsModel>(await ReadAsync(campaigns, schedules, before, cancellationToken) with { Note = note });

    private static async Task<IResult> SaveAsync(
        [FromForm] string? name,
        [FromForm] string? cron,
        [FromForm] string? zone,
        [FromForm] string? jobs,
        CampaignCatalog campaigns,
        ScheduleStore schedules,
        Recurring recurring,
        JobChecker checker,
        DisplayFormat display,
        CancellationToken cancellationToken)
    {
        JobList? list = null;
        try
        {
            if (string.IsNullOrWhiteSpace(name)) throw new FormatException("Give the schedule a name.");
            if (name.Trim().Any(char.IsControl))
                throw new FormatException("A name has no control characters, such as tabs and ends of lines; leave them out.");
            var times = new TimeReference(display.Now, TimeZones.Parse(zone));
            CronText.CheckComes(cron ?? "");
            // Only a check: each run reads the list anew, as of its own time.
            list = FormList.Read(jobs ?? "", "", times);
            var requests = list.ToList();
            await checker.CheckAsync(requests, cancellationToken);
            var id = await schedules.SaveAsync(name.Trim(), cron!.Trim(), zone!, jobs!, requests.Count, cancellationToken);
            recurring.Update(id, cron.Trim(), zone!);
            return BackToCampaigns($"{name.Trim()} recurs: {cron} in {zone}, {Quantities.Count(requests.Count, "job")} each time.");
        }
        catch (Exception failure) when (failure is FormatException or JobFileException or SubmitRefusedException)
        {
            var model = await ReadAsync(campaigns, schedules, before: null, cancellationToken);
            var draft = new ScheduleDraft(name, cron, zone, jobs, ShortText.Of(list?.Locate(failure.Message) ?? failure.Message));
            return Page.Of<CampaignsPage, CampaignsModel>(model with { Draft = draft }, StatusCodes.Status400BadRequest);
        }
    }

    private static async Task<IResult> EnableAsync(
        [FromForm] int id, [FromForm] bool enabled, ScheduleStore schedules, Recurring recurring, CancellationToken cancellationToken)
    {
        if (!await schedules.EnableAsync(id, enabled, cancellationToken)) return Page.NotFound(NoSchedule);
        if (await schedules.FindAsync(id, cancellationToken) is not { } schedule) return Page.NotFound(NoSchedule);
        recurring.Update(id, enabled ? schedule.Cron : null, schedule.TimeZone);
        return BackToCampaigns($"{schedule.Name} is {(enabled ? "on" : "off")}.");
    }

    private static async Task<IResult> DeleteAsync(
        [FromForm] int id, ScheduleStore schedules, Recurring recurring, CancellationToken cancellationToken)
    {
        if (!await schedules.DeleteAsync(id, cancellationToken)) return Page.NotFound(NoSchedule);
        recurring.Update(id, null, TimeZoneInfo.Utc.Id);
        return BackToCampaigns("Removed the schedule.");
    }

    private static async Task<CampaignsModel> ReadAsync(
        CampaignCatalog campaigns, ScheduleStore schedules, int? before, CancellationToken cancellationToken)
    {
        var list = await campaigns.ListAsync(before, PageSize, cancellationToken);
        return new CampaignsModel
        {
            Campaigns = list,
            NextBefore = list.Count == PageSize ? list[^1].Id : null,
            Schedules = await schedules.ListAsync(cancellationToken),
        };
    }

    private static IResult BackToCampaigns(string note) => Page.BackTo("/campaigns", note);
}
