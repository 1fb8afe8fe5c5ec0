namespace BatchGen.Worker.Faults;

/// <summary>How the last jobs of a worker ended: drawn, or failed for no reason of their own.</summary>
/// <remarks>Not thread safe.</remarks>
internal sealed class RecentOutcomes
{
    // Enough for a share, and few enough that what a machine did an hour ago does not hide what it does now.
    private const int Most = 40;

    private readonly Queue<Outcome> _outcomes = new();

    /// <summary>How many are known, 40 at most.</summary>
    public int Count => _outcomes.Count;

    /// <summary>How many of them failed.</summary>
    public int Failures => _outcomes.Count(outcome => outcome.Failed);

    /// <summary>Signatures of those that failed.</summary>
    public string[] FailedSignatures() => [.. Failed().Select(outcome => outcome.Signature).Distinct(StringComparer.Ordinal)];

    /// <summary>Batches of those that failed.</summary>
    public long[] FailedBatches() => [.. Failed().Select(outcome => outcome.BatchId).Distinct()];

    /// <summary>When the oldest of them ended, by the clock's timestamp; there must be one.</summary>
    public long Oldest => _outcomes.Peek().At;

    /// <summary>Adds jobs of a batch that ended alike.</summary>
    public void Add(Outcome outcome, int jobs)
    {
        for (var job = 0; job < Math.Min(jobs, Most); job++) _outcomes.Enqueue(outcome);
        while (_outcomes.Count > Most) _outcomes.Dequeue();
    }

    /// <summary>Forgets all of them.</summary>
    public void Clear() => _outcomes.Clear();

    private IEnumerable<Outcome> Failed() => _outcomes.Where(outcome => outcome.Failed);
}

/// <summary>How a job ended.</summary>
/// <param name="At">When, by the clock's timestamp.</param>
/// <param name="BatchId">Its batch.</param>
/// <param name="Signature">Its signature.</param>
/// <param name="Failed">Whether it failed; else it was drawn.</param>
internal readonly record struct Outcome(long At, long BatchId, string Signature, bool Failed);
