using System.Text;
using BatchGen.Core.Submitting;
using BatchGen.Dashboard.Reports;
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

/// <summary>Campaigns, their reports, and those that recur.</summary>
internal static class CampaignsEndpoints
{
    private const int PageSize = 50;

    /// <summary>Maps them.</summary>
    public static void Map(IEndpointRouteBuilder routes)
    {
        var pages = routes.MapGroup("/campaigns").ExcludeFromDescription();
        pages.MapGet("", async (CampaignCatalog campaigns, ScheduleStore schedules, int? before, string? note, CancellationToken cancellationToken) =>
            Page.Of<CampaignsPage>(new CampaignsModel(
                await campaigns.ListAsync(before, PageSize, cancellationToken), await schedules.ListAsync(cancellationToken), note, null))).RequireAuthorization(Policies.See);
        // Names may hold any letter, '/' included: they travel as a query.
        var one = routes.MapGroup("/campaign").ExcludeFromDescription();
        one.MapGet("", async (string name, ReportWriter reports, ImageCatalog pictures, CancellationToken cancellationToken) =>
            await reports.OfCampaignAsync(name, withPictures: false, cancellationToken) is { } report
                ? Page.Of<CampaignPage>(new CampaignModel(report, (await pictures.ListAsync(new ImageFilter(name, Limit: 24), cancellationToken)).Images))
                : Page.NotFound($"There is no campaign '{name}'.")).RequireAuthorization(Policies.See);
        one.MapGet("/report.md", (string name, ReportWriter reports, Show show, CancellationToken cancellationToken) =>
            FileAsync(name, reports, report => (report.ToMarkdown(show), "text/markdown; charset=utf-8", ".md"), cancellationToken)).RequireAuthorization(Policies.See);
        one.MapGet("/report.html", (string name, ReportWriter reports, Show show, CancellationToken cancellationToken) =>
            FileAsync(name, reports, report => (report.ToHtml(show), "text/html; charset=utf-8", ".html"), cancellationToken)).RequireAuthorization(Policies.See);
        pages.MapPost("/schedules", SaveAsync).RequireAuthorization(Policies.Operate);
        pages.MapPost("/schedules/enable", EnableAsync).RequireAuthorization(Policies.Operate);
        pages.MapPost("/schedules/delete", DeleteAsync).RequireAuthorization(Policies.Operate);
    }

    // Always a download: as a page of this site it would run under this site's name.
    private static async Task<IResult> FileAsync(
        string name, ReportWriter reports, Func<CampaignReport, (string Text, string Type, string Extension)> write, CancellationToken cancellationToken)
    {
        if (await reports.OfCampaignAsync(name, withPictures: true, cancellationToken) is not { } report) return Page.NotFound($"There is no campaign '{name}'.");
        var (text, type, extension) = write(report);
        return Results.File(Encoding.UTF8.GetBytes(text), type, "report" + extension);
    }

    private static async Task<IResult> SaveAsync(
        CampaignCatalog campaigns, ScheduleStore schedules, Recurring recurring, JobChecker checker, Show show, [FromForm] string? name, [FromForm] string? cron, [FromForm] string? zone,
        [FromForm] string? jobs, CancellationToken cancellationToken)
    {
        try
        {
            if (string.IsNullOrWhiteSpace(name)) throw new FormatException("Give the schedule a name.");
            Recurring.Check(cron ?? "", zone ?? "");
            // Only a check: each run reads the list anew, as of its own time.
            var requests = JobFile.Read(jobs ?? "", "", new TimeReference(show.Now, Recurring.Zone(zone!))).ToList();
            await checker.CheckAsync(requests, cancellationToken);
            var id = await schedules.SaveAsync(name.Trim(), cron!.Trim(), zone!, jobs!, requests.Count, cancellationToken);
            recurring.Update(id, cron.Trim(), zone!);
            return Results.LocalRedirect("/campaigns?note=" + Uri.EscapeDataString($"{name.Trim()} recurs: {cron} in {zone}, {requests.Count} jobs each time."));
        }
        catch (Exception failure) when (failure is FormatException or JobFileException or SubmitRefusedException)
        {
            return Page.Of<CampaignsPage>(new CampaignsModel(
                await campaigns.ListAsync(null, PageSize, cancellationToken), await schedules.ListAsync(cancellationToken), null, new ScheduleDraft(name, cron, zone, jobs, failure.Message)),
                StatusCodes.Status400BadRequest);
        }
    }

    private static async Task<IResult> EnableAsync(ScheduleStore schedules, Recurring recurring, [FromForm] int id, [FromForm] bool enabled, CancellationToken cancellationToken)
    {
        if (!await schedules.EnableAsync(id, enabled, cancellationToken) || await schedules.FindAsync(id, cancellationToken) is not { } schedule) return Page.NotFound("There is no such schedule.");
        recurring.Update(id, enabled ? schedule.Cron : null, schedule.TimeZone);
        return Results.LocalRedirect("/campaigns?note=" + Uri.EscapeDataString($"{schedule.Name} is {(enabled ? "on" : "off")}."));
    }

    private static async Task<IResult> DeleteAsync(ScheduleStore schedules, Recurring recurring, [FromForm] int id, CancellationToken cancellationToken)
    {
        if (!await schedules.DeleteAsync(id, cancellationToken)) return Page.NotFound("There is no such schedule.");
        recurring.Update(id, null, "UTC");
        return Results.LocalRedirect("/campaigns?note=" + Uri.EscapeDataString("Removed the schedule."));
    }
}

/// <summary>The campaigns page.</summary>
internal sealed record CampaignsModel(IReadOnlyList<CampaignSummary> Campaigns, IReadOnlyList<CampaignSchedule> Schedules, string? Note, ScheduleDraft? Draft);

/// <summary>A schedule that was refused, as it was filled in.</summary>
internal sealed record ScheduleDraft(string? Name, string? Cron, string? Zone, string? Jobs, string Problem);

/// <summary>One campaign.</summary>
internal sealed record CampaignModel(CampaignReport Report, IReadOnlyList<ImageCard> Pictures);
