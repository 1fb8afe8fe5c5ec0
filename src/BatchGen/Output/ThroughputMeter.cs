namespace BatchGen.Output;

/// <summary>Images per minute over the last minute, and the time left at that rate.</summary>
internal sealed class ThroughputMeter(TimeProvider clock)
{
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    // A longer time left is a rate too small to mean anything, and might not fit into a time span.
    private static readonly TimeSpan LongestTimeLeft = TimeSpan.FromDays(3650);

    private readonly Queue<(long Time, long Ended)> _samples = new();

    /// <summary>Adds a sample: how many jobs have ended by now.</summary>
    public void Sample(long ended)
    {
        var now = clock.GetTimestamp();
        // Jobs that were retried have not ended any more, and the count falls; measuring starts anew then.
        if (_samples.Count > 0 && _samples.Last().Ended > ended) _samples.Clear();
        _samples.Enqueue((now, ended));
        // One sample from before the window stays: it is where the window starts.
        while (_samples.Count > 2 && clock.GetElapsedTime(_samples.ElementAt(1).Time, now) >= Window) _samples.Dequeue();
    }

    /// <summary>Images per minute; null until two samples differ in time.</summary>
    public double? PerMinute
    {
        get
        {
            if (_samples.Count < 2) return null;
            var (first, last) = (_samples.Peek(), _samples.Last());
            var elapsed = clock.GetElapsedTime(first.Time, last.Time);
            return elapsed > TimeSpan.FromSeconds(1) ? (last.Ended - first.Ended) / elapsed.TotalMinutes : null;
        }
    }

    /// <summary>Time until so many jobs have ended; null while nothing moves.</summary>
    public TimeSpan? TimeLeft(long open) =>
        PerMinute is > 0 and var rate && open / rate < LongestTimeLeft.TotalMinutes ? TimeSpan.FromMinutes(open / rate) : null;
}
