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
    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapGet("/images/{id:long}", (long id, bool? download, PictureCatalog pictures, DashboardFolders folders, HttpContext context, CancellationToken cancellationToken) =>
            ServeAsync(id, download ?? false, pictures, folders, context, cancellationToken)).RequireAuthorization(Policies.See).ExcludeFromDescription();

    /// <summary>Answers with a job's picture.</summary>
    public static async Task<IResult> ServeAsync(long id, bool download, PictureCatalog pictures, DashboardFolders folders, HttpContext context, CancellationToken cancellationToken)
    {
        if (await pictures.FindAsync(id, cancellationToken) is not { } picture || Locate(folders, picture.Path) is not { } path) return Results.NotFound();
        // The file's name follows from the job; its content changes only when the job is rendered again, and then so does the tag.
        context.Response.Headers.CacheControl = "private, no-cache";
        return Results.File(path, ContentType(path), download ? Path.GetFileName(path) : null, entityTag: new EntityTagHeaderValue($"\"{picture.Sha256}\""), enableRangeProcessing: true);
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
