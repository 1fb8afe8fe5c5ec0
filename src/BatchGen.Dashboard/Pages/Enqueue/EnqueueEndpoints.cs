using System.Text.RegularExpressions;
using BatchGen.Core.Jobs;
using BatchGen.Core.Submitting;
using BatchGen.Core.Texts;
using BatchGen.Dashboard.Live;
using BatchGen.Dashboard.Requests;
using BatchGen.Dashboard.Security;
using BatchGen.Queue;
using BatchGen.Queue.Jobs;
using BatchGen.Queue.Registry;
using BatchGen.Queue.Reports;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace BatchGen.Dashboard.Pages.Enqueue;

/// <summary>The form, its check and its submission; and lists of jobs as CSV or JSON.</summary>
internal sealed partial class EnqueueEndpoints(
    ModelRegistry models, AdapterRegistry adapters, JobCatalog jobs, JobHistory history, JobChecker checker, JobSubmitter submitter,
    LiveSource live, StartImageFolder startImages, StartImageOwners startImageOwners, TenantRegistry tenants, DisplayFormat display)
{
    /// <summary>Maps the pages and posts of enqueueing.</summary>
    public static void Map(IEndpointRouteBuilder routes)
    {
        var pages = routes.MapGroup("/enqueue").RequireAuthorization(Policies.Operate).ExcludeFromDescription();
        pages.MapGet("", (long? again, long? vary, EnqueueEndpoints page, CancellationToken cancellationToken) =>
            page.ShowAsync(again, vary, cancellationToken));
        pages.MapPost("",
            (IFormCollection form, EnqueueEndpoints page, CancellationToken cancellationToken) => page.PostAsync(form, cancellationToken))
            .WithMetadata(BodyLimit.OfLists, CountedBodies.OfForms);
        pages.MapPost("/list", (IFormCollection form, EnqueueEndpoints page, CancellationToken cancellationToken) =>
            page.PostListAsync(form, cancellationToken))
            .WithMetadata(BodyLimit.OfLists, CountedBodies.OfForms);
    }

    private async Task<IResult> ShowAsync(long? again, long? vary, CancellationToken cancellationToken)
    {
        var form = new EnqueueForm();
        if ((again ?? vary) is { } id)
        {
            if (await jobs.FindAsync(id, cancellationToken) is not { } job) return Page.NotFound(MissingText.Job(id));
            form = EnqueueForm.Of(job, await history.FindExtrasAsync(id, cancellationToken), vary is not null, display);
        }

        return Page.Of<EnqueuePage, EnqueueModel>(await ModelAsync(cancellationToken) with { Form = form });
    }

    private async Task<IResult> PostAsync(IFormCollection fields, CancellationToken cancellationToken)
    {
        var problems = new Dictionary<string, string>(StringComparer.Ordinal);
        var form = await WithStartImageAsync(EnqueueForm.Of(fields), fields.Files.GetFile("start_file"), problems, cancellationToken);
        var requests = form.ToJobs(display.Times, problems);
        var model = await ModelAsync(cancellationToken) with { Form = form, Problems = ListOf(problems) };
        if (problems.Count > 0) return Page.Of<EnqueuePage, EnqueueModel>(model, StatusCodes.Status400BadRequest);
        return await FinishAsync(model, requests, fields["action"] == "submit", list: null, cancellationToken);
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
            if (file.Length <= StartImageFolder.MaxFileBytes) await input.CopyToAsync(bytes, cancellationToken);
            else
                problems[JobFields.StartImage.Name] =
                    $"'{file.FileName}' has more than {StartImageFolder.MaxFileBytes >> 20} MB; save it smaller.";
            if (problems.Count > 0) return form;
            var content = bytes.ToArray();
            var accepted = startImages.Accept(content, file.FileName);
            await startImageOwners.KeepAsync(
                accepted.Name, accepted.SizeBytes, form.Tenant.Trim() is { Length: > 0 } tenant ? tenant : null,
                () => startImages.Write(accepted, content, file.FileName), cancellationToken);
            return form.With(JobFields.StartImage, accepted.Name);
        }
        catch (Exception failure) when (failure is StartImageException or SubmitRefusedException)
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
            var list = FormList.Read(text, name, display.Times);
            var requests = list
                .Select(job => campaign.Length > 0 && job.Campaign is null ? job with { Campaign = campaign } : job).ToArray();
            return await FinishAsync(model, requests, fields["action"] == "submit", list, cancellationToken);
        }
        catch (JobFileException failure)
        {
            return Page.Of<EnqueuePage, EnqueueModel>(
                model with { ListProblem = ShortText.Of(failure.Message) }, StatusCodes.Status400BadRequest);
        }
    }

    // Checking shows what would be submitted; submitting leads to the jobs.
    private async Task<IResult> FinishAsync(
        EnqueueModel model, IReadOnlyList<JobRequest> requests, bool submit, JobList? list, CancellationToken cancellationToken)
    {
        try
        {
            if (submit)
            {
                var ids = await submitter.SubmitAsync(
                    requests, model.Form.Tenant.Trim() is { Length: > 0 } tenant ? tenant : null, cancellationToken);
                // An address takes no control characters.
                var campaign = requests.Select(request => request.Campaign).Distinct().ToArray() is [{ } only]
                    && only == QueryText.WithoutControls(only) ? only : null;
                var note = Uri.EscapeDataString(
                    ids.Count == 1 ? $"Submitted job {ids[0]}." : $"Submitted {ids.Count} jobs, {ids.Min()} to {ids.Max()}.");
                return Results.LocalRedirect(
                    campaign is null ? $"/jobs?note={note}" : $"/jobs?campaign={Uri.EscapeDataString(campaign)}&note={note}");
            }

            var (count, signatures) = await checker.CheckAsync(requests, cancellationToken);
            var snapshot = await live.GetAsync(cancellationToken);
            return Page.Of<EnqueuePage, EnqueueModel>(model with
            {
                Preview = new EnqueuePreview(
                    count, signatures, requests.Take(8).ToArray(), LiveSource.Estimate(count, snapshot.PerMinute),
                    LiveSource.Estimate(count + snapshot.Counts.Open, snapshot.PerMinute),
                    requests.Select(request => request.StartImage).OfType<string>().Distinct(StringComparer.Ordinal)
                        .Where(name => !startImages.Has(name)).ToArray()),
            });
        }
        catch (SubmitRefusedException refused)
        {
            return Page.Of<EnqueuePage, EnqueueModel>(
                Place(model, list?.Locate(refused.Message) ?? refused.Message), StatusCodes.Status400BadRequest);
        }
        catch (BlockedException blocked)
        {
            return Page.Of<EnqueuePage, EnqueueModel>(Place(model, blocked.Message), StatusCodes.Status503ServiceUnavailable);
        }
    }

    // "jobs[3].width: expected ..." belongs beside the width; of a list, the message names the row.
    private static EnqueueModel Place(EnqueueModel model, string message)
    {
        if (model.List is not null) return model with { ListProblem = ShortText.Of(message) };
        var match = Where().Match(message);
        var (field, text) = match.Success ? (match.Groups["field"].Value, match.Groups["text"].Value) : ("", message);
        // A seed has its place beside the seeds; what has no box of its own stands above the form.
        var place = field == JobFields.Seed.Name ? JobFields.Seeds.Name : field is "tenant" || field == JobFields.Adapters.Name ? field
            : EnqueueForm.Fields.Any(known => known.Name == field) ? field : FieldProblem.WholeForm;
        return model with { Problems = [new FieldProblem(place, ShortText.Of(text))] };
    }

    private async Task<EnqueueModel> ModelAsync(CancellationToken cancellationToken) => new()
    {
        Models = await models.ListAsync(cancellationToken),
        Adapters = await adapters.ListAsync(cancellationToken),
        Tenants = await tenants.ListNamesAsync(cancellationToken),
    };

    private static FieldProblem[] ListOf(Dictionary<string, string> problems) =>
        problems.Select(problem => new FieldProblem(problem.Key, ShortText.Of(problem.Value))).ToArray();

    [GeneratedRegex(@"^(jobs\[\d+\]\.(?<field>[a-z_]+)(\[\d+\])?(\.[a-z_]+)?|(?<field>tenant)): (?<text>.*)$",
        RegexOptions.Singleline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 200)]
    private static partial Regex Where();
}
