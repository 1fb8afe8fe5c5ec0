using System.Text.RegularExpressions;
using BatchGen.Core.Jobs;
using BatchGen.Core.Registry;
using BatchGen.Core.Submitting;
using BatchGen.Dashboard.Live;
using BatchGen.Dashboard.Security;
using BatchGen.Queue;
using BatchGen.Queue.Jobs;
using BatchGen.Queue.Registry;
using BatchGen.Queue.Reports;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;

namespace BatchGen.Dashboard.Pages.Enqueue;

/// <summary>Shows, checks and submits the form of jobs, and lists of jobs as CSV or JSON.</summary>
internal sealed partial class EnqueueEndpoints(
    ModelRegistry models, AdapterRegistry adapters, JobCatalog jobs, JobHistory history, JobChecker checker, JobSubmitter submitter,
    LiveSource live, StartImageFolder startImages, TenantRegistry tenants, Show show)
{
    private const long MaxListBytes = 64L << 20;

    /// <summary>Maps the form and the list.</summary>
    public static void Map(IEndpointRouteBuilder routes)
    {
        var pages = routes.MapGroup("/enqueue").RequireAuthorization(Policies.Operate).ExcludeFromDescription();
        pages.MapGet("", (long? again, long? vary, EnqueueEndpoints page, CancellationToken cancellationToken) =>
            page.ShowAsync(again, vary, cancellationToken));
        pages.MapPost("", (IFormCollection form, EnqueueEndpoints page, CancellationToken cancellationToken) =>
                page.PostAsync(form, cancellationToken))
            .WithMetadata(new BodyLimit(MaxListBytes));
        pages.MapPost("/list", (IFormCollection form, EnqueueEndpoints page, CancellationToken cancellationToken) =>
                page.PostListAsync(form, cancellationToken))
            .WithMetadata(new BodyLimit(MaxListBytes));
    }

    private async Task<IResult> ShowAsync(long? again, long? vary, CancellationToken cancellationToken)
    {
        var form = new EnqueueForm();
        if ((again ?? vary) is { } id)
        {
            if (await jobs.FindAsync(id, cancellationToken) is not { } job) return Page.NotFound($"There is no job {id}.");
            form = EnqueueForm.Of(job, await history.FindExtrasAsync(id, cancellationToken), vary is not null, show);
        }

        return Page.Of<EnqueuePage>(await ModelAsync(cancellationToken) with { Form = form });
    }

    private async Task<IResult> PostAsync(IFormCollection fields, CancellationToken cancellationToken)
    {
        var problems = new Dictionary<string, string>(StringComparer.Ordinal);
        var form = await WithStartImageAsync(EnqueueForm.Of(fields), fields.Files.GetFile("start_file"), problems, cancellationToken);
        var requests = form.ToJobs(show.Times, problems);
        var model = await ModelAsync(cancellationToken) with { Form = form, Problems = problems };
        if (problems.Count > 0) return Page.Of<EnqueuePage>(model, StatusCodes.Status400BadRequest);
        return await FinishAsync(model, requests, fields["action"] == "submit", cancellationToken);
    }

    // An uploaded image is kept at once, so that checking and submitting need no second upload.
    private async Task<EnqueueForm> WithStartImageAsync(
        EnqueueForm form, IFormFile? file, Dictionary<string, string> problems, CancellationToken cancellationToken)
    {
        if (file is not { Length: > 0 }) return form;
        try
        {
            using var bytes = new MemoryStream();
            await using var input = file.OpenReadStream();
            if (file.Length > StartImageFolder.MaxFileBytes)
            {
                problems[JobFields.StartImage.Name] =
                    $"'{file.FileName}' has more than {StartImageFolder.MaxFileBytes >> 20} MB; save it smaller.";
                return form;
            }

            await input.CopyToAsync(bytes, cancellationToken);
            return form.With(JobFields.StartImage, startImages.Add(bytes.ToArray(), file.FileName));
        }
        catch (StartImageException failure)
        {
            problems[JobFields.StartImage.Name] = failure.Message;
            return form;
        }
    }

    private async Task<IResult> PostListAsync(IFormCollection fields, CancellationToken cancellationToken)
    {
        var text = fields["list"].ToString();
        var name = "";
        if (fields.Files.GetFile("file") is { Length: > 0 } file)
        {
            using var reader = new StreamReader(file.OpenReadStream());
            text = await reader.ReadToEndAsync(cancellationToken);
            name = file.FileName;
        }

        var model = await ModelAsync(cancellationToken) with { List = text, ListCampaign = fields["campaign"].ToString() };
        try
        {
            var campaign = fields["campaign"].ToString().Trim();
            var requests = JobFile.Read(text, name, show.Times).ToList()
                .Select(job => campaign.Length > 0 && job.Campaign is null ? job with { Campaign = campaign } : job)
                .ToArray();
            return await FinishAsync(model, requests, fields["action"] == "submit", cancellationToken);
        }
        catch (JobFileException failure)
        {
            return Page.Of<EnqueuePage>(model with { ListProblem = failure.Message }, StatusCodes.Status400BadRequest);
        }
    }

    // Checking shows what would be submitted; submitting leads to the list of jobs.
    private async Task<IResult> FinishAsync(
        EnqueueModel model, IReadOnlyList<JobRequest> requests, bool submit, CancellationToken cancellationToken)
    {
        try
        {
            return submit
                ? await SubmitAsync(model, requests, cancellationToken)
                : Page.Of<EnqueuePage>(model with { Preview = await PreviewAsync(requests, cancellationToken) });
        }
        catch (SubmitRefusedException refused)
        {
            return Page.Of<EnqueuePage>(Place(model, refused.Message), StatusCodes.Status400BadRequest);
        }
    }

    private async Task<IResult> SubmitAsync(EnqueueModel model, IReadOnlyList<JobRequest> requests, CancellationToken cancellationToken)
    {
        var tenant = model.Form.Tenant.Trim() is { Length: > 0 } named ? named : null;
        var ids = await submitter.SubmitAsync(requests, tenant, cancellationToken);
        var campaign = requests.Select(request => request.Campaign).Distinct().ToArray() is [{ } only] ? only : null;
        var submitted = ids.Count == 1 ? $"Submitted job {ids[0]}." : $"Submitted {ids.Count} jobs, {ids.Min()} to {ids.Max()}.";
        var note = Uri.EscapeDataString(submitted);
        return Results.LocalRedirect(
            campaign is null ? $"/jobs?note={note}" : $"/jobs?campaign={Uri.EscapeDataString(campaign)}&note={note}");
    }

    private async Task<EnqueuePreview> PreviewAsync(IReadOnlyList<JobRequest> requests, CancellationToken cancellationToken)
    {
        var (count, signatures) = await checker.CheckAsync(requests, cancellationToken);
        var snapshot = await live.GetAsync(cancellationToken);
        var named = requests.Select(request => request.StartImage).OfType<string>().Distinct(StringComparer.Ordinal);
        return new EnqueuePreview(
            count, signatures, requests.Take(8).ToArray(), Estimate(count, snapshot), Estimate(count + snapshot.Counts.Open, snapshot),
            named.Where(name => !startImages.Has(name)).ToArray());
    }

    private static TimeSpan? Estimate(long jobs, LiveSnapshot snapshot) =>
        snapshot.PerMinute is > 0 and var rate && jobs / rate < TimeSpan.FromDays(3650).TotalMinutes
            ? TimeSpan.FromMinutes(jobs / rate)
            : null;

    // Puts a refusal where the person looks: "jobs[3].width: expected ..." beside the box of the width, the refusal of a list above the
    // list.
    private static EnqueueModel Place(EnqueueModel model, string message)
    {
        if (model.List is not null) return model with { ListProblem = message };
        var match = Where().Match(message);
        var (field, text) = match.Success ? (match.Groups["field"].Value, match.Groups["text"].Value) : ("", message);
        // The form has a box for seeds and none for a seed; the refusal of a field without a box stands above the form.
        var hasBox = field is "tenant" || field == JobFields.Adapters.Name || EnqueueForm.Fields.Any(known => known.Name == field);
        var place = field == JobFields.Seed.Name ? JobFields.Seeds.Name : hasBox ? field : "form";
        return model with { Problems = new Dictionary<string, string>(StringComparer.Ordinal) { [place] = text } };
    }

    private async Task<EnqueueModel> ModelAsync(CancellationToken cancellationToken) => new(
        new EnqueueForm(), await models.ListAsync(cancellationToken), await adapters.ListAsync(cancellationToken),
        await tenants.ListNamesAsync(cancellationToken), new Dictionary<string, string>(StringComparer.Ordinal), null, null, null, null);

    [GeneratedRegex(
        @"^(jobs\[\d+\]\.(?<field>[a-z_]+)(\[\d+\])?(\.[a-z_]+)?|(?<field>tenant)): (?<text>.*)$",
        RegexOptions.Singleline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 200)]
    private static partial Regex Where();

    private sealed record BodyLimit(long? MaxRequestBodySize) : IRequestSizeLimitMetadata;
}

/// <summary>The values that the page shows: form and list, their problems, and a preview of the jobs.</summary>
internal sealed record EnqueueModel(
    EnqueueForm Form, IReadOnlyList<ModelRecord> Models, IReadOnlyList<AdapterRecord> Adapters, IReadOnlyList<string> Tenants,
    IReadOnlyDictionary<string, string> Problems, EnqueuePreview? Preview, string? List, string? ListProblem, string? ListCampaign);

/// <summary>A preview of the jobs that would be submitted.</summary>
/// <param name="Jobs">Number of jobs.</param>
/// <param name="Signatures">Number of signatures among the jobs.</param>
/// <param name="First">The first jobs, at most eight.</param>
/// <param name="Alone">How long the jobs take at the present rate; null when the rate is not known.</param>
/// <param name="WithBacklog">How long until the jobs are done, after those that wait already; null when the rate is not known.</param>
/// <param name="Missing">Start images of the jobs that this machine does not have; workers on other machines may have them.</param>
internal sealed record EnqueuePreview(
    long Jobs, long Signatures, IReadOnlyList<JobRequest> First, TimeSpan? Alone, TimeSpan? WithBacklog, IReadOnlyList<string> Missing);
