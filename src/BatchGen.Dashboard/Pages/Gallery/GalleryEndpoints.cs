using System.Globalization;
using BatchGen.Dashboard.Images;
using BatchGen.Dashboard.Pages.Jobs;
using BatchGen.Dashboard.Requests;
using BatchGen.Dashboard.Security;
using BatchGen.Queue.Jobs;
using BatchGen.Queue.Reports;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;

namespace BatchGen.Dashboard.Pages.Gallery;

/// <summary>Images: side by side, large, and all in one file.</summary>
internal static class GalleryEndpoints
{
    private const int PageSize = 60;

    /// <summary>Maps the pages and the file.</summary>
    public static void Map(IEndpointRouteBuilder routes)
    {
        var pages = routes.MapGroup("/gallery").RequireAuthorization(Policies.See).ExcludeFromDescription();
        pages.MapGet("", ListAsync);
        pages.MapGet("/{id:long}", ShowAsync);
        pages.MapGet("/zip", Zip);
    }

    private static async Task<IResult> ListAsync(
        string? campaign,
        string? signature,
        string? day,
        string? before,
        ImageCatalog catalog,
        DisplayFormat display,
        CancellationToken cancellationToken)
    {
        var asked = new GalleryFilter(campaign, signature, day);
        if (asked.Read(display.Zone) is not { } filter) return Page.Refused(asked.Problem);
        var page = await catalog.ListAsync(filter with { Before = PlaceOf(before), Limit = PageSize }, cancellationToken);
        return Page.Of<GalleryPage, GalleryModel>(new GalleryModel(page.Images, asked, page.Next is { } next ? CursorOf(next) : null));
    }

    private static async Task<IResult> ShowAsync(
        long id,
        string? campaign,
        string? signature,
        string? day,
        JobCatalog jobs,
        JobHistory history,
        ImageCatalog catalog,
        DisplayFormat display,
        CancellationToken cancellationToken)
    {
        if (await jobs.FindAsync(id, cancellationToken) is not { Image: { } image } job) return Page.NotFound(MissingText.Image(id));
        if (await history.FindExtrasAsync(id, cancellationToken) is not { } extras) return Page.NotFound(MissingText.Image(id));
        var asked = new GalleryFilter(campaign, signature, day);
        if (asked.Read(display.Zone) is not { } filter) return Page.Refused(asked.Problem);
        var beside = await catalog.FindNeighboursAsync(filter, extras.BatchId ?? 0, id, cancellationToken);
        return Page.Of<ImagePage, ImageModel>(new ImageModel(new JobModel(job, extras, []), image, beside.Newer, beside.Older, asked));
    }

    private static IResult Zip(
        string? campaign,
        string? signature,
        string? day,
        ImageCatalog catalog,
        DashboardFolders folders,
        DisplayFormat display,
        HttpContext context)
    {
        var asked = new GalleryFilter(campaign, signature, day);
        if (asked.Read(display.Zone) is not { } filter) return Page.Refused(asked.Problem);
        // The library closes each entry of a zip with a synchronous write, even when asked not to;
        // without this the server breaks the answer off at the first image.
        context.Features.GetRequiredFeature<IHttpBodyControlFeature>().AllowSynchronousIO = true;
        return Results.Stream(
            output => ImageZip.WriteAsync(output, filter, ImageZip.MaxImages, catalog, folders, context.RequestAborted),
            "application/zip", $"{FileName(campaign ?? day ?? "images")}.zip");
    }

    private static string CursorOf(ImageCursor place) => string.Create(CultureInfo.InvariantCulture, $"{place.BatchId}.{place.JobId}");

    // A cursor that cannot be read begins with the newest image.
    private static ImageCursor? PlaceOf(string? cursor) =>
        cursor?.Split('.') is [var batch, var job]
        && long.TryParse(batch, CultureInfo.InvariantCulture, out var batchId)
        && long.TryParse(job, CultureInfo.InvariantCulture, out var jobId)
            ? new ImageCursor(batchId, jobId)
            : null;

    private static string FileName(string text) =>
        new(text.Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' ? c : '_').Take(80).ToArray());
}
