using System.Diagnostics;
using BatchGen.Testing;

namespace BatchGen.FuzzTests.Guided;

/// <summary>Runs one target with inputs that are changed at random, and keeps those that take new branches.</summary>
/// <remarks>An input that fails is written to <c>out/fuzz/findings</c>; kept below <c>Findings</c> it becomes a test.</remarks>
internal sealed class Fuzzer(FuzzTarget target, int seed)
{
    private const long MaxAllocatedBytes = 512L << 20;
    private static readonly TimeSpan MaxElapsed = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan HangLimit = TimeSpan.FromSeconds(30);

    private readonly Random _random = new(seed);
    private readonly CoverageMap _map = new();
    private readonly List<byte[]> _corpus = [];
    private long _executions;
    private double _slowestMs;
    private long _mostBytes;

    /// <summary>Runs the target's own inputs, then changed ones until the time is over and no new path came for a while.</summary>
    /// <param name="duration">Shortest time to run.</param>
    /// <param name="quiet">For how long there was no new path at the end.</param>
    /// <exception cref="FuzzException">An input failed.</exception>
    public FuzzReport Run(TimeSpan duration, TimeSpan quiet)
    {
        var mutator = new Mutator(_random, target.Words, target.MaxBytes);
        foreach (var input in target.Seeds) Try(input);
        var clock = Stopwatch.StartNew();
        var lastPath = TimeSpan.Zero;
        using var watch = new HangWatch(target.Name, HangLimit);
        while (clock.Elapsed < duration || clock.Elapsed - lastPath < quiet)
        {
            // What was found last is most likely to lead on, and what is short runs quickest.
            var recent = _random.Next(2) == 0 ? Math.Max(0, _corpus.Count - 16) : 0;
            var first = _corpus[_random.Next(recent, _corpus.Count)];
            var second = _corpus[_random.Next(recent, _corpus.Count)];
            var input = mutator.Change(first.Length < second.Length ? first : second, _corpus[_random.Next(_corpus.Count)]);
            watch.Begin(input);
            if (Try(input)) lastPath = clock.Elapsed;
        }

        return new FuzzReport(
            target.Name, _executions, _corpus.Count, _map.PairCount, clock.Elapsed, clock.Elapsed - lastPath, _slowestMs, _mostBytes);
    }

    /// <summary>Runs one input; true if it took a new path.</summary>
    /// <exception cref="FuzzException">It failed, took too long, or took too much memory.</exception>
    public bool Try(byte[] input)
    {
        _executions++;
        var (elapsed, allocated) = Measure(input);
        // The machine may have been busy otherwise: what is slow has to be slow three times.
        for (var again = 0; again < 2 && elapsed > MaxElapsed; again++)
        {
            var (second, _) = Measure(input);
            if (second < elapsed) elapsed = second;
        }

        _slowestMs = Math.Max(_slowestMs, elapsed.TotalMilliseconds);
        _mostBytes = Math.Max(_mostBytes, allocated);
        if (elapsed > MaxElapsed) throw Finding(input, $"took {elapsed.TotalSeconds:0.0} s, three times", null);
        if (allocated > MaxAllocatedBytes) throw Finding(input, $"allocated {allocated >> 20} MiB", null);
        if (!_map.Add()) return false;
        _corpus.Add(input);
        return true;
    }

    private (TimeSpan Elapsed, long AllocatedBytes) Measure(byte[] input)
    {
        CoverageMap.Begin();
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        var started = Stopwatch.GetTimestamp();
        try
        {
            target.Run(input);
        }
        catch (Exception failure) when (!target.IsRefusal(failure))
        {
            throw Finding(input, $"ended with {failure.GetType().Name}: {failure.Message}", failure);
        }
        catch (Exception refusal) when (refusal.Message.Length > target.MaxMessage)
        {
            throw Finding(input, $"was refused with a message of {refusal.Message.Length} letters", refusal);
        }
        catch (Exception refusal) when (target.IsRefusal(refusal))
        {
            // Refused with a message: what the target is for.
        }

        return (Stopwatch.GetElapsedTime(started), GC.GetAllocatedBytesForCurrentThread() - allocated);
    }

    private FuzzException Finding(byte[] input, string problem, Exception? failure)
    {
        var folder = Path.Combine(RepositoryPaths.Root, "out", "fuzz", "findings");
        var file = FindingFile.Write(folder, target.Name, input);
        return new FuzzException($"{target.Name}: an input of {input.Length} bytes {problem}. It is kept in {file}.", failure);
    }
}

/// <summary>An input did what none may do.</summary>
internal sealed class FuzzException(string message, Exception? inner) : Exception(message, inner);
