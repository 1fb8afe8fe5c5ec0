using System.Globalization;
using System.Text.Json.Serialization;
using BatchGen.Core.Jobs;
using BatchGen.Core.Texts;
using BatchGen.Dashboard.Pages;
using BatchGen.Queue.Reports;

namespace BatchGen.Dashboard.Reports;

/// <summary>The outcome of one campaign, or of a night.</summary>
/// <remarks>Posted to the webhook as it is; drawn as HTML and written as Markdown elsewhere.</remarks>
public sealed record CampaignReport
{
    /// <summary>Campaign name, or the day of a morning report.</summary>
    public required string Title { get; init; }

    /// <summary>When the report was made.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>The campaign; null in a morning report.</summary>
    public string? Campaign { get; init; }

    /// <summary>Counts by state. Of a night: what ended in it, whatever its campaign, and what is open now.</summary>
    public required JobCounts Counts { get; init; }

    /// <summary>When and how the images were drawn.</summary>
    public DrawingSpan? Span { get; init; }

    /// <summary>Why jobs failed.</summary>
    public required IReadOnlyList<EndingReason> Failures { get; init; }

    /// <summary>From when on things count: a day before a morning report, the first batch of a campaign.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Number of checkpoints that passed since then; of a campaign those after its own batches.</summary>
    public long CheckpointsPassed { get; init; }

    /// <summary>Number of checkpoints that found a difference since then.</summary>
    public long CheckpointsDrifted { get; init; }

    /// <summary>Checkpoints that found a difference since then, newest first.</summary>
    public IReadOnlyList<WeightFaultEvent> Faults { get; init; } = [];

    /// <summary>Canaries since then; of a campaign those of its models, from the last one before its first
    /// batch to its last batch.</summary>
    public CanaryCounts Canaries { get; init; } = new(0, 0, 0, 0);

    /// <summary>Canaries that differ, and the newest of each kind, beside the first ones.</summary>
    public IReadOnlyList<ReportCanary> CanaryImages { get; init; } = [];

    /// <summary>Runs of recurring campaigns that were refused; of a morning report.</summary>
    public IReadOnlyList<RefusedRun> Refused { get; init; } = [];

    /// <summary>Campaigns of a morning report.</summary>
    public IReadOnlyList<CampaignSummary> Campaigns { get; init; } = [];

    /// <summary>Images per minute while drawing went on; null when fewer than two were drawn.</summary>
    public double? PerMinute => Counts.Succeeded > 1 && Span is { FirstAt: { } first, LastAt: { } last } && last > first
        ? Counts.Succeeded / Math.Max(1.0 / 60, (last - first).TotalMinutes)
        : null;

    /// <summary>A sentence that says whether anything needs attention.</summary>
    public string Verdict =>
        CheckpointsDrifted > 0 ? "The weights drifted at least once; the images concerned were rendered again. See the weights page."
        : Canaries.Differs > 0 ? "A canary image differs from its first one. See the weights page."
        : Counts.Failed > 0 ? $"{Counts.Failed} of {Counts.Total} jobs failed."
        : Refused.Count == 1 ? "1 recurring campaign was refused: none of its jobs is in the queue."
        : Refused.Count > 1 ? $"{Refused.Count} recurring campaigns were refused: none of their jobs is in the queue."
        : Counts.Open > 0 ? $"{Counts.Open} of {Counts.Total} jobs are still open."
        : Counts.Succeeded == 0 ? "Nothing was rendered."
        : Counts.Verified < Counts.Succeeded
            ? $"{Counts.Succeeded - Counts.Verified} of {Counts.Succeeded} images are not verified: no checkpoint has passed since."
        : Counts.Cancelled > 0 ? "Everything that was not cancelled was rendered and verified."
        : "Everything was rendered and verified.";

    /// <summary>Heading of the reasons; it says so where they are those of some failed jobs only.</summary>
    [JsonIgnore]
    public string FailuresTitle =>
        Failures.Sum(failure => failure.Jobs) is var known && known < Counts.Failed ? $"Failures: the newest {known}" : "Failures";

    /// <summary>The facts of the report, line by line.</summary>
    internal IEnumerable<ReportFact> Facts(DisplayFormat display)
    {
        yield return new("written", display.Time(At));
        yield return new("done", $"{Counts.Succeeded} of {Counts.Total}, {Counts.Verified} verified");
        if (Counts.Failed > 0) yield return new("failed", Counts.Failed.ToString(CultureInfo.InvariantCulture));
        if (Counts.Cancelled > 0) yield return new("cancelled", Counts.Cancelled.ToString(CultureInfo.InvariantCulture));
        if (Counts.Open > 0) yield return new("open", Counts.Open.ToString(CultureInfo.InvariantCulture));
        if (Span is { FirstAt: { } first, LastAt: { } last })
        {
            var rate = PerMinute is { } images ? $", {DisplayFormat.Number(images)} images per minute" : "";
            yield return new("drawn", $"{display.Time(first)} to {display.Time(last)}{rate}");
            yield return new("batches", Batches(Span));
        }

        yield return new("checkpoints", $"{CheckpointsPassed} passed, {CheckpointsDrifted} drifted");
        if (CanaryText is { Length: > 0 } canaries) yield return new("canaries", canaries);
        foreach (var run in Refused) yield return new("refused", $"{run.Name}, {display.Time(run.At)}: {run.Reason}");
    }

    // Of a large campaign only the newest images are looked at.
    private string Batches(DrawingSpan span)
    {
        var part = span.Images < Counts.Succeeded ? $"; the newest {span.Images} images:" : " over";
        var size = span.SizeBytes is { } bytes ? $", {Quantities.Size(bytes)} of images" : "";
        return $"{span.Batches}{part} {span.Signatures} signatures{size}";
    }

    private string CanaryText => string.Join(", ", new[]
    {
        Count(Canaries.Close, "close"), Count(Canaries.Differs, "differs"), Count(Canaries.Equal, "equal"), Count(Canaries.First, "first"),
    }.OfType<string>());

    private static string? Count(int canaries, string verdict) => canaries == 0 ? null : $"{canaries} {verdict}";
}
