namespace BatchGen.Queue.Reports;

/// <summary>What ended since an instant, whatever its campaign.</summary>
public sealed class NightHistory(QueueDatabase database)
{
    /// <summary>Pictures drawn since then.</summary>
    public async Task<NightCount> CountAsync(DateTimeOffset since, CancellationToken cancellationToken) =>
        (await database.QueryAsync<NightCount>("count_night", new { since = since.ToUniversalTime() }, cancellationToken)).Single();

    /// <summary>Jobs that ended without a picture since then and still stand so, most frequent reason first.</summary>
    public async Task<IReadOnlyList<EndingReason>> ListEndingsAsync(DateTimeOffset since, CancellationToken cancellationToken) =>
        await database.QueryAsync<EndingReason>("list_endings", new { since = since.ToUniversalTime() }, cancellationToken);
}

/// <summary>Pictures of a night.</summary>
public sealed class NightCount
{
    /// <summary>Pictures saved.</summary>
    public long Images { get; init; }

    /// <summary>Those that a checkpoint vouches for.</summary>
    public long Verified { get; init; }

    /// <summary>When the first of their batches was claimed, but not before the night.</summary>
    public DateTimeOffset? FirstAt { get; init; }

    /// <summary>When the last of them ended; now while one is open.</summary>
    public DateTimeOffset? LastAt { get; init; }

    /// <summary>Batches that drew them.</summary>
    public long Batches { get; init; }

    /// <summary>Signatures they have.</summary>
    public long Signatures { get; init; }

    /// <summary>The same as a span.</summary>
    public DrawingSpan Span => new() { Images = Images, FirstAt = FirstAt, LastAt = LastAt, Batches = Batches, Signatures = Signatures };
}

/// <summary>Why jobs ended without a picture.</summary>
public sealed class EndingReason
{
    /// <summary>failed or cancelled.</summary>
    public string State { get; init; } = "failed";

    /// <summary>Stable code.</summary>
    public string Reason { get; init; } = "";

    /// <summary>How many ended so.</summary>
    public long Jobs { get; init; }

    /// <summary>One of them.</summary>
    public long ExampleJob { get; init; }

    /// <summary>Its message.</summary>
    public string Example { get; init; } = "";
}

/// <summary>When and how pictures of a campaign or a night were drawn.</summary>
public sealed class DrawingSpan
{
    /// <summary>Pictures looked at.</summary>
    public long Images { get; init; }

    /// <summary>When the first batch was claimed; null when none was drawn.</summary>
    public DateTimeOffset? FirstAt { get; init; }

    /// <summary>When the last batch ended; now while one is open.</summary>
    public DateTimeOffset? LastAt { get; init; }

    /// <summary>When the last batch had ended and its checkpoint passed; null while that is to come.</summary>
    public DateTimeOffset? CheckedAt { get; init; }

    /// <summary>Batches that drew pictures, those not looked at too.</summary>
    public long Batches { get; init; }

    /// <summary>Signatures of the pictures looked at.</summary>
    public long Signatures { get; init; }

    /// <summary>Bytes on disk of the pictures looked at; null when nobody looked.</summary>
    public long? SizeBytes { get; init; }
}
