namespace BatchGen.Queue.Benchmarking;

/// <summary>One result of a benchmark.</summary>
/// <param name="What">What was measured.</param>
/// <param name="Count">How many jobs or samples were measured.</param>
/// <param name="PerSecond">Jobs per second, or null.</param>
/// <param name="ServerMsPerJob">Processor milliseconds of the server per job, or null where they cannot be seen.</param>
/// <param name="Times">Distribution of single times, or null.</param>
public sealed record BenchmarkLine(string What, long Count, double? PerSecond, double? ServerMsPerJob, BenchmarkTimes? Times)
{
    internal static BenchmarkLine OfTimes(string what, IReadOnlyCollection<double> times)
    {
        var sorted = times.Order().ToArray();
        return new(
            what, sorted.Length, null, null, sorted.Length == 0 ? null : new BenchmarkTimes(At(0.5), At(0.95), At(0.99), sorted[^1]));

        double At(double share) => sorted[Math.Min(sorted.Length - 1, (int)(share * sorted.Length))];
    }
}

/// <summary>Quantiles of the times of single calls, in milliseconds.</summary>
public sealed record BenchmarkTimes(double P50Ms, double P95Ms, double P99Ms, double MaxMs);
