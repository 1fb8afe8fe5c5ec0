using System.Text.Json.Nodes;
using BatchGen.Core.Jobs;
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

    /// <summary>Maps them.</summary>
    public static void Map(IEndpointRouteBuilder routes)
    {
        var pages = routes.MapGroup("/jobs").ExcludeFromDescription();
        pages.MapGet("", ListAsync).RequireAuthorization(Policies.See);
        pages.MapGet("/{id:long}", ShowAsync).RequireAuthorization(Policies.See);
        pages.MapPost("/cancel", CancelAsync).RequireAuthorization(Policies.Operate);
        pages.MapPost("/retry", RetryAsync).RequireAuthorization(Policies.Operate);
    }

    private static async Task<IResult> ListAsync(
        JobSearch search, string? state, string? campaign, string? signature, string? text, string? tag, long? before, string? note, CancellationToken cancellationToken)
    {
        if (!string.IsNullOrEmpty(state) && !JobStates.ByCode.ContainsKey(state)) return Page.Refused($"'{state}' is not a state of jobs.");
        var filter = new JobFilter(string.IsNullOrEmpty(state) ? null : JobStates.Parse(state), NullIfEmpty(campaign), NullIfEmpty(signature), before, PageSize);
        var page = await search.ListAsync(new JobQuery(filter, NullIfEmpty(text), NullIfEmpty(tag)), cancellationToken);
        return Page.Of<JobsPage>(new JobsModel(page.Jobs, state, campaign, signature, text, tag, page.NextBefore, note));
    }

    private static async Task<IResult> ShowAsync(long id, JobCatalog jobs, JobHistory history, CancellationToken cancellationToken)
    {
        if (await jobs.FindAsync(id, cancellationToken) is not { } job || await history.FindExtrasAsync(id, cancellationToken) is not { } extras) return Page.NotFound($"There is no job {id}.");
        return Page.Of<JobPage>(new JobModel(job, extras, await history.ListAttemptsAsync(id, cancellationToken)));
    }

    private static async Task<IResult> CancelAsync(JobActions actions, [FromForm] long[]? ids, [FromForm(Name = "back")] string? back, CancellationToken cancellationToken)
    {
        var changed = await actions.CancelAsync(ids ?? [], cancellationToken);
        return Back(back, $"Cancelled {changed.Count} of {ids?.Length ?? 0} jobs.");
    }

    private static async Task<IResult> RetryAsync(JobActions actions, [FromForm] long[]? ids, [FromForm(Name = "back")] string? back, CancellationToken cancellationToken)
    {
        var changed = await actions.RetryAsync(ids ?? [], cancellationToken);
        return Back(back, $"Put {changed.Count} of {ids?.Length ?? 0} jobs back.");
    }

    // After a change the browser loads the list again, so that reloading does not repeat the change.
    private static IResult Back(string? path, string note)
    {
        var target = path is ['/', 'j', 'o', 'b', 's', ..] ? path : "/jobs";
        if (target.Contains("note=", StringComparison.Ordinal)) target = target[..target.IndexOf("note=", StringComparison.Ordinal)].TrimEnd('?', '&');
        return Results.LocalRedirect($"{target}{(target.Contains('?') ? '&' : '?')}note={Uri.EscapeDataString(note)}");
    }

    private static string? NullIfEmpty(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();
}

/// <summary>A page of jobs and how it was filtered.</summary>
internal sealed record JobsModel(
    IReadOnlyList<JobDetails> Jobs, string? State, string? Campaign, string? Signature, string? Text, string? Tag, long? NextBefore, string? Note)
{
    /// <summary>Address of this list from a job id on.</summary>
    public string Address(long? before)
    {
        var query = new[] { ("state", State), ("campaign", Campaign), ("signature", Signature), ("text", Text), ("tag", Tag), ("before", before?.ToString(System.Globalization.CultureInfo.InvariantCulture)) }
            .Where(pair => !string.IsNullOrEmpty(pair.Item2)).Select(pair => $"{pair.Item1}={Uri.EscapeDataString(pair.Item2!)}").ToArray();
        return query.Length == 0 ? "/jobs" : "/jobs?" + string.Join('&', query);
    }
}

/// <summary>One job.</summary>
internal sealed record JobModel(JobDetails Job, JobExtras Extras, IReadOnlyList<JobAttempt> Attempts)
{
    /// <summary>The recipe's values by field name.</summary>
    public JsonObject Values { get; } = RecipeJson.Write(Job.Recipe);
}
