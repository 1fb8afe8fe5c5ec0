namespace BatchGen.Chaos.Faults;

/// <summary>Draws the faults of a run from a seed: the same seed, length and kinds give the same faults.</summary>
internal static class FaultSchedule
{
    // No two faults begin closer together than this part of the mean time between them.
    private const double LeastGap = 0.3;

    /// <summary>Draws the faults.</summary>
    /// <param name="options">Seed, length, pace and workers of the run.</param>
    /// <param name="kinds">What may happen; the first faults are one of each kind, in a drawn order.</param>
    public static IReadOnlyList<Fault> Draw(ChaosOptions options, IReadOnlyList<FaultKind> kinds)
    {
#pragma warning disable CA5394 // A schedule must be the same again, not be hard to guess.
        var random = new Random(options.Seed);
        var first = kinds.ToArray();
        random.Shuffle(first);
        var faults = new List<Fault>();
        for (var at = options.FaultInterval; at < options.Time; at += Gap(options, random))
        {
            var kind = faults.Count < first.Length ? first[faults.Count] : Choose(kinds, random);
            var worker = kind.Target switch
            {
                FaultTarget.Everything => 0,
                FaultTarget.AnyWorker => random.Next(options.Workers),
                FaultTarget.MortalWorker => random.Next(options.Workers - 1),
                _ => throw new InvalidOperationException($"Unknown target {kind.Target}."),
            };
            var lasts = options.Lease * (kind.Least + (random.NextDouble() * (kind.Most - kind.Least)));
            faults.Add(new Fault(faults.Count + 1, at, kind, worker, lasts, random.Next(1 << 30)));
        }

        return faults;
    }

    private static FaultKind Choose(IReadOnlyList<FaultKind> kinds, Random random)
    {
        var drawn = random.Next(kinds.Sum(kind => kind.Weight));
        return kinds.First(kind => (drawn -= kind.Weight) < 0);
    }

    // Faults that nobody coordinates come at exponentially distributed intervals.
    private static TimeSpan Gap(ChaosOptions options, Random random) =>
        options.FaultInterval * (LeastGap - ((1 - LeastGap) * Math.Log(1 - random.NextDouble())));
#pragma warning restore CA5394
}
