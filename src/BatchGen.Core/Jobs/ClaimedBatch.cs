using BatchGen.Core.Adapters;

namespace BatchGen.Core.Jobs;

/// <summary>Jobs that share a signature, leased to one worker.</summary>
/// <param name="BatchId">The batch row that carries the lease.</param>
/// <param name="Epoch">Fencing token: every later write names it and is refused once the lease was taken back.</param>
/// <param name="WorkerId">The worker that holds the lease.</param>
/// <param name="Signature">Model and adapters of every job in the batch.</param>
/// <param name="LeaseExpiresAt">When the lease ends unless a heartbeat extends it.</param>
/// <param name="Jobs">The jobs, in claim order.</param>
public sealed record ClaimedBatch(
    long BatchId,
    long Epoch,
    Guid WorkerId,
    AdapterSignature Signature,
    DateTimeOffset LeaseExpiresAt,
    IReadOnlyList<ClaimedJob> Jobs)
{
    /// <summary>Claimed jobs whose recipe this program cannot read, and why: they are not in <see cref="Jobs"/>.</summary>
    public IReadOnlyList<FailedJob> Unreadable { get; init; } = [];
}

/// <summary>One job of a claimed batch.</summary>
/// <param name="JobId">Id of the job.</param>
/// <param name="Attempt">Which attempt this is, from 1.</param>
/// <param name="Recipe">What to render.</param>
public sealed record ClaimedJob(long JobId, int Attempt, RenderRecipe Recipe)
{
    /// <summary>
    /// Pixels of the start image (<see cref="RenderRecipe.StartImagePath"/>) in the size of the job: 8-bit RGB, rows from top,
    /// <c>height * width * 3</c> bytes. Filled in by the worker before it renders; null without a start image.
    /// </summary>
    public byte[]? StartPixels { get; init; }

    /// <summary>Lower-case hex SHA-256 of the start image's file; filled in with <see cref="StartPixels"/>.</summary>
    public string? StartSha256 { get; init; }
}
