using System.Globalization;
using System.Text.Json.Nodes;
using BatchGen.Core.Jobs;
using BatchGen.Dashboard.Images;
using BatchGen.Dashboard.Live;
using BatchGen.Dashboard.Pages;
using BatchGen.Dashboard.Requests;
using BatchGen.Dashboard.Security;
using BatchGen.Queue.Jobs;
using BatchGen.Queue.Registry;
using BatchGen.Queue.Reports;
using BatchGen.Queue.Workers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc.ApiExplorer;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace BatchGen.Dashboard.Api;

/// <summary>The HTTP API under <c>/api/v1</c>.</summary>
internal static class ApiEndpoints
{
    private const int MaxPage = 1000;
    private const int PageSize = 50;

    /// <summary>Adds what it needs.</summary>
    public static void Add(IServiceCollection services)
    {
        ApiDescription.Add(services);
        services.AddSingleton<ApiSubmit>();
        services.AddSingleton<JobEvents>().AddHostedService(provider => provider.GetRequiredService<JobEvents>());
        services.ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.PropertyNamingPolicy = ApiJson.Compact.PropertyNamingPolicy;
            json.SerializerOptions.DefaultIgnoreCondition = ApiJson.Compact.DefaultIgnoreCondition;
            json.SerializerOptions.Encoder = ApiJson.Compact.Encoder;
        });
    }

    /// <summary>Maps the calls, their OpenAPI document and the page that lists them.</summary>
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapOpenApi("/openapi/{documentName}.json").RequireAuthorization(Policies.ApiRead);
        routes.MapGet(
            "/api", (IApiDescriptionGroupCollectionProvider descriptions) => Page.Of<ApiPage, ApiModel>(ApiModel.Of(descriptions)))
            .RequireAuthorization(Policies.See).ExcludeFromDescription();

        var api = routes.MapGroup("/api/v1").RequireAuthorization(Policies.ApiRead).DisableAntiforgery()
            .ProducesProblem(StatusCodes.Status401Unauthorized).ProducesProblem(StatusCodes.Status403Forbidden);
        MapSubmit(api);
        MapJobs(api);
        MapResults(api);
        MapQueue(api);
        MapRegistry(api);
    }

    private static void MapSubmit(RouteGroupBuilder api) => ApiDescription.OfSubmit(
        api.MapPost("/jobs", (HttpContext context, ApiSubmit submit, CancellationToken cancellationToken) =>
                submit.SubmitAsync(context, cancellationToken))
            .RequireAuthorization(Policies.ApiSubmit)
            .WithMetadata(ApiSubmit.Limit, ApiSubmit.Bodies)
            .Accepts<JsonObject>("application/json", "application/x-ndjson")
            .Produces<SubmittedView>(StatusCodes.Status201Created).ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status413PayloadTooLarge).ProducesProblem(StatusCodes.Status415UnsupportedMediaType)
            .ProducesProblem(StatusCodes.Status429TooManyRequests).ProducesProblem(StatusCodes.Status503ServiceUnavailable)
            .WithTags("Jobs").WithSummary("Submit jobs")
            .WithDescription("One job as a JSON object, several as an array (all or none), or a stream of one object a line "
                + "(application/x-ndjson). The header Idempotency-Key makes repeating the call harmless: a key that is known gives the ids "
                + "of the jobs first submitted under it, whatever the body says now."));

    private static void MapJobs(RouteGroupBuilder api)
    {
        api.MapGet("/jobs", ListAsync)
            .Produces<JobPageView>().ProducesProblem(StatusCodes.Status400BadRequest)
            .WithTags("Jobs").WithSummary("List jobs, newest first")
            .WithDescription("Filter by state, campaign, signature, text of the prompt and tag, in any combination; a text is looked for "
                + "in the newest 20,000 jobs below before. A submitter's key looks through 20,000 jobs of its own at a time. The next page "
                + "starts at before=next_before, also after a page that is not full.");
        api.MapGet("/jobs/{id:long}", FindAsync)
            .Produces<JobView>().ProducesProblem(StatusCodes.Status404NotFound)
            .WithTags("Jobs").WithSummary("One job");
        api.MapPost("/jobs/cancel", CancelAsync).RequireAuthorization(Policies.ApiSubmit).WithMetadata(CountedBodies.OfChanges)
            .Produces<SubmittedView>().ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status429TooManyRequests).ProducesProblem(StatusCodes.Status503ServiceUnavailable)
            .WithTags("Jobs").WithSummary("Cancel jobs that have not ended");
        api.MapPost("/jobs/retry", RetryAsync).RequireAuthorization(Policies.Operate)
            .Produces<SubmittedView>().ProducesProblem(StatusCodes.Status400BadRequest)
            .WithTags("Jobs").WithSummary("Requeue failed or cancelled jobs");
    }

    private static void MapResults(RouteGroupBuilder api)
    {
        api.MapGet("/jobs/{id:long}/image", ImageAsync)
            .Produces(StatusCodes.Status200OK, contentType: "image/png").ProducesProblem(StatusCodes.Status404NotFound)
            .WithTags("Results").WithSummary("The image of a job");
        api.MapGet("/results", ResultsAsync).Produces<JobPageView>().WithTags("Results").WithSummary("Jobs with an image, newest first");
        api.MapGet("/events", (HttpContext context, LiveStream stream) => stream.SendAsync(context, tick => tick.Counts))
            .RequireAuthorization(Policies.See).Produces(StatusCodes.Status200OK, contentType: "text/event-stream")
            .RequireRateLimiting(StreamLimits.Counts).ProducesProblem(StatusCodes.Status429TooManyRequests)
            .WithTags("Results").WithSummary("Counts of jobs by state, now and whenever they change (server-sent events)")
            .WithDescription("Events: counts, ping (nothing was sent for 20 seconds).");
        api.MapGet("/events/jobs", async (string? campaign, HttpContext context, JobEvents events, StreamAccess access) =>
                TypedResults.ServerSentEvents(events.ListenAsync(
                    AccessLookup.TenantOf(context.User), JobListRequest.NullIfEmpty(campaign),
                    await access.WatchAsync(context, Policies.ApiRead))))
            .RequireRateLimiting(StreamLimits.EndedJobs).ProducesProblem(StatusCodes.Status429TooManyRequests)
            .WithTags("Results").WithSummary("Jobs as they end (server-sent events)")
            .WithDescription("A submitter's key gets the jobs of its tenant; campaign restricts. Events: listening (from now on none is "
                + "missed: look once at those that had ended before), ended (id, state, campaign), missed (more ended at once than are "
                + "named: look at the results), ping (nothing was sent for 20 seconds).");
    }

    private static void MapRegistry(RouteGroupBuilder api)
    {
        api.MapGet("/models", async (ModelRegistry models, CancellationToken cancellationToken) =>
                (await models.ListAsync(cancellationToken)).Select(model =>
                    new ModelView(model.Name, model.Family, model.Sha256, model.Files.Sum(file => file.SizeBytes))))
            .Produces<ModelView[]>().WithTags("Registry").WithSummary("Base models that jobs may name");
        api.MapGet("/adapters", async (AdapterRegistry adapters, CancellationToken cancellationToken) =>
                (await adapters.ListAsync(cancellationToken)).Select(adapter => new AdapterView(
                    adapter.Name, adapter.Format, adapter.Algorithm, adapter.Family, adapter.MinRank, adapter.MaxRank, adapter.ModuleCount,
                    adapter.SizeBytes, adapter.Sha256, adapter.TriggerWords)))
            .Produces<AdapterView[]>().WithTags("Registry").WithSummary("Adapters that jobs may name");
    }

    private static void MapQueue(RouteGroupBuilder api)
    {
        api.MapGet("/counts", async (string? campaign, JobCatalog jobs, CancellationToken cancellationToken) =>
                await jobs.CountAsync(campaign, cancellationToken))
            .RequireAuthorization(Policies.See).WithTags("Queue").WithSummary("How many jobs are in each state");
        api.MapGet("/workers", async (WorkerRegistry workers, CancellationToken cancellationToken) =>
                await workers.ListAsync(cancellationToken))
            .RequireAuthorization(Policies.See).WithTags("Queue").WithSummary("Workers, running and stopped within a day");
        api.MapPost("/workers/{id:guid}/{order}", OrderAsync).RequireAuthorization(Policies.Operate).Produces<OrderView>()
            .ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status404NotFound)
            .WithTags("Queue").WithSummary("Give a worker an order")
            .WithDescription("pause: finish the batch and claim nothing more; resume: claim again; drain: finish the batch and exit; "
                + "canary: draw one before the next batch. The worker reads the order with its next heartbeat.");
        api.MapGet("/campaigns", async (int? before, int? limit, CampaignCatalog campaigns, CancellationToken cancellationToken) =>
                PageProblem(before, limit) ?? Results.Ok(await campaigns.ListAsync(before, limit ?? PageSize, cancellationToken)))
            .RequireAuthorization(Policies.See).Produces<CampaignSummary[]>().ProducesProblem(StatusCodes.Status400BadRequest)
            .WithTags("Queue").WithSummary("Campaigns, newest first");
        api.MapGet("/campaigns/{name}", FindCampaignAsync)
            .RequireAuthorization(Policies.See).Produces<CampaignSummary>().ProducesProblem(StatusCodes.Status404NotFound)
            .WithTags("Queue").WithSummary("One campaign");
    }

    private static async Task<IResult> ListAsync(
        HttpContext context, JobSearch search, string? state, string? campaign, string? signature, string? text, string? tag, long? before,
        int? limit, CancellationToken cancellationToken)
    {
        if (PageProblem(before, limit) is { } refused) return refused;
        var request = new JobListRequest(state, campaign, signature, text, tag, before);
        if (!request.TryRead(AccessLookup.TenantOf(context.User), limit ?? PageSize, out var query, out var problem))
            return Problem.Of(statusCode: StatusCodes.Status400BadRequest, title: "Unknown state", detail: problem);
        var page = await search.ListAsync(query, cancellationToken);
        return Results.Ok(new JobPageView(page.Jobs.Select(JobView.Of).ToArray(), page.NextBefore));
    }

    private static async Task<IResult> FindAsync(
        long id, HttpContext context, JobCatalog jobs, JobHistory history, CancellationToken cancellationToken) =>
            await IsVisibleAsync(id, context, history, cancellationToken) && await jobs.FindAsync(id, cancellationToken) is { } job
                ? Results.Ok(JobView.Of(job))
                : Missing(MissingText.Job(id));

    private static async Task<IResult> FindCampaignAsync(string name, CampaignCatalog campaigns, CancellationToken cancellationToken)
    {
        // The server leaves an escaped slash in a path as it is.
        var unescaped = name.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);
        var campaign = await campaigns.FindAsync(unescaped, cancellationToken);
        return campaign is null ? Missing(MissingText.Campaign(name)) : Results.Ok(campaign);
    }

    private static Task<IResult> ResultsAsync(
        HttpContext context, JobSearch search, string? campaign, string? signature, string? text, string? tag, long? before, int? limit,
        CancellationToken cancellationToken) =>
        ListAsync(context, search, "succeeded", campaign, signature, text, tag, before, limit, cancellationToken);

    private static async Task<IResult> ImageAsync(
        long id, HttpContext context, JobHistory history, ImageCatalog images, DashboardFolders folders,
        CancellationToken cancellationToken)
    {
        if (!await IsVisibleAsync(id, context, history, cancellationToken)) return Missing(MissingText.Job(id));
        var answer = await ImageFiles.ServeAsync(id, download: false, images, folders, context, cancellationToken);
        return answer is IStatusCodeHttpResult { StatusCode: StatusCodes.Status404NotFound } ? Missing(MissingText.Image(id)) : answer;
    }

    private static async Task<IResult> CancelAsync(
        IdsRequest? request, HttpContext context, JobActions actions, CancellationToken cancellationToken) => request?.JobIds is { } ids
            ? Results.Ok(new SubmittedView(await actions.CancelAsync(ids, AccessLookup.TenantOf(context.User), cancellationToken)))
            : NoIds();

    private static async Task<IResult> RetryAsync(IdsRequest? request, JobActions actions, CancellationToken cancellationToken) =>
        request?.JobIds is { } ids
            ? Results.Ok(new SubmittedView(await actions.RetryAsync(ids, cancellationToken)))
            : NoIds();

    // Null when both numbers can be used.
    private static IResult? PageProblem(long? before, int? limit) =>
        limit is < 1 or > MaxPage ? BadNumber("limit", string.Create(CultureInfo.InvariantCulture, $"1 to {MaxPage:N0}"), limit.Value)
        : before is < 1 ? BadNumber("before", "an id, 1 or more", before.Value)
        : null;

    private static IResult BadNumber(string name, string expected, long got) => Problem.Of(
        statusCode: StatusCodes.Status400BadRequest, title: "Not a page",
        detail: string.Create(CultureInfo.InvariantCulture, $"{name}: expected {expected}, got {got}."));

    private static IResult NoIds() => Problem.Of(
        statusCode: StatusCodes.Status400BadRequest, title: "No jobs named",
        detail: "job_ids: expected a list of ids of jobs, such as {\"job_ids\":[1,2]}; it is missing.");

    private static async Task<IResult> OrderAsync(Guid id, string order, WorkerRegistry workers, CancellationToken cancellationToken)
    {
        if (!WorkerOrder.All.Contains(order))
            return Problem.Of(statusCode: StatusCodes.Status400BadRequest, title: "Unknown order",
                detail: $"'{order}' is not an order; use {string.Join(", ", WorkerOrder.All)}.");
        return await WorkerOrder.GiveAsync(workers, id, order, cancellationToken) ? Results.Ok(new OrderView(id, order))
            : Missing(MissingText.RunningWorker(id));
    }

    // A submitter is not to learn of other tenants' jobs, not even that they exist.
    private static async Task<bool> IsVisibleAsync(long id, HttpContext context, JobHistory history, CancellationToken cancellationToken) =>
        AccessLookup.TenantOf(context.User) is not { } tenant || (await history.ListOwnedAsync([id], tenant, cancellationToken)).Count == 1;

    private static IResult Missing(string detail) =>
        Problem.Of(statusCode: StatusCodes.Status404NotFound, title: "Not found", detail: detail);
}

