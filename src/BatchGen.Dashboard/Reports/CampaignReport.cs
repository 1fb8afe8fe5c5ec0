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

    /// <summary>From when on checkpoints and canaries count: a day before a morning report, the first job of a campaign.</summary>
    public DateTimeOffset Since { get; init; }

    /// <summary>Checkpoints that passed since then.</summary>
    public required long CheckpointsPassed { get; init; }

    /// <summary>Checkpoints that found a difference since then.</summary>
    public required long CheckpointsDrifted { get; init; }

    /// <summary>What those found, newest first.</summary>
    public IReadOnlyList<WeightFaultEvent> Faults { get; init; } = [];

    /// <summary>Canaries since then by verdict.</summary>
    public required IReadOnlyDictionary<string, int> Canaries { get; init; }

    /// <summary>Some of them with their pictures, those that differ first.</summary>
    public IReadOnlyList<ReportCanary> CanaryPictures { get; init; } = [];

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
    /// <param name="show">Shows times.</param>
    /// <param name="addressOf">Where a canary's picture lies for the reader; without it pictures are left out.</param>
    public string ToMarkdown(Show show, Func<ReportCanary, string>? addressOf = null)
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

        if (Faults.Count > 0)
        {
            text.Append("\n## Weights\n\n| when | worker | model | verdict | tensors | rendered again |\n|---|---|---|---|---|---:|\n");
            foreach (var fault in Faults) text.Append(CultureInfo.InvariantCulture, $"| {show.Time(fault.CreatedAt)} | {Escape(fault.Worker)} | {Escape(fault.Model)} | {fault.Verdict} | {Escape(TensorsOf(fault))} | {fault.JobsRequeued} |\n");
        }

        if (CanaryPictures.Count > 0)
        {
            text.Append("\n## Canaries\n\n| when | model | device | verdict | picture |\n|---|---|---|---|---|\n");
            foreach (var canary in CanaryPictures)
            {
                var picture = addressOf is null ? "" : $"![canary {canary.CanaryId}]({addressOf(canary)})";
                text.Append(CultureInfo.InvariantCulture, $"| {show.Time(canary.At)} | {Escape(canary.Model)} | {Escape(canary.Device)} | {canary.Judgement} | {picture} |\n");
            }
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

        if (Faults.Count > 0)
        {
            text.Append("<h2>Weights</h2>\n<table>\n<tr><th>when</th><th>worker</th><th>model</th><th>verdict</th><th>tensors</th><th>rendered again</th></tr>\n");
            foreach (var fault in Faults)
                text.Append(CultureInfo.InvariantCulture, $"<tr><td>{show.Time(fault.CreatedAt)}</td><td>{E(fault.Worker)}</td><td>{E(fault.Model)}</td><td>{fault.Verdict}</td><td>{E(TensorsOf(fault))}</td><td>{fault.JobsRequeued}</td></tr>\n");
            text.Append("</table>\n");
        }

        if (CanaryPictures.Count > 0)
        {
            text.Append("<h2>Canaries</h2>\n<table>\n<tr><th>when</th><th>model</th><th>device</th><th>verdict</th><th>picture</th></tr>\n");
            foreach (var canary in CanaryPictures)
            {
                text.Append(CultureInfo.InvariantCulture, $"<tr><td>{show.Time(canary.At)}</td><td>{E(canary.Model)}</td><td>{E(canary.Device)}</td><td>{canary.Judgement}</td>");
                text.Append(CultureInfo.InvariantCulture, $"<td><img alt=\"canary {canary.CanaryId}\" width=\"128\" src=\"data:image/png;base64,{Convert.ToBase64String(canary.Picture)}\"></td></tr>\n");
            }

            text.Append("</table>\n");
        }

        return text.Append("</body></html>\n").ToString();
    }

    private static string TensorsOf(WeightFaultEvent fault) =>
        fault.DriftedTensors.Length > 0 ? string.Join(", ", fault.DriftedTensors.Take(8)) : fault.ReloadedTensors is { } reloaded ? $"{reloaded} reloaded from the master" : "";

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
            var part = Span.Images < Counts.Succeeded ? $"the newest {Span.Images}: " : "";
            yield return ("drawn", $"{part}{show.Time(first)} to {show.Time(last)}{(PerMinute is { } rate ? $", {Show.Number(rate)} images per minute" : "")}");
            yield return ("batches", $"{Span.Batches} over {Span.Signatures} signatures, {Show.Size(Span.SizeBytes ?? 0)} of pictures");
        }

        yield return ("checkpoints", $"{CheckpointsPassed} passed, {CheckpointsDrifted} drifted");
        if (Canaries.Count > 0) yield return ("canaries", string.Join(", ", Canaries.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"{pair.Value} {pair.Key}")));
    }
}

/// <summary>A canary of a report.</summary>
/// <param name="CanaryId">Its number.</param>
/// <param name="At">When it was drawn.</param>
/// <param name="Model">The model.</param>
/// <param name="Device">The device.</param>
/// <param name="Verdict">first, equal, close or differs.</param>
/// <param name="Psnr">dB against the first one; null when equal or first.</param>
/// <param name="Picture">It, as PNG.</param>
internal sealed record ReportCanary(long CanaryId, DateTimeOffset At, string Model, string Device, string Verdict, double? Psnr, byte[] Picture)
{
    /// <summary>Verdict and distance in words.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public string Judgement => Psnr is { } psnr ? $"{Verdict}, {Show.Number(psnr)} dB" : Verdict;
}
