namespace BatchGen.Queue.Reports;

/// <summary>Reads what ended since an instant, in all campaigns together.</summary>
public sealed class NightHistory(QueueDatabase database)
{
    /// <summary>Counts the images drawn since an instant.</summary>
    public async Task<NightCount> CountAsync(DateTimeOffset since, CancellationToken cancellationToken) =>
        (await database.QueryAsync<NightCount>("count_night", new { since = since.ToUniversalTime() }, cancellationToken)).Single();

    /// <summary>Why jobs ended without an image since an instant and were not queued again, most frequent reason first.</summary>
    public async Task<IReadOnlyList<EndingReason>> ListEndingsAsync(DateTimeOffset since, CancellationToken cancellationToken) =>
        await database.QueryAsync<EndingReason>("list_endings", new { since = since.ToUniversalTime() }, cancellationToken);
}

/// <summary>How many images were drawn in a night.</summary>
public sealed class NightCount
{
    /// <summary>How many images were saved.</summary>
    public long Images { get; init; }

    /// <summary>Images that a checkpoint verified.</summary>
    public long Verified { get; init; }

    /// <summary>When the first of the batches was claimed, or when the night began if that was later; null
    /// when nothing was drawn.</summary>
    public DateTimeOffset? FirstAt { get; init; }

    /// <summary>When the last of the batches ended; now while one is open.</summary>
    public DateTimeOffset? LastAt { get; init; }

    /// <summary>Batches that drew the images.</summary>
    public long Batches { get; init; }

    /// <summary>Signatures of the images.</summary>
    public long Signatures { get; init; }

    /// <summary>The counts as a span.</summary>
    public DrawingSpan Span => new() { Images = Images, FirstAt = FirstAt, LastAt = LastAt, Batches = Batches, Signatures = Signatures };
}

/// <summary>A reason for which jobs ended without an image.</summary>
public sealed class EndingReason
{
    /// <summary>State of the jobs: <c>failed</c> or <c>cancelled</c>.</summary>
    public string State { get; init; } = "failed";

    /// <summary>Stable code of the reason.</summary>
    public string Reason { get; init; } = "";

    /// <summary>How many jobs ended for this reason.</summary>
    public long Jobs { get; init; }

    /// <summary>Id of one of the jobs.</summary>
    public long ExampleJob { get; init; }

    /// <summary>Message of that job.</summary>
    public string Example { get; init; } = "";
}

/// <summary>When and how the images of a campaign or a night were drawn.</summary>
public sealed class DrawingSpan
{
    /// <summary>How many images were looked at.</summary>
    public long Images { get; init; }

    /// <summary>When the first batch was claimed; null when no image was drawn.</summary>
    public DateTimeOffset? FirstAt { get; init; }

    /// <summary>When the last batch ended; now while one is open.</summary>
    public DateTimeOffset? LastAt { get; init; }

    /// <summary>When the last batch had ended and a checkpoint after it had passed; null until then.</summary>
    public DateTimeOffset? CheckedAt { get; init; }

    /// <summary>Batches that drew images, counting also images not looked at.</summary>
    public long Batches { get; init; }

    /// <summary>Signatures of the images looked at.</summary>
    public long Signatures { get; init; }

    /// <summary>Bytes on disk of the images looked at; null when their size was not read.</summary>
    public long? SizeBytes { get; init; }
}
