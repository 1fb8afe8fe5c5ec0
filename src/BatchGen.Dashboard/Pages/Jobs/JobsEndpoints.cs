using BatchGen.Dashboard.Requests;
using BatchGen.Dashboard.Security;
using BatchGen.Queue.Jobs;
using BatchGen.Queue.Reports;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace BatchGen.Dashboard.Pages.Jobs;

/// <summary>The list of jobs, one job, and what can be done to them.</summary>
internal static class JobsEndpoints
{
    private const int PageSize = 50;

    /// <summary>Maps the pages and their forms.</summary>
    public static void Map(IEndpointRouteBuilder routes)
    {
        var pages = routes.MapGroup("/jobs").ExcludeFromDescription();
        pages.MapGet("", ListAsync).RequireAuthorization(Policies.See);
        pages.MapGet("/{id:long}", ShowAsync).RequireAuthorization(Policies.See);
        pages.MapPost("/cancel", CancelAsync).RequireAuthorization(Policies.Operate);
        pages.MapPost("/retry", RetryAsync).RequireAuthorization(Policies.Operate);
    }

    private static async Task<IResult> ListAsync(
        JobSearch search,
        string? state,
        string? campaign,
        string? signature,
        string? text,
        string? tag,
        long? before,
        string? note,
        CancellationToken cancellationToken)
    {
        var request = new JobListRequest(state, campaign, signature, text, tag, before);
        if (!request.TryRead(tenant: null, PageSize, out var query, out var problem)) return Page.Refused(problem);
        var page = await search.ListAsync(query, cancellationToken);
        return Page.Of<JobsPage, JobsModel>(JobsModel.Of(request, page.Jobs, page.NextBefore, note));
    }

    private static async Task<IResult> ShowAsync(long id, JobCatalog jobs, JobHistory history, CancellationToken cancellationToken)
    {
        if (await jobs.FindAsync(id, cancellationToken) is not { } job) return Page.NotFound(MissingText.Job(id));
        if (await history.FindExtrasAsync(id, cancellationToken) is not { } extras) return Page.NotFound(MissingText.Job(id));
        return Page.Of<JobPage, JobModel>(new JobModel(job, extras, await history.ListAttemptsAsync(id, cancellationToken)));
    }

    private static async Task<IResult> CancelAsync(
        JobActions actions, [FromForm] long[]? ids, [FromForm(Name = "back")] string? back, CancellationToken cancellationToken)
    {
        QueryText.CheckAddress("back", back);
        var changed = await actions.CancelAsync(ids ?? [], cancellationToken);
        return BackTo(back, $"Cancelled {changed.Count} of {ids?.Length ?? 0} jobs.");
    }

    private static async Task<IResult> RetryAsync(
        JobActions actions, [FromForm] long[]? ids, [FromForm(Name = "back")] string? back, CancellationToken cancellationToken)
    {
        QueryText.CheckAddress("back", back);
        var changed = await actions.RetryAsync(ids ?? [], cancellationToken);
        return BackTo(back, $"Requeued {changed.Count} of {ids?.Length ?? 0} jobs.");
    }

    // Only back to a page of jobs, and without the note of the change before.
    private static IResult BackTo(string? address, string note)
    {
        if (address is not ['/', 'j', 'o', 'b', 's', ..]) address = "/jobs";
        var oldNote = address.IndexOf("note=", StringComparison.Ordinal);
        return Page.BackTo(oldNote < 0 ? address : address[..oldNote].TrimEnd('?', '&'), note);
    }
}
