using BatchGen.Core.Jobs;
using BatchGen.Queue.Reports;

namespace BatchGen.Dashboard.Live;

/// <summary>Measures how many images are drawn per minute.</summary>
/// <remarks>Not safe for use by several threads at once; its owner lets one in at a time.</remarks>
internal sealed class RateMeter(TimeProvider clock)
{
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan ShortestWindow = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan RecentSlices = TimeSpan.FromMinutes(20);

    private readonly Queue<Sample> _samples = new();

    /// <summary>Forgets what was measured.</summary>
    public void Clear() => _samples.Clear();

    /// <summary>Images per minute from what this process has seen in two minutes; before it has seen enough,
    /// from the newest slices.</summary>
    /// <returns>Null while nothing is known.</returns>
    public double? Measure(JobCounts counts, IReadOnlyList<ThroughputSlice> throughput)
    {
        var time = clock.GetTimestamp();
        // Fewer images than before: jobs were requeued, and measuring starts anew.
        if (_samples.Count > 0 && _samples.Last().Succeeded > counts.Succeeded) _samples.Clear();
        _samples.Enqueue(new Sample(time, counts.Succeeded));
        while (_samples.Count > 2 && clock.GetElapsedTime(_samples.ElementAt(1).Time, time) >= Window) _samples.Dequeue();
        var first = _samples.Peek();
        var seen = clock.GetElapsedTime(first.Time, time);
        if (seen >= ShortestWindow) return (counts.Succeeded - first.Succeeded) / seen.TotalMinutes;
        var now = clock.GetUtcNow();
        var recent = throughput.Where(slice => slice.At > now - RecentSlices).ToArray();
        return recent.Length == 0 ? null : recent.Sum(slice => slice.Images) / Math.Max(1, (now - recent[0].At).TotalMinutes);
    }

    private readonly record struct Sample(long Time, long Succeeded);
}
