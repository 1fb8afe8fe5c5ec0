namespace BatchGen.Core.Jobs;

/// <summary>A job with everything that the queue records about it.</summary>
public sealed record JobDetails
{
    /// <summary>Id of the job.</summary>
    public required long JobId { get; init; }

    /// <summary>State of the job.</summary>
    public required JobState State { get; init; }

    /// <summary>What the job renders.</summary>
    public required RenderRecipe Recipe { get; init; }

    /// <summary>Priority; higher ones are dispatched first.</summary>
    public required int Priority { get; init; }

    /// <summary>Campaign (bulk request) that the job belongs to, or null.</summary>
    public string? Campaign { get; init; }

    /// <summary>Attempts counted so far.</summary>
    public required int Attempts { get; init; }

    /// <summary>Attempts allowed before the job fails for good.</summary>
    public required int MaxAttempts { get; init; }

    /// <summary>Code of the last failure (<see cref="Failures.FailureCodes"/>), or null.</summary>
    public string? FailureCode { get; init; }

    /// <summary>Message of the last failure, or null.</summary>
    public string? FailureMessage { get; init; }

    /// <summary>When the job was submitted.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Earliest start; the job is not claimed before this instant.</summary>
    public required DateTimeOffset RunAt { get; init; }

    /// <summary>When the job ended, or null.</summary>
    public DateTimeOffset? FinishedAt { get; init; }

    /// <summary>The saved image, or null while there is none.</summary>
    public ImageDetails? Image { get; init; }
}

/// <summary>A saved image as the queue records it.</summary>
/// <param name="RelativePath">Path below the image folder, its parts separated by '/'.</param>
/// <param name="SizeBytes">Length of the file.</param>
/// <param name="Sha256">Lower-case hex SHA-256 of the file.</param>
/// <param name="WidthPixels">Width in pixels.</param>
/// <param name="HeightPixels">Height in pixels.</param>
/// <param name="VerifiedAt">When the checkpoint after its batch passed; null until then.</param>
/// <param name="CheckpointId">Id of that checkpoint.</param>
public sealed record ImageDetails(
    string RelativePath, long SizeBytes, string Sha256, int WidthPixels, int HeightPixels, DateTimeOffset? VerifiedAt, long? CheckpointId);

/// <summary>Which jobs to list; null fields do not restrict.</summary>
/// <param name="State">Only this state.</param>
/// <param name="Campaign">Only this campaign.</param>
/// <param name="Signature">Only this canonical signature.</param>
/// <param name="BeforeJobId">Only ids below this one: the cursor for the next page.</param>
/// <param name="Limit">At most this many, newest first.</param>
public sealed record JobFilter(
    JobState? State = null, string? Campaign = null, string? Signature = null, long? BeforeJobId = null, int Limit = 50);

/// <summary>How many jobs are in each state.</summary>
/// <param name="Queued">Waiting jobs.</param>
/// <param name="Running">Jobs leased to a worker.</param>
/// <param name="Succeeded">Jobs whose image is saved.</param>
/// <param name="Failed">Jobs that ended without an image.</param>
/// <param name="Cancelled">Jobs that were cancelled.</param>
/// <param name="Verified">Jobs that succeeded and whose image a checkpoint verified.</param>
public sealed record JobCounts(long Queued, long Running, long Succeeded, long Failed, long Cancelled, long Verified)
{
    /// <summary>Jobs that have not ended: queued and running ones.</summary>
    public long Open => Queued + Running;

    /// <summary>Jobs in any state.</summary>
    public long Total => Queued + Running + Succeeded + Failed + Cancelled;
}
