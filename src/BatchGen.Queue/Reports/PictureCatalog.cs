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
            return await database.QueryAsync<PictureCard>("list_gallery_of_campaign", new { campaign = filter.Campaign, before_job = filter.BeforeJob, limit = filter.Limit }, cancellationToken);
        return await database.QueryAsync<PictureCard>("list_gallery", new
        {
            signature = filter.Signature, from = filter.From?.ToUniversalTime(), to = filter.To?.ToUniversalTime(), before_batch = filter.BeforeBatch, before_job = filter.BeforeJob, limit = filter.Limit,
        }, cancellationToken);
    }

    /// <summary>The pictures beside one, by job id.</summary>
    public async Task<PictureNeighbours> FindNeighboursAsync(long jobId, CancellationToken cancellationToken) =>
        (await database.QueryAsync<PictureNeighbours>("find_neighbours", new { job_id = jobId }, cancellationToken)).Single();

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
public sealed class PictureNeighbours
{
    /// <summary>The next job with a picture, or null.</summary>
    public long? Newer { get; init; }

    /// <summary>The job before with a picture, or null.</summary>
    public long? Older { get; init; }
}

/// <summary>Where a picture lies.</summary>
public sealed class PictureLocation
{
    /// <summary>Path below the image folder.</summary>
    public string Path { get; init; } = "";

    /// <summary>SHA-256 of the file.</summary>
    public string Sha256 { get; init; } = "";

    /// <summary>When it was saved.</summary>
    public DateTimeOffset CreatedAt { get; init; }
}
