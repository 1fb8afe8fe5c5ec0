using System.Globalization;
using BatchGen.Chaos.Processes;

namespace BatchGen.Chaos.Audits;

/// <summary>Watches what the worker holds whose process lives through the whole run.</summary>
internal sealed class UsageWatch(WorkerSlot worker, TimeProvider clock)
{
    // Pools and caches fill up at first; what grows without end outgrows these by far.
    private const int MoreHandles = 40, MoreThreads = 25;
    private const double MoreMemory = 1.35;
    // Five minutes: before that caches still fill, as the run of a minute shows.
    private const int LeastSamples = 300;
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly List<ProcessUsage> _samples = [];
    private int? _process;
    private bool _wasReplaced;

    /// <summary>Samples until it is told that it is over.</summary>
    public async Task RunAsync(CancellationToken over)
    {
        while (!over.IsCancellationRequested)
        {
            if (worker.ProcessId is { } process)
            {
                if (_process is { } before && before != process)
                {
                    // One that found no database at its start did nothing yet, and its successor is the one that lives.
                    _samples.Clear();
                    _wasReplaced |= worker.Exits.Any(exit => exit.ExitCode != WorkerSlot.NoDatabase);
                }

                _process = process;
                if (ProcessUsage.Read(process) is { } usage) _samples.Add(usage);
            }

            await Task.Delay(Interval, clock, over).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Judges what was sampled.</summary>
    public AuditLine Judge() => _wasReplaced
        ? new AuditLine($"The process of {worker.Name} lives through the whole run", _samples.Count, ["it was started again"])
        : Judge(worker.Name, _samples);

    /// <summary>Compares the second quarter of a run with the last.</summary>
    /// <param name="name">Name of the worker.</param>
    /// <param name="samples">What its process held, from start to end.</param>
    internal static AuditLine Judge(string name, IReadOnlyList<ProcessUsage> samples)
    {
        var quarter = samples.Count / 4;
        if (samples.Count < LeastSamples)
            return new AuditLine($"Memory, threads and handles of {name} stay flat (too few samples of one process)", samples.Count, []);
        var before = Typical(samples.Skip(quarter).Take(quarter));
        var after = Typical(samples.TakeLast(quarter));
        var grown = after.Handles > before.Handles + MoreHandles || after.Threads > before.Threads + MoreThreads
            || after.MemoryBytes > before.MemoryBytes * MoreMemory;
        var what = $"Memory, threads and handles of {name} stay flat: {Text(before)}, then {Text(after)}";
        return new AuditLine(what, samples.Count, grown ? [$"{Text(before)} in the second quarter, {Text(after)} in the last"] : []);
    }

    private static ProcessUsage Typical(IEnumerable<ProcessUsage> several)
    {
        var samples = several.ToArray();
        return new ProcessUsage(
            Median(samples.Select(sample => sample.MemoryBytes)), (int)Median(samples.Select(sample => (long)sample.Threads)),
            (int)Median(samples.Select(sample => (long)sample.Handles)));
    }

    private static long Median(IEnumerable<long> values)
    {
        var sorted = values.Order().ToArray();
        return sorted[sorted.Length / 2];
    }

    private static string Text(ProcessUsage usage) => string.Create(
        CultureInfo.InvariantCulture, $"{usage.MemoryBytes >> 20} MiB, {usage.Threads} threads, {usage.Handles} handles");
}
