using NpgsqlTypes;
using static BatchGen.Queue.QueueDatabase;

namespace BatchGen.Queue.Reports;

/// <summary>Finds saved pictures for people to look at.</summary>
public sealed class PictureCatalog(QueueDatabase database)
{
    /// <summary>The newest pictures.</summary>
    public async Task<IReadOnlyList<PictureCard>> ListRecentAsync(int limit, CancellationToken cancellationToken) =>
        await database.QueryAsync<PictureCard>("list_recent_images", new { limit }, cancellationToken);

    /// <summary>A page of pictures, newest first.</summary>
    public async Task<IReadOnlyList<PictureCard>> ListAsync(PictureFilter filter, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(filter);
        if (filter.Campaign is not null)
        {
            return await database.QueryAsync<PictureCard>("list_gallery_of_campaign", new
            {
                campaign = filter.Campaign, signature = filter.Signature, from = filter.From?.ToUniversalTime(), to = filter.To?.ToUniversalTime(), before_job = filter.BeforeJob, limit = filter.Limit,
            }, cancellationToken);
        }

        return await database.QueryAsync<PictureCard>("list_gallery", new
        {
            signature = filter.Signature, from = filter.From?.ToUniversalTime(), to = filter.To?.ToUniversalTime(), before_batch = filter.BeforeBatch, before_job = filter.BeforeJob, limit = filter.Limit,
        }, cancellationToken);
    }

    /// <summary>The pictures beside one in a list, in the order of that list.</summary>
    /// <param name="filter">The list; its place and limit do not count.</param>
    /// <param name="batchId">The batch that drew it.</param>
    /// <param name="jobId">Its job.</param>
    /// <param name="cancellationToken">Cancels the queries.</param>
    public async Task<PictureNeighbours> FindNeighboursAsync(PictureFilter filter, long batchId, long jobId, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(filter);
        var older = await ListAsync(filter with { BeforeBatch = batchId, BeforeJob = jobId, Limit = 1 }, cancellationToken);
        var (from, to) = (filter.From?.ToUniversalTime(), filter.To?.ToUniversalTime());
        var newer = filter.Campaign is null
            ? await database.QueryAsync<long>("find_newer_picture", new { signature = filter.Signature, from, to, batch_id = batchId, job_id = jobId }, cancellationToken)
            : await database.QueryAsync<long>("find_newer_picture_of_campaign", new { campaign = filter.Campaign, signature = filter.Signature, from, to, job_id = jobId }, cancellationToken);
        return new PictureNeighbours(newer is [var after, ..] ? after : null, older is [var before, ..] ? before.JobId : null);
    }

    /// <summary>Where a picture lies, or null.</summary>
    public async Task<PictureLocation?> FindAsync(long jobId, CancellationToken cancellationToken) =>
        (await database.QueryAsync<PictureLocation>("find_image", new { job_id = jobId }, cancellationToken)).SingleOrDefault();

    /// <summary>The picture of a canary as its worker stored it, or null.</summary>
    public async Task<byte[]?> FindCanaryAsync(long canaryId, CancellationToken cancellationToken) =>
        (await database.QueryAsync<byte[]>("find_canary_picture", new { id = canaryId }, cancellationToken)).SingleOrDefault();

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
}

/// <summary>Which pictures to list.</summary>
/// <param name="Campaign">Only this campaign.</param>
/// <param name="Signature">Only this signature.</param>
/// <param name="From">Only from batches claimed at or after.</param>
/// <param name="To">Only from batches claimed before.</param>
/// <param name="BeforeBatch">Where the page before ended: its last batch.</param>
/// <param name="BeforeJob">Where the page before ended: its last job.</param>
/// <param name="Limit">At most this many.</param>
public sealed record PictureFilter(
    string? Campaign = null, string? Signature = null, DateTimeOffset? From = null, DateTimeOffset? To = null, long BeforeBatch = long.MaxValue, long BeforeJob = long.MaxValue, int Limit = 60);

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
