using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json.Serialization;
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

    /// <summary>The campaign; null of a night.</summary>
    public string? Campaign { get; init; }

    /// <summary>Counts by state. Of a night: what ended in it, whatever its campaign, and what is open now.</summary>
    public required JobCounts Counts { get; init; }

    /// <summary>When and how the pictures were drawn.</summary>
    public DrawingSpan? Span { get; init; }

    /// <summary>Why jobs failed.</summary>
    public required IReadOnlyList<EndingReason> Failures { get; init; }

    /// <summary>From when on things count: a day before a morning report, the first batch of a campaign.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Checkpoints that passed since then; of a campaign those after its own batches.</summary>
    public long CheckpointsPassed { get; init; }

    /// <summary>Checkpoints that found a difference since then.</summary>
    public long CheckpointsDrifted { get; init; }

    /// <summary>What those found, newest first.</summary>
    public IReadOnlyList<WeightFaultEvent> Faults { get; init; } = [];

    /// <summary>Canaries since then by verdict; of a campaign those of its models, from the last one before its first batch to its last batch.</summary>
    public IReadOnlyDictionary<string, int> Canaries { get; init; } = new Dictionary<string, int>(StringComparer.Ordinal);

    /// <summary>Those of them that differ, and the newest of each kind, beside the first ones.</summary>
    public IReadOnlyList<ReportCanary> CanaryPictures { get; init; } = [];

    /// <summary>Runs of recurring campaigns that were refused; of a morning report.</summary>
    public IReadOnlyList<RefusedRun> Refused { get; init; } = [];

    /// <summary>Campaigns of a morning report.</summary>
    public IReadOnlyList<CampaignSummary> Campaigns { get; init; } = [];

    /// <summary>Pictures per minute while it ran; null when it drew fewer than two.</summary>
    public double? PerMinute => Counts.Succeeded > 1 && Span is { FirstAt: { } first, LastAt: { } last } && last > first ? Counts.Succeeded / Math.Max(1.0 / 60, (last - first).TotalMinutes) : null;

    /// <summary>One sentence that says whether anything needs attention.</summary>
    public string Verdict =>
        CheckpointsDrifted > 0 ? "The weights drifted at least once; the pictures concerned were rendered again. See the weights page."
        : Canaries.GetValueOrDefault("differs") > 0 ? "A canary picture differs from its first one. See the weights page."
        : Counts.Failed > 0 ? $"{Counts.Failed} of {Counts.Total} jobs failed."
        : Refused.Count > 0 ? $"{Refused.Count} recurring campaign{(Refused.Count == 1 ? " was" : "s were")} refused: nothing of {(Refused.Count == 1 ? "it" : "them")} is in the queue."
        : Counts.Open > 0 ? $"{Counts.Open} of {Counts.Total} jobs are still open."
        : Counts.Succeeded == 0 ? "Nothing was rendered."
        : Counts.Verified < Counts.Succeeded ? $"{Counts.Succeeded - Counts.Verified} of {Counts.Succeeded} pictures are not verified: no checkpoint has passed since."
        : Counts.Cancelled > 0 ? "Everything that was not cancelled was rendered and verified."
        : "Everything was rendered and verified.";

    /// <summary>Says so where the reasons are those of some failed jobs only.</summary>
    [JsonIgnore]
    public string FailuresTitle => Failures.Sum(failure => failure.Jobs) is var known && known < Counts.Failed ? $"Failures: the newest {known}" : "Failures";

    /// <summary>As Markdown.</summary>
    /// <param name="show">Shows times.</param>
    /// <param name="addressOf">Where a canary's picture lies for the reader, by the canary's number; without it the text holds the pictures.</param>
    public string ToMarkdown(Show show, Func<long, string>? addressOf = null)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"# {Escape(Title)}\n\n{Escape(Verdict)}\n\n");
        text.Append("| | |\n|---|---|\n");
        foreach (var (name, value) in Rows(show)) text.Append(CultureInfo.InvariantCulture, $"| {name} | {Escape(value)} |\n");
        if (Failures.Count > 0)
        {
            text.Append(CultureInfo.InvariantCulture, $"\n## {FailuresTitle}\n\n| reason | jobs | example |\n|---|---:|---|\n");
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
            text.Append("\n## Canaries\n\n| when | model | device | compared with the first | first, this one |\n|---|---|---|---|---|\n");
            foreach (var canary in CanaryPictures)
            {
                var pictures = canary.Pictures.Select(picture => $"![{picture.Name}]({addressOf?.Invoke(picture.Id) ?? DataOf(picture.Png)})");
                text.Append(CultureInfo.InvariantCulture, $"| {show.Time(canary.At)} | {Escape(canary.Model)} | {Escape(canary.Device)} | {canary.Judgement} | {string.Join(' ', pictures)} |\n");
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
            text.Append(CultureInfo.InvariantCulture, $"<h2>{FailuresTitle}</h2>\n<table>\n<tr><th>reason</th><th>jobs</th><th>example</th></tr>\n");
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
            text.Append("<h2>Canaries</h2>\n<table>\n<tr><th>when</th><th>model</th><th>device</th><th>compared with the first</th><th>first, this one</th></tr>\n");
            foreach (var canary in CanaryPictures)
            {
                text.Append(CultureInfo.InvariantCulture, $"<tr><td>{show.Time(canary.At)}</td><td>{E(canary.Model)}</td><td>{E(canary.Device)}</td><td>{canary.Judgement}</td>");
                text.Append("<td>").AppendJoin(' ', canary.Pictures.Select(picture => $"<img alt=\"{picture.Name}\" width=\"128\" src=\"{DataOf(picture.Png)}\">")).Append("</td></tr>\n");
            }

            text.Append("</table>\n");
        }

        return text.Append("</body></html>\n").ToString();
    }

    private static string DataOf(byte[] png) => "data:image/png;base64," + Convert.ToBase64String(png);

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
            yield return ("drawn", $"{show.Time(first)} to {show.Time(last)}{(PerMinute is { } rate ? $", {Show.Number(rate)} images per minute" : "")}");
            var part = Span.Images < Counts.Succeeded ? $"; the newest {Span.Images} pictures:" : " over";
            yield return ("batches", $"{Span.Batches}{part} {Span.Signatures} signatures{(Span.SizeBytes is { } size ? $", {Show.Size(size)} of pictures" : "")}");
        }

        yield return ("checkpoints", $"{CheckpointsPassed} passed, {CheckpointsDrifted} drifted");
        if (Canaries.Count > 0) yield return ("canaries", string.Join(", ", Canaries.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"{pair.Value} {pair.Key}")));
        foreach (var run in Refused) yield return ("refused", $"{run.Name}, {show.Time(run.At)}: {run.Reason}");
    }
}

/// <summary>A run of a recurring campaign that was refused.</summary>
/// <param name="Name">The recurring campaign.</param>
/// <param name="At">When.</param>
/// <param name="Reason">Why.</param>
internal sealed record RefusedRun(string Name, DateTimeOffset At, string Reason);
