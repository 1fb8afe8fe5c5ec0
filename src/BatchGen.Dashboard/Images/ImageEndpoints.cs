using BatchGen.Dashboard.Security;
using BatchGen.Queue.Reports;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Net.Http.Headers;

namespace BatchGen.Dashboard.Images;

/// <summary>Images as files, whole and as thumbnails, for the pages that show them.</summary>
internal static class ImageEndpoints
{
    /// <summary>Maps images and thumbnails.</summary>
    public static void Map(IEndpointRouteBuilder routes)
    {
        var images = routes.MapGroup("/images").RequireAuthorization(Policies.See).ExcludeFromDescription();
        images.MapGet("/{id:long}", ServeAsync);
        images.MapGet("/{id:long}/thumbnail", ServeThumbnailAsync);
    }

    private static Task<IResult> ServeAsync(
        long id,
        bool? download,
        ImageCatalog catalog,
        DashboardFolders folders,
        HttpContext context,
        CancellationToken cancellationToken) =>
        ImageFiles.ServeAsync(id, download ?? false, catalog, folders, context, cancellationToken);

    private static async Task<IResult> ServeThumbnailAsync(
        long id,
        ImageCatalog catalog,
        ThumbnailStore thumbnails,
        DashboardFolders folders,
        HttpContext context,
        CancellationToken cancellationToken)
    {
        if (await catalog.FindAsync(id, cancellationToken) is not { } image) return Results.NotFound();
        if (ImageFiles.Locate(folders, image.Path) is not { } path) return Results.NotFound();
        // A grid asks for sixty at once, and again when somebody comes back to it.
        context.Response.Headers.CacheControl = "private, max-age=300";
        var isSmall = Math.Max(image.Width, image.Height) <= ThumbnailStore.EdgePixels;
        var file = isSmall ? path : await thumbnails.FindAsync(id, image.Sha256, path, cancellationToken) ?? path;
        var tag = new EntityTagHeaderValue($"\"{image.Sha256}-{ThumbnailStore.EdgePixels}\"");
        return Results.File(file, ImageFiles.ContentType(file), entityTag: tag);
    }
}
