using System.Globalization;
using BatchGen.Core.Jobs;
using BatchGen.Queue.Workers;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace BatchGen.Output;

/// <summary>How progress looks: bars for a terminal, one line for a log.</summary>
internal static class ProgressView
{
    private const int BarWidth = 32;

    /// <summary>One line of text.</summary>
    public static string Line(JobCounts counts, ThroughputMeter meter)
    {
        var text = string.Create(CultureInfo.InvariantCulture,
            $"{Ended(counts)} of {counts.Total} ended: {counts.Succeeded} succeeded ({counts.Verified} verified), {counts.Failed} failed, {counts.Cancelled} cancelled; {counts.Queued} waiting, {counts.Running} running");
        return meter.PerMinute is > 0 and var rate ? text + $"; {Rate(rate)}{Left(counts, meter)}" : text;
    }

    /// <summary>Bars.</summary>
    public static IRenderable Bars(string title, JobCounts counts, IReadOnlyList<WorkerDetails> workers, ThroughputMeter meter)
    {
        var rows = new List<IRenderable>
        {
            new Text(title, new Style(decoration: Decoration.Bold)),
            new Markup($"{Bar(Ended(counts), counts.Total, "green")} {Ended(counts)}/{counts.Total}  {(meter.PerMinute is > 0 and var rate ? Rate(rate) : "")}{Left(counts, meter)}"),
            new Markup(
                $"waiting [bold]{counts.Queued}[/]  running [bold]{counts.Running}[/]  succeeded [bold]{counts.Succeeded}[/]  verified [bold]{counts.Verified}[/]  "
                + $"failed [bold {(counts.Failed > 0 ? "red" : "default")}]{counts.Failed}[/]  cancelled [bold]{counts.Cancelled}[/]"),
        };
        if (workers.Count == 0) rows.Add(new Markup("[yellow]No worker is running; 'batchgen worker' starts one.[/]"));
        foreach (var worker in workers)
        {
            var name = Markup.Escape(Printable.Line(worker.Name, 28).PadRight(28));
            rows.Add(worker.BatchId is null
                ? new Markup($"{name} [grey]idle[/]")
                : new Markup(
                    $"{name} {Bar(Done(worker), Math.Max(1, worker.BatchJobs), "blue")} {worker.BatchFinished}/{worker.BatchJobs}  step {worker.Step}/{worker.Steps}  "
                    + $"[grey]{Markup.Escape(Printable.Line(worker.Signature, 60))}[/]"));
        }

        return new Rows(rows);
    }

    private static long Ended(JobCounts counts) => counts.Total - counts.Open;

    // The pictures being drawn count for as much as their steps are done.
    private static double Done(WorkerDetails worker) =>
        Math.Min(worker.BatchJobs, worker.BatchFinished + (worker.Steps > 0 ? Math.Min(1, worker.BatchJobs - worker.BatchFinished) * (double)worker.Step / worker.Steps : 0));

    private static string Bar(double done, double total, string colour)
    {
        var filled = total > 0 ? (int)Math.Round(BarWidth * Math.Clamp(done / total, 0, 1)) : 0;
        return $"[{colour}]{new string('━', filled)}[/][grey]{new string('─', BarWidth - filled)}[/]";
    }

    private static string Rate(double perMinute) => string.Create(CultureInfo.InvariantCulture, $"{perMinute:0.#} images/min");

    private static string Left(JobCounts counts, ThroughputMeter meter) =>
        counts.Open > 0 && meter.TimeLeft(counts.Open) is { } left ? $", {Printable.Span(left)} left" : "";
}
