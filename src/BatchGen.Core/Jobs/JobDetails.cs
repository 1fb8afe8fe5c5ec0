namespace BatchGen.Core.Jobs;

/// <summary>A job with everything known about it.</summary>
public sealed record JobDetails
{
    /// <summary>The job.</summary>
    public required long JobId { get; init; }

    /// <summary>Where it stands.</summary>
    public required JobState State { get; init; }

    /// <summary>What it renders.</summary>
    public required RenderRecipe Recipe { get; init; }

    /// <summary>Higher first.</summary>
    public required int Priority { get; init; }

    /// <summary>Bulk request it belongs to, or null.</summary>
    public string? Campaign { get; init; }

    /// <summary>Attempts counted so far.</summary>
    public required int Attempts { get; init; }

    /// <summary>Attempts allowed.</summary>
    public required int MaxAttempts { get; init; }

    /// <summary>Code of the last failure (<see cref="Failures.FailureCodes"/>), or null.</summary>
    public string? FailureCode { get; init; }

    /// <summary>Message of the last failure, or null.</summary>
    public string? FailureMessage { get; init; }

    /// <summary>When it was submitted.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Not before this instant.</summary>
    public required DateTimeOffset RunAt { get; init; }

    /// <summary>When it ended, or null.</summary>
    public DateTimeOffset? FinishedAt { get; init; }

    /// <summary>Its picture, or null.</summary>
    public ImageDetails? Image { get; init; }
}

/// <summary>A saved picture as the queue records it.</summary>
/// <param name="RelativePath">Path below the image folder, with '/'.</param>
/// <param name="SizeBytes">Length of the file.</param>
/// <param name="Sha256">Lower-case hex SHA-256 of the file.</param>
/// <param name="WidthPixels">Width.</param>
/// <param name="HeightPixels">Height.</param>
/// <param name="VerifiedAt">When a checkpoint after its batch passed; null until then.</param>
/// <param name="CheckpointId">That checkpoint.</param>
public sealed record ImageDetails(
    string RelativePath, long SizeBytes, string Sha256, int WidthPixels, int HeightPixels, DateTimeOffset? VerifiedAt, long? CheckpointId);

/// <summary>Which jobs to list; null fields do not restrict.</summary>
/// <param name="State">Only this state.</param>
/// <param name="Campaign">Only this campaign.</param>
/// <param name="Signature">Only this canonical signature.</param>
/// <param name="BeforeJobId">Only ids below this one: the cursor for the next page.</param>
/// <param name="Limit">At most this many, newest first.</param>
public sealed record JobFilter(JobState? State = null, string? Campaign = null, string? Signature = null, long? BeforeJobId = null, int Limit = 50);

/// <summary>How many jobs stand where.</summary>
/// <param name="Queued">Waiting.</param>
/// <param name="Running">Leased.</param>
/// <param name="Succeeded">Picture saved.</param>
/// <param name="Failed">Ended without a picture.</param>
/// <param name="Cancelled">Taken back.</param>
/// <param name="Verified">Succeeded and verified by a checkpoint.</param>
public sealed record JobCounts(long Queued, long Running, long Succeeded, long Failed, long Cancelled, long Verified)
{
    /// <summary>Jobs that will still be worked on.</summary>
    public long Open => Queued + Running;

    /// <summary>All jobs.</summary>
    public long Total => Queued + Running + Succeeded + Failed + Cancelled;
}
