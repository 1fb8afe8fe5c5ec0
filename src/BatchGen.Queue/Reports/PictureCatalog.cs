using NpgsqlTypes;
using static BatchGen.Queue.QueueDatabase;

namespace BatchGen.Queue.Reports;

/// <summary>Finds saved pictures for people to look at.</summary>
public sealed class PictureCatalog(QueueDatabase database)
{
    // Looks without a picture before a page is given back empty: a page is to be quick.
    private const int MaxRounds = 5;

    /// <summary>The newest pictures.</summary>
    public async Task<IReadOnlyList<PictureCard>> ListRecentAsync(int limit, CancellationToken cancellationToken) =>
        await database.QueryAsync<PictureCard>("list_recent_images", new { limit }, cancellationToken);

    /// <summary>A page of pictures, newest first.</summary>
    /// <remarks>A call looks at so much at most; a page may be empty and yet not be the last one.</remarks>
    public async Task<PictureList> ListAsync(PictureFilter filter, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(filter);
        for (var round = 1; ; round++)
        {
            var page = await LookAsync(filter, cancellationToken);
            if (page.Pictures.Count > 0 || page.Next is not { } next || round == MaxRounds) return page;
            filter = filter with { Before = next };
        }
    }

    /// <summary>The pictures beside one in a list, in the order of that list.</summary>
    /// <param name="filter">The list; its place and limit do not count.</param>
    /// <param name="batchId">The batch that drew it.</param>
    /// <param name="jobId">Its job.</param>
    /// <param name="cancellationToken">Cancels the queries.</param>
    public async Task<PictureNeighbours> FindNeighboursAsync(PictureFilter filter, long batchId, long jobId, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(filter);
        var older = await ListAsync(filter with { Before = new(batchId, jobId), Limit = 1 }, cancellationToken);
        var (from, to) = (filter.From?.ToUniversalTime(), filter.To?.ToUniversalTime());
        var newer = filter.Campaign is null
            ? await database.QueryAsync<long>("find_newer_image", new { signature = filter.Signature, from, to, batch_id = batchId, job_id = jobId }, cancellationToken)
            : await database.QueryAsync<long>("find_newer_image_of_campaign", new { campaign = filter.Campaign, signature = filter.Signature, from, to, job_id = jobId }, cancellationToken);
        return new PictureNeighbours(newer is [var after, ..] ? after : null, older.Pictures is [var before, ..] ? before.JobId : null);
    }

    // A page that is full ends at its last picture; one that is not ends where the query says, or with the list.
    private async Task<PictureList> LookAsync(PictureFilter filter, CancellationToken cancellationToken)
    {
        var (signature, from, to) = (filter.Signature, filter.From?.ToUniversalTime(), filter.To?.ToUniversalTime());
        var before = filter.Before ?? PicturePlace.Newest;
        var rows = filter.Campaign is { } campaign
            ? await database.QueryAsync<PictureCard>("list_gallery_of_campaign", new { campaign, signature, from, to, before_job = before.JobId, limit = filter.Limit }, cancellationToken)
            : await database.QueryAsync<PictureCard>("list_gallery", new { signature, from, to, before_batch = before.BatchId, before_job = before.JobId, limit = filter.Limit }, cancellationToken);
        return rows is [.. var pictures, { IsPlace: true } place] ? new(pictures, new(place.BatchId, place.JobId))
            : new(rows, rows.Count == filter.Limit ? new(rows[^1].BatchId, rows[^1].JobId) : null);
    }

    /// <summary>Where a picture lies, or null.</summary>
    public async Task<PictureLocation?> FindAsync(long jobId, CancellationToken cancellationToken) =>
        (await database.QueryAsync<PictureLocation>("find_image", new { job_id = jobId }, cancellationToken)).SingleOrDefault();

    /// <summary>The picture of a canary as its worker stored it, or null.</summary>
    public async Task<byte[]?> FindCanaryAsync(long canaryId, CancellationToken cancellationToken) =>
        (await database.QueryAsync<byte[]>("find_canary_image", new { id = canaryId }, cancellationToken)).SingleOrDefault();

    /// <summary>A finished job of each signature that starts with one of the prefixes.</summary>
    public async Task<IReadOnlyDictionary<string, long>> FindSamplesAsync(IReadOnlyList<string> prefixes, CancellationToken cancellationToken)
    {
        var samples = new Dictionary<string, long>(StringComparer.Ordinal);
        await database.CommandAsync("list_samples", [Parameter("prefixes", NpgsqlDbType.Array | NpgsqlDbType.Text, prefixes.ToArray())], async reader =>
        {
            while (await reader.ReadAsync(cancellationToken)) samples[reader.GetString(0)] = reader.GetInt64(1);
            return samples;
        }, cancellationToken);
        return samples;
    }
}

/// <summary>A picture in a list.</summary>
public sealed class PictureCard
{
    /// <summary>The batch that drew it.</summary>
    public long BatchId { get; init; }

    /// <summary>The job.</summary>
    public long JobId { get; init; }

    /// <summary>Canonical signature.</summary>
    public string Signature { get; init; } = "";

    /// <summary>Prompt.</summary>
    public string Prompt { get; init; } = "";

    /// <summary>Pixels.</summary>
    public int Width { get; init; }

    /// <summary>Pixels.</summary>
    public int Height { get; init; }

    /// <summary>When it was saved.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>True once a checkpoint after its batch has passed.</summary>
    public bool Verified { get; init; }

    /// <summary>No picture at all, but the place from which a query would look on.</summary>
    internal bool IsPlace { get; init; }
}

/// <summary>Which pictures to list.</summary>
/// <param name="Campaign">Only this campaign.</param>
/// <param name="Signature">Only this signature.</param>
/// <param name="From">Only from batches claimed at or after.</param>
/// <param name="To">Only from batches claimed before.</param>
/// <param name="Before">Where the page before ended; null begins with the newest.</param>
/// <param name="Limit">At most this many.</param>
public sealed record PictureFilter(
    string? Campaign = null, string? Signature = null, DateTimeOffset? From = null, DateTimeOffset? To = null, PicturePlace? Before = null, int Limit = 60);

/// <summary>A place in a list of pictures: all above it were looked at.</summary>
/// <param name="BatchId">The batch looked at last; of no meaning in lists of a campaign.</param>
/// <param name="JobId">The job looked at last.</param>
public sealed record PicturePlace(long BatchId, long JobId)
{
    /// <summary>Above every picture.</summary>
    internal static PicturePlace Newest { get; } = new(long.MaxValue, long.MaxValue);
}

/// <summary>A page of pictures.</summary>
/// <param name="Pictures">The pictures, newest first.</param>
/// <param name="Next">From where to go on; null at the end of the list.</param>
public sealed record PictureList(IReadOnlyList<PictureCard> Pictures, PicturePlace? Next);

/// <summary>The pictures beside one.</summary>
/// <param name="Newer">The job of the picture before it in the list, or null.</param>
/// <param name="Older">The job of the picture after it in the list, or null.</param>
public sealed record PictureNeighbours(long? Newer, long? Older);

/// <summary>Where a picture lies.</summary>
public sealed class PictureLocation
{
    /// <summary>Path below the image folder.</summary>
    public string Path { get; init; } = "";

    /// <summary>SHA-256 of the file.</summary>
    public string Sha256 { get; init; } = "";

    /// <summary>Pixels.</summary>
    public int Width { get; init; }

    /// <summary>Pixels.</summary>
    public int Height { get; init; }

    /// <summary>When it was saved.</summary>
    public DateTimeOffset CreatedAt { get; init; }
}
