using System.Globalization;
using BatchGen.Composition;
using BatchGen.Core.Jobs;
using BatchGen.Queue.Jobs;
using BatchGen.Queue.Workers;
using Spectre.Console;

namespace BatchGen.Output;

/// <summary>Shows progress until no job waits or runs any more: bars on a terminal, now and then a line elsewhere.</summary>
internal sealed class ProgressWatcher(ProgramContext context, JobCatalog jobs, WorkerRegistry workers)
{
    private static readonly TimeSpan TerminalInterval = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan PlainPollInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PlainLineInterval = TimeSpan.FromSeconds(10);

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
                var now = context.Clock.GetUtcNow();
                var answering = (await workers.ListAsync(cancellationToken)).Where(worker => worker.IsAnswering(now)).ToArray();
                live.UpdateTarget(new TerminalView(ProgressView.Bars(title, counts, answering, meter)));
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
        while (true)
        {
            var counts = await jobs.CountAsync(campaign, cancellationToken);
            meter.Sample(counts.Total - counts.Open);
            if (counts.Open == 0 || printedAt is not { } at || context.Clock.GetElapsedTime(at) >= PlainLineInterval)
            {
                printedAt = context.Clock.GetTimestamp();
                var time = context.Clock.GetLocalNow().ToString("HH:mm:ss", CultureInfo.InvariantCulture);
                await context.Output.WriteLineAsync($"{time} {ProgressView.Line(counts, meter)}");
            }

            if (counts.Open == 0) return counts;
            await Task.Delay(PlainPollInterval, context.Clock, cancellationToken);
        }
    }
}
