using System.Diagnostics;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Benchmarking;

/// <summary>Times, rates and memory, as the benchmarks take them.</summary>
internal static class Measure
{
    /// <summary>Processors, threads and runtime that measurements were taken with.</summary>
    public static string Host() =>
        $"{Environment.ProcessorCount} processors, {get_num_threads()} torch threads, .NET {Environment.Version}";

    /// <summary>Seconds of the fastest of several runs: the one least disturbed by other programs.</summary>
    public static double Best(int repeats, Action action, Action? between = null)
    {
        var best = double.MaxValue;
        for (var i = 0; i < repeats; i++)
        {
            between?.Invoke();
            var started = Stopwatch.GetTimestamp();
            action();
            best = Math.Min(best, Stopwatch.GetElapsedTime(started).TotalSeconds);
        }

        return best;
    }

    /// <summary>Operations per second of a large matrix product in a type, all of torch's threads: what no layer exceeds by much.</summary>
    public static double MatrixRate(ScalarType type)
    {
        const long Side = 2048;
        using var scope = NewDisposeScope();
        var left = randn([Side, Side], generator: new Generator(1)).to(type);
        var right = randn([Side, Side], generator: new Generator(2)).to(type);
        return 2.0 * Side * Side * Side / Best(5, () =>
        {
            using var product = left.matmul(right);
        });
    }

    /// <summary>Bytes read per second while a buffer larger than any cache is copied.</summary>
    public static double Bandwidth() => BandwidthOf(256L << 20);

    /// <summary>Seconds to copy so many bytes from one buffer to another, both touched before.</summary>
    public static double CopySeconds(long bytes) => bytes / BandwidthOf(bytes);

    /// <summary>Largest resident memory of this process so far, in bytes.</summary>
    public static long PeakMemory()
    {
        using var process = Process.GetCurrentProcess();
        return process.PeakWorkingSet64;
    }

    private static double BandwidthOf(long bytes)
    {
        using var scope = NewDisposeScope();
        // Not zeros: memory that was never written reads as one shared page, which costs nothing to read.
        var (from, to) = (ones(bytes / 4, ScalarType.Float32), ones(bytes / 4, ScalarType.Float32));
        return bytes / Best(15, () => to.copy_(from));
    }
}
