using System.Globalization;
using System.Net;
using System.Text;
using BatchGen.Dashboard.Pages;
using BatchGen.Dashboard.Pages.Parts;

namespace BatchGen.Dashboard.Reports;

/// <summary>A report as Markdown.</summary>
internal static class CampaignReportMarkdown
{
    /// <summary>Writes a report.</summary>
    /// <param name="report">The report.</param>
    /// <param name="display">How times are shown.</param>
    /// <param name="addressOf">Where the image of a canary lies for the reader, by the canary's number; without it the
    /// text holds the images.</param>
    public static string Write(CampaignReport report, DisplayFormat display, Func<long, string>? addressOf = null)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"# {Escape(report.Title)}\n\n{Escape(report.Verdict)}\n\n");
        text.Append("| | |\n|---|---|\n");
        foreach (var fact in report.Facts(display)) AddRow(text, fact.Name, fact.Value);
        AddTable(text, report.FailuresTitle, ["reason", "jobs:", "example"], report.Failures, failure =>
            [failure.Reason, Count(failure.Jobs), $"job {failure.ExampleJob}: {failure.Example}"]);
        AddTable(text, "Campaigns", ["campaign", "done:", "failed:", "open:"], report.Campaigns, campaign =>
            [campaign.Name, Count(campaign.Succeeded), Count(campaign.Failed), Count(campaign.Counts.Open)]);
        AddTable(text, "Weights", ["when", "worker", "model", "verdict", "tensors", "rendered again:"], report.Faults, fault =>
            [display.Time(fault.CreatedAt), fault.Worker, fault.Model, fault.Verdict, WeightFaults.TensorsOf(fault),
                Count(fault.JobsRequeued)]);
        AddCanaries(text, report.CanaryImages, display, addressOf);
        return text.ToString();
    }

    private static void AddCanaries(
        StringBuilder text, IReadOnlyList<ReportCanary> canaries, DisplayFormat display, Func<long, string>? addressOf)
    {
        if (canaries.Count == 0) return;
        text.Append("\n## Canaries\n\n| when | model | device | compared with the first | first, this one |\n|---|---|---|---|---|\n");
        foreach (var canary in canaries)
        {
            var images = canary.Images.Select(image => $"![{image.Name}]({addressOf?.Invoke(image.Id) ?? image.DataAddress})");
            text.Append(CultureInfo.InvariantCulture,
                $"| {display.Time(canary.At)} | {Escape(canary.Model)} | {Escape(canary.Device)} | {canary.Judgement} | "
                    + $"{string.Join(' ', images)} |\n");
        }
    }

    // Nothing for a table without rows. A column whose name ends with a colon is aligned to the right.
    private static void AddTable<T>(StringBuilder text, string title, string[] columns, IReadOnlyList<T> rows, Func<T, string[]> cellsOf)
    {
        if (rows.Count == 0) return;
        text.Append(CultureInfo.InvariantCulture, $"\n## {title}\n\n");
        text.Append("| ").AppendJoin(" | ", columns.Select(column => column.TrimEnd(':'))).Append(" |\n|");
        foreach (var column in columns) text.Append(column.EndsWith(':') ? "---:|" : "---|");
        text.Append('\n');
        foreach (var row in rows) AddRow(text, cellsOf(row));
    }

    private static void AddRow(StringBuilder text, params string[] cells) =>
        text.Append("| ").AppendJoin(" | ", cells.Select(Escape)).Append(" |\n");

    private static string Count(long count) => count.ToString(CultureInfo.InvariantCulture);

    // Names and messages come from users: nothing of them may act as Markdown or HTML.
    private static string Escape(string value)
    {
        var safe = new StringBuilder();
        foreach (var c in WebUtility.HtmlEncode(value.ReplaceLineEndings(" ")))
        {
            if (c is '|' or '*' or '_' or '`' or '[' or ']' or '\\' or '#') safe.Append('\\');
            safe.Append(c);
        }

        return safe.ToString();
    }
}
