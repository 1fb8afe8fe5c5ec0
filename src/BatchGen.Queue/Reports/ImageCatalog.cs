using NpgsqlTypes;
using static BatchGen.Queue.QueueDatabase;

namespace BatchGen.Queue.Reports;

/// <summary>Finds saved images for people to look at.</summary>
public sealed class ImageCatalog(QueueDatabase database)
{
    // A query looks at a limited number of rows. After so many queries that found no image an empty page is returned,
    // because a page is to be quick.
    private const int MaxQueries = 5;

    /// <summary>The newest images of all jobs.</summary>
    public async Task<IReadOnlyList<ImageCard>> ListRecentAsync(int limit, CancellationToken cancellationToken) =>
        await database.QueryAsync<ImageCard>("list_recent_images", new { limit }, cancellationToken);

    /// <summary>Files of the newest images of all jobs.</summary>
    public async Task<IReadOnlyList<ImageFile>> ListNewestFilesAsync(int limit, CancellationToken cancellationToken) =>
        await database.QueryAsync<ImageFile>("list_newest_files", new { limit }, cancellationToken);

    /// <summary>A page of images, newest first.</summary>
    /// <remarks>A call looks at a limited number of rows; a page may be empty and yet not be the last one.</remarks>
    public async Task<ImagePage> ListAsync(ImageFilter filter, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(filter);
        for (var query = 1; ; query++)
        {
            var page = await LookAsync(filter, cancellationToken);
            if (page.Images.Count > 0 || page.Next is not { } next || query == MaxQueries) return page;
            filter = filter with { Before = next };
        }
    }

    /// <summary>The images beside one in a list, in the order of that list.</summary>
    /// <param name="filter">The list; where its page starts and how long it is do not matter.</param>
    /// <param name="batchId">The batch that drew the image.</param>
    /// <param name="jobId">Job of the image.</param>
    /// <param name="cancellationToken">Cancels the queries.</param>
    public async Task<ImageNeighbours> FindNeighboursAsync(
        ImageFilter filter, long batchId, long jobId, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(filter);
        var older = await ListAsync(filter with { Before = new(batchId, jobId), Limit = 1 }, cancellationToken);
        var (from, to) = (filter.From?.ToUniversalTime(), filter.To?.ToUniversalTime());
        var newer = filter.Campaign is null
            ? await database.QueryAsync<long>(
                "find_newer_image", new { signature = filter.Signature, from, to, batch_id = batchId, job_id = jobId }, cancellationToken)
            : await database.QueryAsync<long>("find_newer_image_of_campaign",
                new { campaign = filter.Campaign, signature = filter.Signature, from, to, job_id = jobId }, cancellationToken);
        return new ImageNeighbours(newer is [var after, ..] ? after : null, older.Images is [var before, ..] ? before.JobId : null);
    }

    // A full page ends at its last image; any other page ends at the place that the query names in a last row, or with the list.
    private async Task<ImagePage> LookAsync(ImageFilter filter, CancellationToken cancellationToken)
    {
        var (signature, from, to) = (filter.Signature, filter.From?.ToUniversalTime(), filter.To?.ToUniversalTime());
        var before = filter.Before ?? ImageCursor.Newest;
        var rows = filter.Campaign is { } campaign
            ? await database.QueryAsync<ImageCard>("list_gallery_of_campaign",
                new { campaign, signature, from, to, before_job = before.JobId, limit = filter.Limit }, cancellationToken)
            : await database.QueryAsync<ImageCard>(
                "list_gallery", new { signature, from, to, before_batch = before.BatchId, before_job = before.JobId, limit = filter.Limit },
                cancellationToken);
        return rows is [.. var images, { IsPlace: true } place] ? new(images, new(place.BatchId, place.JobId))
            : new(rows, rows.Count == filter.Limit ? new(rows[^1].BatchId, rows[^1].JobId) : null);
    }

    /// <summary>The file of a job's image, or null.</summary>
    public async Task<ImageLocation?> FindAsync(long jobId, CancellationToken cancellationToken) =>
        (await database.QueryAsync<ImageLocation>("find_image", new { job_id = jobId }, cancellationToken)).SingleOrDefault();

