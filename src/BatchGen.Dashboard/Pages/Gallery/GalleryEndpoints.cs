using System.Globalization;
using BatchGen.Core.Jobs;
using BatchGen.Dashboard.Pages.Jobs;
using BatchGen.Dashboard.Security;
using BatchGen.Queue.Jobs;
using BatchGen.Queue.Reports;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;

namespace BatchGen.Dashboard.Pages.Gallery;

/// <summary>Pictures: side by side, large, and all in one file.</summary>
internal static class GalleryEndpoints
{
    private const int PageSize = 60;

    /// <summary>Maps them.</summary>
    public static void Map(IEndpointRouteBuilder routes)
    {
        var pages = routes.MapGroup("/gallery").RequireAuthorization(Policies.See).ExcludeFromDescription();
        pages.MapGet("", async (string? campaign, string? signature, string? day, string? before, ImageCatalog pictures, Show show, CancellationToken cancellationToken) =>
        {
            if (Filter(campaign, signature, day, show.Zone) is not { } filter) return Page.Refused($"'{day}' is not a day such as 2026-01-31.");
            var page = await pictures.ListAsync(filter with { Before = Place(before), Limit = PageSize }, cancellationToken);
            return Page.Of<GalleryPage>(new GalleryModel(page.Images, campaign, signature, day, page.Next is { } next ? Cursor(next) : null));
        });
        pages.MapGet("/{id:long}", ShowAsync);
        pages.MapGet("/zip", Zip);
    }

    private static async Task<IResult> ShowAsync(
        long id, string? campaign, string? signature, string? day, JobCatalog jobs, JobHistory history, ImageCatalog pictures, Show show, CancellationToken cancellationToken)
    {
        if (await jobs.FindAsync(id, cancellationToken) is not { Image: not null } job || await history.FindExtrasAsync(id, cancellationToken) is not { } extras) return Page.NotFound($"Job {id} has no picture.");
        var beside = await pictures.FindNeighboursAsync(Filter(campaign, signature, day, show.Zone) ?? new ImageFilter(), extras.BatchId ?? 0, id, cancellationToken);
        return Page.Of<PicturePage>(new PictureModel(new JobModel(job, extras, []), beside.Newer, beside.Older, campaign, signature, day));
    }

    private static IResult Zip(string? campaign, string? signature, string? day, ImageCatalog pictures, DashboardFolders folders, Show show, HttpContext context)
    {
        if (Filter(campaign, signature, day, show.Zone) is not { } filter) return Page.Refused($"'{day}' is not a day such as 2026-01-31.");
        // The library closes each entry of a zip with a write that waits, even when asked not to; without this the server breaks the answer off at the first picture.
        context.Features.GetRequiredFeature<IHttpBodyControlFeature>().AllowSynchronousIO = true;
        return Results.Stream(output => PictureZip.WriteAsync(output, filter, PictureZip.MaxPictures, pictures, folders, context.RequestAborted), "application/zip", $"{FileName(campaign ?? day ?? "pictures")}.zip");
    }

    private static ImageFilter? Filter(string? campaign, string? signature, string? day, TimeZoneInfo zone)
    {
        var filter = new ImageFilter(string.IsNullOrWhiteSpace(campaign) ? null : campaign, string.IsNullOrWhiteSpace(signature) ? null : signature);
        if (string.IsNullOrWhiteSpace(day)) return filter;
        if (!DateOnly.TryParseExact(day, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var date)) return null;
        return filter with { From = Midnight(date, zone), To = Midnight(date.AddDays(1), zone) };
    }

    private static DateTimeOffset Midnight(DateOnly date, TimeZoneInfo zone)
    {
        var local = date.ToDateTime(TimeOnly.MinValue);
        while (zone.IsInvalidTime(local)) local = local.AddMinutes(30); // Some zones skip midnight itself.
        return new DateTimeOffset(local, zone.GetUtcOffset(local)).ToUniversalTime();
    }

    private static string Cursor(ImageCursor place) => string.Create(CultureInfo.InvariantCulture, $"{place.BatchId}.{place.JobId}");

    private static ImageCursor? Place(string? cursor)
    {
        var parts = (cursor ?? "").Split('.');
        return parts.Length == 2 && long.TryParse(parts[0], CultureInfo.InvariantCulture, out var batch) && long.TryParse(parts[1], CultureInfo.InvariantCulture, out var job) ? new(batch, job) : null;
    }

    private static string FileName(string text) => new(text.Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' ? c : '_').Take(80).ToArray());
}

/// <summary>A page of pictures.</summary>
internal sealed record GalleryModel(IReadOnlyList<ImageCard> Pictures, string? Campaign, string? Signature, string? Day, string? Next)
{
    /// <summary>Query that keeps the filter.</summary>
    public string Query(string? before = null)
    {
        var query = new[] { ("campaign", Campaign), ("signature", Signature), ("day", Day), ("before", before) }
            .Where(pair => !string.IsNullOrEmpty(pair.Item2)).Select(pair => $"{pair.Item1}={Uri.EscapeDataString(pair.Item2!)}").ToArray();
        return query.Length == 0 ? "" : "?" + string.Join('&', query);
    }
}

/// <summary>One picture, large.</summary>
internal sealed record PictureModel(JobModel Job, long? Newer, long? Older, string? Campaign, string? Signature, string? Day)
{
    /// <summary>Query that keeps the filter.</summary>
    public string Query { get; } = new GalleryModel([], Campaign, Signature, Day, null).Query();
}