/// <summary>A body that names jobs.</summary>
/// <param name="JobIds">Ids of the jobs.</param>
public sealed record IdsRequest(IReadOnlyList<long>? JobIds);

/// <summary>Ids of jobs that were submitted or changed.</summary>
/// <param name="JobIds">Ids of the jobs, in order.</param>
public sealed record SubmittedView(IReadOnlyList<long> JobIds);

/// <summary>An order given to a worker.</summary>
/// <param name="WorkerId">Id of the worker.</param>
/// <param name="Order">The order: pause, resume, drain or canary.</param>
public sealed record OrderView(Guid WorkerId, string Order);

/// <summary>One page of a list of jobs.</summary>
/// <param name="Jobs">The jobs of the page, newest first.</param>
/// <param name="NextBefore">Value of <c>before</c> for the next page; null when there is none.</param>
public sealed record JobPageView(IReadOnlyList<JobView> Jobs, long? NextBefore);

/// <summary>A base model without the paths of its files.</summary>
public sealed record ModelView(string Name, string Family, string Sha256, long SizeBytes);

/// <summary>An adapter without the path of its file.</summary>
public sealed record AdapterView(
    string Name, string Format, string Algorithm, string Family, int MinRank, int MaxRank, int ModuleCount, long SizeBytes,
    string Sha256, IReadOnlyList<string> TriggerWords);
