using BatchGen.Dashboard.Security;
using BatchGen.Queue.Reports;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Net.Http.Headers;

namespace BatchGen.Dashboard.Pages.Gallery;

/// <summary>Serves picture files by job id; no path ever comes from a request.</summary>
internal static class ImageEndpoints
{
    /// <summary>Maps them.</summary>
    public static void Map(IEndpointRouteBuilder routes)
    {
        var images = routes.MapGroup("/images").RequireAuthorization(Policies.See).ExcludeFromDescription();
        images.MapGet("/{id:long}", (long id, bool? download, ImageCatalog pictures, DashboardFolders folders, HttpContext context, CancellationToken cancellationToken) =>
            ServeAsync(id, download ?? false, pictures, folders, context, cancellationToken));
        images.MapGet("/{id:long}/thumbnail", ServeThumbnailAsync);
    }

    /// <summary>Answers with a job's picture.</summary>
    public static async Task<IResult> ServeAsync(long id, bool download, ImageCatalog pictures, DashboardFolders folders, HttpContext context, CancellationToken cancellationToken)
    {
        if (await pictures.FindAsync(id, cancellationToken) is not { } picture || Locate(folders, picture.Path) is not { } path) return Results.NotFound();
        // The file's name follows from the job; its content changes only when the job is rendered again, and then so does the tag.
        context.Response.Headers.CacheControl = "private, no-cache";
        return Results.File(path, ContentType(path), download ? Path.GetFileName(path) : null, entityTag: new EntityTagHeaderValue($"\"{picture.Sha256}\""), enableRangeProcessing: true);
    }

    private static async Task<IResult> ServeThumbnailAsync(
        long id, ImageCatalog pictures, ThumbnailStore thumbnails, DashboardFolders folders, HttpContext context, CancellationToken cancellationToken)
    {
        if (await pictures.FindAsync(id, cancellationToken) is not { } picture || Locate(folders, picture.Path) is not { } path) return Results.NotFound();
        // A grid asks for sixty at once, and again when somebody comes back to it.
        context.Response.Headers.CacheControl = "private, max-age=300";
        var small = Math.Max(picture.Width, picture.Height) <= ThumbnailStore.EdgePixels ? path : await thumbnails.FindAsync(id, picture.Sha256, path, cancellationToken) ?? path;
        return Results.File(small, ContentType(small), entityTag: new EntityTagHeaderValue($"\"{picture.Sha256}-{ThumbnailStore.EdgePixels}\""));
    }

    /// <summary>The file, if it lies in the image folder and is there.</summary>
    public static string? Locate(DashboardFolders folders, string relativePath)
    {
        var root = Path.GetFullPath(folders.Images);
        var path = Path.GetFullPath(relativePath, root);
        return path.StartsWith(root + Path.DirectorySeparatorChar, StringComparison.Ordinal) && File.Exists(path) ? path : null;
    }

    private static string ContentType(string path) => Path.GetExtension(path) switch
    {
        ".png" => "image/png",
        ".webp" => "image/webp",
        ".jpg" => "image/jpeg",
        _ => "application/octet-stream",
    };
}
