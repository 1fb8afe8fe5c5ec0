using BatchGen.Core.Rendering;
using NpgsqlTypes;
using static BatchGen.Queue.QueueDatabase;

namespace BatchGen.Queue.Canaries;

/// <summary>Records canary renders, and finds the image they are compared with.</summary>
public sealed class CanaryLog(QueueDatabase database)
{
    /// <summary>The first canary of this kind, with which later ones are compared, or null.</summary>
    public async Task<FirstCanary?> FindFirstAsync(CanaryKind kind, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(kind);
        var rows = await database.QueryAsync<FirstRow>(
            "find_canary",
            new { model_sha256 = kind.ModelSha256, device = kind.Device, compute_type = kind.ComputeType, recipe = kind.Recipe },
            cancellationToken);
        return rows is [var row] ? new FirstCanary(row.WorkerId, row.Digest, row.Image) : null;
    }

    /// <summary>Records a canary.</summary>
    /// <returns>Id of the canary.</returns>
    public async Task<long> RecordAsync(CanaryResult canary, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(canary);
        return (await database.ListAsync<long>("insert_canary",
        [
            Parameter("worker_id", NpgsqlDbType.Uuid, canary.WorkerId),
            Parameter("batch_id", NpgsqlDbType.Bigint, canary.BatchId),
            Parameter("model", NpgsqlDbType.Text, canary.Kind.Model),
            Parameter("model_sha256", NpgsqlDbType.Text, canary.Kind.ModelSha256),
            Parameter("device", NpgsqlDbType.Text, canary.Kind.Device),
            Parameter("compute_type", NpgsqlDbType.Text, canary.Kind.ComputeType),
            Parameter("recipe", NpgsqlDbType.Text, canary.Kind.Recipe),
            Parameter("verdict", NpgsqlDbType.Text, canary.Verdict.ToCode()),
            Parameter("digest", NpgsqlDbType.Text, canary.Digest),
            Parameter("psnr", NpgsqlDbType.Double, canary.Psnr),
            Parameter("ssim", NpgsqlDbType.Double, canary.Ssim),
            Parameter("elapsed_ms", NpgsqlDbType.Double, canary.ElapsedMs),
            Parameter("image", NpgsqlDbType.Bytea, canary.Image),
        ], cancellationToken)).Single();
    }

    /// <summary>The newest canaries.</summary>
    /// <param name="limit">At most this many.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    public Task<IReadOnlyList<RecordedCanary>> ListAsync(int limit, CancellationToken cancellationToken) =>
        ListAsync(limit, since: null, cancellationToken);

    /// <summary>The newest canaries from an instant on.</summary>
    /// <param name="limit">At most this many.</param>
    /// <param name="since">From then on; null does not restrict.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    public async Task<IReadOnlyList<RecordedCanary>> ListAsync(int limit, DateTimeOffset? since, CancellationToken cancellationToken) =>
        Read(await database.QueryAsync<CanaryRow>("list_canaries", new { since = since?.ToUniversalTime(), limit }, cancellationToken));

    /// <summary>Canaries of the models of a campaign, from the last one before an instant to another, newest first.</summary>
    /// <param name="campaignId">The campaign.</param>
    /// <param name="since">When its first batch was claimed.</param>
    /// <param name="until">When a checkpoint followed its last batch; null does not restrict.</param>
    /// <param name="limit">At most this many.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    public async Task<IReadOnlyList<RecordedCanary>> ListOfCampaignAsync(
        int campaignId, DateTimeOffset since, DateTimeOffset? until, int limit, CancellationToken cancellationToken) =>
            Read(await database.QueryAsync<CanaryRow>(
                "list_canaries_of_campaign",
                new { campaign_id = campaignId, since = since.ToUniversalTime(), until = until?.ToUniversalTime(), limit },
                cancellationToken));

    private static List<RecordedCanary> Read(List<CanaryRow> rows) => rows.ConvertAll(row => new RecordedCanary(
        row.CanaryId, row.WorkerId, row.BatchId, row.Model, row.Device, row.ComputeType, row.Verdict, row.Digest, row.Psnr, row.Ssim,
        row.ElapsedMs, row.CreatedAt, row.FirstId));

    private sealed class FirstRow
    {
        public Guid WorkerId { get; set; }

        public string Digest { get; set; } = "";

        public byte[] Image { get; set; } = [];
    }

    private sealed class CanaryRow
    {
        public long CanaryId { get; set; }

        public Guid WorkerId { get; set; }

        public long? BatchId { get; set; }

        public string Model { get; set; } = "";

        public string Device { get; set; } = "";

        public string ComputeType { get; set; } = "";

        public string Verdict { get; set; } = "";

        public string Digest { get; set; } = "";

        public double? Psnr { get; set; }

        public double? Ssim { get; set; }

        public double ElapsedMs { get; set; }

        public DateTimeOffset CreatedAt { get; set; }

        public long? FirstId { get; set; }
    }
}

/// <summary>What canaries must agree on to be compared.</summary>
/// <param name="Model">Registered name of the model.</param>
/// <param name="ModelSha256">SHA-256 of the model's content.</param>
/// <param name="Device">Description of the device.</param>
/// <param name="ComputeType">Number type of the arithmetic, such as <c>float32</c>.</param>
/// <param name="Recipe">What is drawn, as one line of text.</param>
public sealed record CanaryKind(string Model, string ModelSha256, string Device, string ComputeType, string Recipe);

/// <summary>The canary that later ones are compared with.</summary>
/// <param name="WorkerId">The worker that drew it.</param>
/// <param name="Digest">SHA-256 of the pixels.</param>
/// <param name="Image">The image as a PNG file.</param>
public sealed record FirstCanary(Guid WorkerId, string Digest, byte[] Image);

/// <summary>A canary just drawn.</summary>
/// <param name="WorkerId">The worker that drew it.</param>
/// <param name="BatchId">The batch after which it was drawn; null at start and end of the worker.</param>
/// <param name="Kind">Which canaries it may be compared with.</param>
/// <param name="Verdict">How it compares with the first of its kind.</param>
/// <param name="Digest">SHA-256 of the pixels.</param>
/// <param name="Psnr">Peak signal-to-noise ratio against the first one in dB; null when equal or first.</param>
/// <param name="Ssim">Structural similarity to the first one, up to 1; null when equal or first.</param>
/// <param name="ElapsedMs">Milliseconds that drawing took.</param>
/// <param name="Image">The image as a PNG file.</param>
public sealed record CanaryResult(
    Guid WorkerId, long? BatchId, CanaryKind Kind, CanaryVerdict Verdict, string Digest, double? Psnr, double? Ssim, double ElapsedMs,
    byte[] Image);

/// <summary>A canary as the database holds it; <c>FirstId</c> is the canary it is compared with, its own id when it is the first.</summary>
public sealed record RecordedCanary(
    long CanaryId, Guid WorkerId, long? BatchId, string Model, string Device, string ComputeType, string Verdict, string Digest,
    double? Psnr, double? Ssim, double ElapsedMs, DateTimeOffset CreatedAt, long? FirstId);
