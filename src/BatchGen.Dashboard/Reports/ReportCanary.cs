using System.Globalization;
using System.Text.Json.Serialization;
using BatchGen.Dashboard.Pages;
using BatchGen.Queue.Canaries;

namespace BatchGen.Dashboard.Reports;

/// <summary>A canary beside the one it is compared with.</summary>
/// <param name="CanaryId">Its number.</param>
/// <param name="FirstId">That of the first one of its kind; its own when it is that.</param>
/// <param name="At">When it was drawn.</param>
/// <param name="Model">The model.</param>
/// <param name="Device">The device.</param>
/// <param name="Verdict">first, equal, close or differs.</param>
/// <param name="Psnr">dB against the first one; null when equal or first.</param>
/// <param name="Ssim">Likeness to the first one, 1 at most; null when equal or first.</param>
internal sealed record ReportCanary(long CanaryId, long FirstId, DateTimeOffset At, string Model, string Device, string Verdict, double? Psnr, double? Ssim)
{
    /// <summary>It, as PNG; empty on pages, which fetch it by its number.</summary>
    public byte[] Picture { get; init; } = [];

    /// <summary>The first one, as PNG; empty likewise.</summary>
    public byte[] FirstPicture { get; init; } = [];

    /// <summary>How it compares, in words.</summary>
    [JsonIgnore]
    public string Judgement =>
        Verdict == "first" ? "the first one"
        : Verdict == "equal" ? "same bytes"
        : $"{Verdict}{(Psnr is { } psnr ? $", {Show.Number(psnr)} dB" : "")}{(Ssim is { } ssim ? $", SSIM {Show.Number(ssim, 4)}" : "")}";

    /// <summary>The pictures side by side: the first one, and this one unless it is that.</summary>
    [JsonIgnore]
    public IEnumerable<(long Id, string Name, byte[] Png)> Pictures
    {
        get
        {
            yield return (FirstId, string.Create(CultureInfo.InvariantCulture, $"first canary {FirstId}"), FirstPicture);
            if (CanaryId != FirstId) yield return (CanaryId, string.Create(CultureInfo.InvariantCulture, $"canary {CanaryId}"), Picture);
        }
    }

    /// <summary>Those worth a look, newest first: all that differ, and the newest of each model, device and recipe.</summary>
    /// <param name="drawn">Canaries, newest first.</param>
    /// <param name="limit">At most this many.</param>
    public static IReadOnlyList<ReportCanary> Choose(IReadOnlyList<RecordedCanary> drawn, int limit)
    {
        var newest = drawn.DistinctBy(canary => canary.FirstId ?? canary.CanaryId).Select(canary => canary.CanaryId).ToHashSet();
        return
        [
            .. drawn.Where(canary => canary.Verdict == "differs" || newest.Contains(canary.CanaryId)).OrderByDescending(canary => canary.Verdict == "differs").Take(limit)
                .Select(canary => new ReportCanary(
                    canary.CanaryId, canary.FirstId ?? canary.CanaryId, canary.CreatedAt, canary.Model, canary.Device, canary.Verdict, canary.Psnr, canary.Ssim)),
        ];
    }
}
