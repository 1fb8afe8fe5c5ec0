using System.Globalization;
using BatchGen.Core.Jobs;
using BatchGen.Core.Texts;
using BatchGen.Queue.Reports;
using BatchGen.Queue.Workers;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace BatchGen.Output;

/// <summary>How progress looks: bars for a terminal, one line for a log.</summary>
internal static class ProgressView
{
    private const int BarWidth = 32;
    private const int NameWidth = 28;
    private const int SignatureWidth = 60;

    /// <summary>The state of all jobs as one line of text.</summary>
    public static string Line(JobCounts counts, ThroughputMeter meter)
    {
        var text = string.Create(
            CultureInfo.InvariantCulture,
            $"{CountEnded(counts)} of {counts.Total} ended: {counts.Succeeded} succeeded ({counts.Verified} verified), "
            + $"{counts.Failed} failed, {counts.Cancelled} cancelled; {counts.Queued} waiting, {counts.Running} running");
        return meter.PerMinute is > 0 and var rate ? text + $"; {FormatRate(rate)}{FormatTimeLeft(counts, meter)}" : text;
    }

    /// <summary>A reason why the queue stands still, as one line of text.</summary>
    public static string Line(Standstill found) =>
        string.Create(CultureInfo.InvariantCulture, $"{Printable.Line(found.What)} Since {found.Since:u}. {found.Remedy}");

    /// <summary>What a worker's machine lacks, one line of text for each.</summary>
    public static IEnumerable<string> LackLines(WorkerDetails worker) => worker.Lacks.Select(lack => string.Create(
        CultureInfo.InvariantCulture,
        $"Worker '{Printable.Line(worker.Name)}' lacks {LackWord(lack)} '{Printable.Line(lack.Name)}' since {lack.Since:u} "
            + $"and claims nothing that needs it: {Printable.Line(lack.Reason)}"));

    private static string LackWord(WorkerLack lack) => lack.Kind.Replace('_', ' ');

    /// <summary>A bar for all jobs, the counts by state, and a line with a bar for each worker.</summary>
    /// <param name="title">What is watched.</param>
    /// <param name="counts">Jobs by state.</param>
    /// <param name="workers">The workers that answer.</param>
    /// <param name="meter">The rate so far.</param>
    /// <param name="standstills">Why the queue stands still; empty while it does not.</param>
    public static IRenderable Bars(
        string title, JobCounts counts, IReadOnlyList<WorkerDetails> workers, ThroughputMeter meter, IReadOnlyList<Standstill> standstills)
    {
        var ended = CountEnded(counts);
        var rate = meter.PerMinute is > 0 and var perMinute ? FormatRate(perMinute) : "";
        var failedColour = counts.Failed > 0 ? "red" : "default";
        var rows = new List<IRenderable>
        {
            new Text(title, new Style(decoration: Decoration.Bold)),
            new Markup($"{Bar(ended, counts.Total, "green")} {ended}/{counts.Total}  {rate}{FormatTimeLeft(counts, meter)}"),
            new Markup(
                $"waiting [bold]{counts.Queued}[/]  running [bold]{counts.Running}[/]  succeeded [bold]{counts.Succeeded}[/]  "
                + $"verified [bold]{counts.Verified}[/]  failed [bold {failedColour}]{counts.Failed}[/]  cancelled "
                + $"[bold]{counts.Cancelled}[/]"),
        };
        if (workers.Count == 0) rows.Add(new Markup("[yellow]No worker is running; 'batchgen worker' starts one.[/]"));
        rows.AddRange(standstills.Select(found => new Text(Line(found), new Style(Color.Red, decoration: Decoration.Bold))));
        rows.AddRange(workers.SelectMany(LackLines).Select(line => new Text(line, new Style(Color.Yellow))));
        rows.AddRange(workers.Select(worker => new Markup(Describe(worker))));
        return new Rows(rows);
    }

    private static string Describe(WorkerDetails worker)
    {
        var name = Markup.Escape(Printable.Line(worker.Name, NameWidth).PadRight(NameWidth));
        if (worker.BatchId is null) return $"{name} [grey]idle[/]";
        var bar = Bar(CountFinished(worker), Math.Max(1, worker.BatchJobs), "blue");
        var signature = Markup.Escape(Printable.Line(worker.Signature, SignatureWidth));
        return $"{name} {bar} {worker.BatchFinished}/{worker.BatchJobs}  step {worker.Step}/{worker.Steps}  [grey]{signature}[/]";
    }

    private static long CountEnded(JobCounts counts) => counts.Total - counts.Open;

    // The image being rendered counts for the share of its steps that are done.
    private static double CountFinished(WorkerDetails worker)
    {
        if (worker.Steps == 0 || worker.BatchFinished >= worker.BatchJobs) return Math.Min(worker.BatchJobs, worker.BatchFinished);
        return Math.Min(worker.BatchJobs, worker.BatchFinished + (double)worker.Step / worker.Steps);
    }

    private static string Bar(double done, double total, string colour)
    {
        var filled = total > 0 ? (int)Math.Round(BarWidth * Math.Clamp(done / total, 0, 1)) : 0;
        return $"[{colour}]{new string('━', filled)}[/][grey]{new string('─', BarWidth - filled)}[/]";
    }

    private static string FormatRate(double perMinute) => string.Create(CultureInfo.InvariantCulture, $"{perMinute:0.#} images/min");

    private static string FormatTimeLeft(JobCounts counts, ThroughputMeter meter) =>
        counts.Open > 0 && meter.TimeLeft(counts.Open) is { } left ? $", {Quantities.Span(left)} left" : "";
}
