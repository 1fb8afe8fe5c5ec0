using System.Globalization;
using System.Net;
using System.Text;
using BatchGen.Core.Jobs;
using BatchGen.Dashboard.Pages;
using BatchGen.Queue.Reports;

namespace BatchGen.Dashboard.Reports;

/// <summary>What became of one campaign, or of a night.</summary>
internal sealed record CampaignReport
{
    /// <summary>Campaign name, or the day of a morning report.</summary>
    public required string Title { get; init; }

    /// <summary>When it was written.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>Counts by state.</summary>
    public required JobCounts Counts { get; init; }

    /// <summary>When and how the pictures were drawn.</summary>
    public CampaignSpan? Span { get; init; }

    /// <summary>Why jobs failed.</summary>
    public required IReadOnlyList<FailureReason> Failures { get; init; }

    /// <summary>Checkpoints that passed, all in all.</summary>
    public required long CheckpointsPassed { get; init; }

    /// <summary>Checkpoints that found a difference, all in all.</summary>
    public required long CheckpointsDrifted { get; init; }

    /// <summary>The newest canaries by verdict.</summary>
    public required IReadOnlyDictionary<string, int> Canaries { get; init; }

    /// <summary>Campaigns of a morning report.</summary>
    public IReadOnlyList<CampaignSummary> Campaigns { get; init; } = [];

    /// <summary>Pictures per minute while it ran; null when it drew fewer than two.</summary>
    public double? PerMinute => Span is { Images: > 1, FirstAt: { } first, LastAt: { } last } && last > first ? Span.Images / Math.Max(1.0 / 60, (last - first).TotalMinutes) : null;

    /// <summary>One sentence that says whether anything needs attention.</summary>
    public string Verdict =>
        CheckpointsDrifted > 0 ? "The weights drifted at least once; the pictures concerned were rendered again. See the weights page."
        : Canaries.GetValueOrDefault("differs") > 0 ? "A canary picture differs from its first one. See the weights page."
        : Counts.Failed > 0 ? $"{Counts.Failed} of {Counts.Total} jobs failed."
        : Counts.Open > 0 ? $"{Counts.Open} of {Counts.Total} jobs are still open."
        : "Everything was rendered and verified.";

    /// <summary>As Markdown.</summary>
    public string ToMarkdown(Show show)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"# {Escape(Title)}\n\n{Escape(Verdict)}\n\n");
        text.Append("| | |\n|---|---|\n");
        foreach (var (name, value) in Rows(show)) text.Append(CultureInfo.InvariantCulture, $"| {name} | {Escape(value)} |\n");
        if (Failures.Count > 0)
        {
            text.Append("\n## Failures\n\n| reason | jobs | example |\n|---|---:|---|\n");
            foreach (var failure in Failures) text.Append(CultureInfo.InvariantCulture, $"| {failure.Reason} | {failure.Jobs} | job {failure.ExampleJob}: {Escape(failure.Example)} |\n");
        }

        if (Campaigns.Count > 0)
        {
            text.Append("\n## Campaigns\n\n| campaign | done | failed | open |\n|---|---:|---:|---:|\n");
            foreach (var campaign in Campaigns) text.Append(CultureInfo.InvariantCulture, $"| {Escape(campaign.Name)} | {campaign.Succeeded} | {campaign.Failed} | {campaign.Counts.Open} |\n");
        }

        return text.ToString();

        // Names and messages come from users: nothing of them may act as Markdown or HTML.
        static string Escape(string value)
        {
            var safe = new StringBuilder();
            foreach (var c in WebUtility.HtmlEncode(value.ReplaceLineEndings(" "))) safe.Append(c is '|' or '*' or '_' or '`' or '[' or ']' or '\\' or '#' ? "\\" + c : c.ToString());
            return safe.ToString();
        }
    }

    /// <summary>As a page of its own, without references to anything else.</summary>
    public string ToHtml(Show show)
    {
        var text = new StringBuilder();
        static string E(string value) => WebUtility.HtmlEncode(value);
        text.Append("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>").Append(E(Title));
        text.Append("</title><style>body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}table{border-collapse:collapse}td,th{padding:.3rem .8rem;border-bottom:1px solid #ccc;text-align:left}</style></head><body>\n");
        text.Append(CultureInfo.InvariantCulture, $"<h1>{E(Title)}</h1>\n<p>{E(Verdict)}</p>\n<table>\n");
        foreach (var (name, value) in Rows(show)) text.Append(CultureInfo.InvariantCulture, $"<tr><th>{E(name)}</th><td>{E(value)}</td></tr>\n");
        text.Append("</table>\n");
        if (Failures.Count > 0)
        {
            text.Append("<h2>Failures</h2>\n<table>\n<tr><th>reason</th><th>jobs</th><th>example</th></tr>\n");
            foreach (var failure in Failures) text.Append(CultureInfo.InvariantCulture, $"<tr><td>{E(failure.Reason)}</td><td>{failure.Jobs}</td><td>job {failure.ExampleJob}: {E(failure.Example)}</td></tr>\n");
            text.Append("</table>\n");
        }

        if (Campaigns.Count > 0)
        {
            text.Append("<h2>Campaigns</h2>\n<table>\n<tr><th>campaign</th><th>done</th><th>failed</th><th>open</th></tr>\n");
            foreach (var campaign in Campaigns) text.Append(CultureInfo.InvariantCulture, $"<tr><td>{E(campaign.Name)}</td><td>{campaign.Succeeded}</td><td>{campaign.Failed}</td><td>{campaign.Counts.Open}</td></tr>\n");
            text.Append("</table>\n");
        }

        return text.Append("</body></html>\n").ToString();
    }

    /// <summary>The facts as name and value.</summary>
    public IEnumerable<(string Name, string Value)> Rows(Show show)
    {
        yield return ("written", show.Time(At));
        yield return ("done", $"{Counts.Succeeded} of {Counts.Total}, {Counts.Verified} verified");
        if (Counts.Failed > 0) yield return ("failed", Counts.Failed.ToString(CultureInfo.InvariantCulture));
        if (Counts.Cancelled > 0) yield return ("cancelled", Counts.Cancelled.ToString(CultureInfo.InvariantCulture));
        if (Counts.Open > 0) yield return ("open", Counts.Open.ToString(CultureInfo.InvariantCulture));
        if (Span is { FirstAt: { } first, LastAt: { } last })
        {
            yield return ("drawn", $"{show.Time(first)} to {show.Time(last)}{(PerMinute is { } rate ? $", {Show.Number(rate)} images per minute" : "")}");
            yield return ("batches", $"{Span.Batches} over {Span.Signatures} signatures, {Show.Size(Span.SizeBytes ?? 0)} of pictures");
        }

        yield return ("checkpoints", $"{CheckpointsPassed} passed, {CheckpointsDrifted} drifted");
        if (Canaries.Count > 0) yield return ("canaries", string.Join(", ", Canaries.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"{pair.Value} {pair.Key}")));
    }
}
