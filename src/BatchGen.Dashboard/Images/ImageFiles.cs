using BatchGen.Core.Files;
using BatchGen.Queue.Reports;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace BatchGen.Dashboard.Images;

/// <summary>Finds image files by job, for pages and the HTTP API; no path ever comes from a request.</summary>
internal static class ImageFiles
{
    /// <summary>Answers with the image of a job, or with status 404 when there is none.</summary>
    public static async Task<IResult> ServeAsync(
        long jobId,
        bool download,
        ImageCatalog catalog,
        DashboardFolders folders,
        HttpContext context,
        CancellationToken cancellationToken)
    {
        if (await catalog.FindAsync(jobId, cancellationToken) is not { } image) return Results.NotFound();
        if (Locate(folders, image.Path) is not { } path) return Results.NotFound();
        // The file's name follows from the job; its content changes only when the job is rendered again, and then so does the tag.
        context.Response.Headers.CacheControl = "private, no-cache";
        var tag = new EntityTagHeaderValue($"\"{image.Sha256}\"");
        return Results.File(path, ContentType(path), download ? Path.GetFileName(path) : null, entityTag: tag, enableRangeProcessing: true);
    }

    /// <summary>The full path of an image file; null when it is not there or lies outside the image folder.</summary>
    public static string? Locate(DashboardFolders folders, string relativePath)
    {
        var root = Path.GetFullPath(folders.Images);
        var path = Path.GetFullPath(relativePath, root);
        return path.StartsWith(root + Path.DirectorySeparatorChar, StringComparison.Ordinal) && File.Exists(path)
            && RegularFile.KindOf(path) is null ? path : null;
    }

    /// <summary>The media type of an image file, by its name.</summary>
    public static string ContentType(string path) => Path.GetExtension(path) switch
    {
        ".png" => "image/png",
        ".webp" => "image/webp",
        ".jpg" => "image/jpeg",
        _ => "application/octet-stream",
    };
}
