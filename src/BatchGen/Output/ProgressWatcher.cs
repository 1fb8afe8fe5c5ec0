using System.Globalization;
using BatchGen.Composition;
using BatchGen.Core.Jobs;
using BatchGen.Queue.Jobs;
using BatchGen.Queue.Reports;
using BatchGen.Queue.Workers;
using Spectre.Console;

namespace BatchGen.Output;

/// <summary>Shows progress until no job waits or runs any more: bars on a terminal, now and then a line elsewhere.</summary>
internal sealed class ProgressWatcher(ProgramContext context, JobCatalog jobs, WorkerRegistry workers, StandstillFinder standstills)
{
    private static readonly TimeSpan StandstillInterval = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan TerminalInterval = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan PlainPollInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PlainLineInterval = TimeSpan.FromSeconds(10);
    private IReadOnlyList<Standstill> _found = [];
    private long? _lookedAt;

    /// <summary>Watches a campaign, or all jobs.</summary>
    /// <returns>The counts once nothing waits or runs.</returns>
    public Task<JobCounts> WatchAsync(string? campaign, CancellationToken cancellationToken) =>
        context.IsTerminal ? WatchTerminalAsync(campaign, cancellationToken) : WatchPlainAsync(campaign, cancellationToken);

    private async Task<JobCounts> WatchTerminalAsync(string? campaign, CancellationToken cancellationToken)
    {
        var meter = new ThroughputMeter(context.Clock);
        var title = campaign is null ? "All jobs" : $"Campaign {Printable.Line(campaign, 80)}";
        JobCounts? counts = null;
        await context.Console.Live(new Text(title)).StartAsync(async live =>
        {
            while (true)
            {
                counts = await jobs.CountAsync(campaign, cancellationToken);
                meter.Sample(counts.Total - counts.Open);
                var answering = await ListAnsweringAsync(cancellationToken);
                var look = await LookAsync(cancellationToken);
                live.UpdateTarget(new TerminalView(ProgressView.Bars(title, counts, answering, meter, look)));
                if (counts.Open == 0) return;
                await Task.Delay(TerminalInterval, context.Clock, cancellationToken);
            }
        });
        return counts!;
    }

    private async Task<JobCounts> WatchPlainAsync(string? campaign, CancellationToken cancellationToken)
    {
        var meter = new ThroughputMeter(context.Clock);
        long? printedAt = null;
        IReadOnlyList<Standstill> shown = [];
        HashSet<string> shownLacks = [];
        while (true)
        {
            var found = await LookAsync(cancellationToken);
            foreach (var began in found.Where(one => !shown.Any(one.IsSameAs)))
                await context.Output.WriteLineAsync($"{Now()} {ProgressView.Line(began)}");
            shown = found;
            HashSet<string> lacks = [.. (await ListAnsweringAsync(cancellationToken)).SelectMany(ProgressView.LackLines)];
            foreach (var line in lacks.Except(shownLacks, StringComparer.Ordinal)) await context.Output.WriteLineAsync($"{Now()} {line}");
            shownLacks = lacks;
            var counts = await jobs.CountAsync(campaign, cancellationToken);
            meter.Sample(counts.Total - counts.Open);
            if (counts.Open == 0 || printedAt is not { } at || context.Clock.GetElapsedTime(at) >= PlainLineInterval)
            {
                printedAt = context.Clock.GetTimestamp();
                await context.Output.WriteLineAsync($"{Now()} {ProgressView.Line(counts, meter)}");
            }

            if (counts.Open == 0) return counts;
            await Task.Delay(PlainPollInterval, context.Clock, cancellationToken);
        }
    }

    private async Task<WorkerDetails[]> ListAnsweringAsync(CancellationToken cancellationToken)
    {
        var now = context.Clock.GetUtcNow();
        return [.. (await workers.ListAsync(cancellationToken)).Where(worker => worker.IsAnswering(now))];
    }

    private string Now() => context.Clock.GetLocalNow().ToString("HH:mm:ss", CultureInfo.InvariantCulture);

    private async Task<IReadOnlyList<Standstill>> LookAsync(CancellationToken cancellationToken)
    {
        if (_lookedAt is { } at && context.Clock.GetElapsedTime(at) < StandstillInterval) return _found;
        _found = await standstills.FindAsync(cancellationToken);
        _lookedAt = context.Clock.GetTimestamp();
        return _found;
    }
}