    /// <summary>The image of a canary as its worker stored it, a PNG file, or null.</summary>
    public async Task<byte[]?> FindCanaryAsync(long canaryId, CancellationToken cancellationToken) =>
        (await database.QueryAsync<byte[]>("find_canary_image", new { id = canaryId }, cancellationToken)).SingleOrDefault();

    /// <summary>For each prefix a finished job whose signature starts with it; prefixes without one are left out.</summary>
    public async Task<IReadOnlyDictionary<string, long>> FindSamplesAsync(
        IReadOnlyList<string> prefixes, CancellationToken cancellationToken)
    {
        var rows = await database.ListAsync<SampleRow>(
            "list_samples", [Parameter("prefixes", NpgsqlDbType.Array | NpgsqlDbType.Text, prefixes.ToArray())], cancellationToken);
        var samples = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var row in rows) samples[row.Prefix] = row.JobId;
        return samples;
    }

    private sealed record SampleRow(string Prefix, long JobId);
}

/// <summary>An image in a list.</summary>
public sealed class ImageCard
{
    /// <summary>The batch that drew the image.</summary>
    public long BatchId { get; init; }

    /// <summary>The job of the image.</summary>
    public long JobId { get; init; }

    /// <summary>Canonical signature of the job.</summary>
    public string Signature { get; init; } = "";

    /// <summary>Prompt of the job.</summary>
    public string Prompt { get; init; } = "";

    /// <summary>Width in pixels.</summary>
    public int Width { get; init; }

    /// <summary>Height in pixels.</summary>
    public int Height { get; init; }

    /// <summary>When the image was saved.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>True once a checkpoint after the batch has passed.</summary>
    public bool Verified { get; init; }

    /// <summary>True for a row that is no image but the place from which the next query goes on.</summary>
    internal bool IsPlace { get; init; }
}

/// <summary>Which images to list.</summary>
/// <param name="Campaign">Only this campaign.</param>
/// <param name="Signature">Only this signature.</param>
/// <param name="From">Only from batches claimed at or after.</param>
/// <param name="To">Only from batches claimed before.</param>
/// <param name="Before">Where the page before ended; null begins with the newest.</param>
/// <param name="Limit">At most this many.</param>
public sealed record ImageFilter(
    string? Campaign = null, string? Signature = null, DateTimeOffset? From = null, DateTimeOffset? To = null, ImageCursor? Before = null,
    int Limit = 60);

/// <summary>A place in a list of images: all above it were looked at.</summary>
/// <param name="BatchId">The batch looked at last; without meaning in lists of a campaign.</param>
/// <param name="JobId">The job looked at last.</param>
public sealed record ImageCursor(long BatchId, long JobId)
{
    /// <summary>The place above every image.</summary>
    internal static ImageCursor Newest { get; } = new(long.MaxValue, long.MaxValue);
}

/// <summary>A page of images.</summary>
/// <param name="Images">The images, newest first.</param>
/// <param name="Next">From where to go on; null at the end of the list.</param>
public sealed record ImagePage(IReadOnlyList<ImageCard> Images, ImageCursor? Next);

/// <summary>The images beside one in a list.</summary>
/// <param name="Newer">Job of the image before it in the list, or null.</param>
/// <param name="Older">Job of the image after it in the list, or null.</param>
public sealed record ImageNeighbours(long? Newer, long? Older);

/// <summary>The file of an image.</summary>
public sealed class ImageLocation
{
    /// <summary>Path below the image folder.</summary>
    public string Path { get; init; } = "";

    /// <summary>SHA-256 of the file, in lower-case hexadecimal.</summary>
    public string Sha256 { get; init; } = "";

    /// <summary>Width in pixels.</summary>
    public int Width { get; init; }

    /// <summary>Height in pixels.</summary>
    public int Height { get; init; }

    /// <summary>When the image was saved.</summary>
    public DateTimeOffset CreatedAt { get; init; }
}

/// <summary>File of an image as the database names it.</summary>
/// <param name="Path">Its path below the image folder.</param>
/// <param name="SizeBytes">Its size in bytes.</param>
public sealed record ImageFile(string Path, long SizeBytes);
