using System.Globalization;
using System.Text.Json.Serialization;
using BatchGen.Dashboard.Pages;
using BatchGen.Queue.Canaries;

namespace BatchGen.Dashboard.Reports;

/// <summary>A canary beside the one with which it is compared.</summary>
/// <param name="CanaryId">Number of the canary.</param>
/// <param name="FirstId">Number of the first one of its kind; the same when it is the first one.</param>
/// <param name="At">When it was drawn.</param>
/// <param name="Model">The model.</param>
/// <param name="Device">The device.</param>
/// <param name="Verdict">first, equal, close or differs.</param>
/// <param name="Psnr">dB against the first one; null when equal or first.</param>
/// <param name="Ssim">Likeness to the first one, 1 at most; null when equal or first.</param>
public sealed record ReportCanary(
    long CanaryId, long FirstId, DateTimeOffset At, string Model, string Device, string Verdict, double? Psnr, double? Ssim)
{
    /// <summary>The canary as PNG; empty on pages, which fetch it by its number.</summary>
    public byte[] Image { get; init; } = [];

    /// <summary>The first canary of its kind as PNG; empty on pages.</summary>
    public byte[] FirstImage { get; init; } = [];

    /// <summary>True when it is the first one of its kind.</summary>
    [JsonIgnore]
    public bool IsFirst => CanaryId == FirstId;

    /// <summary>How it compares with the first one, in words.</summary>
    [JsonIgnore]
    public string Judgement => Verdict switch
    {
        "first" => "the first one",
        "equal" => "same bytes",
        _ => Verdict + (Psnr is { } psnr ? $", {DisplayFormat.Number(psnr)} dB" : "")
            + (Ssim is { } ssim ? $", SSIM {DisplayFormat.Number(ssim, 4)}" : ""),
    };

    /// <summary>The images side by side: the first one, and the canary itself unless it is the first one.</summary>
    [JsonIgnore]
    public IEnumerable<CanaryImage> Images
    {
        get
        {
            yield return new CanaryImage(FirstId, string.Create(CultureInfo.InvariantCulture, $"first canary {FirstId}"), FirstImage);
            if (!IsFirst) yield return new CanaryImage(CanaryId, string.Create(CultureInfo.InvariantCulture, $"canary {CanaryId}"), Image);
        }
    }

    /// <summary>Canaries worth a look, newest first: all that differ, and the newest of each model, device and recipe.</summary>
    /// <param name="drawn">Canaries, newest first.</param>
    /// <param name="limit">At most this many.</param>
    internal static IReadOnlyList<ReportCanary> Choose(IReadOnlyList<RecordedCanary> drawn, int limit)
    {
        var newest = drawn.DistinctBy(canary => canary.FirstId ?? canary.CanaryId).Select(canary => canary.CanaryId).ToHashSet();
        var worthALook = drawn.Where(canary => canary.Verdict == "differs" || newest.Contains(canary.CanaryId));
        return
        [
            .. worthALook.OrderByDescending(canary => canary.Verdict == "differs").Take(limit).Select(canary => new ReportCanary(
                canary.CanaryId, canary.FirstId ?? canary.CanaryId, canary.CreatedAt, canary.Model, canary.Device, canary.Verdict,
                canary.Psnr, canary.Ssim)),
        ];
    }
}

/// <summary>An image of a canary.</summary>
/// <param name="Id">Number of the canary.</param>
/// <param name="Name">What the image shows.</param>
/// <param name="Png">The file.</param>
public sealed record CanaryImage(long Id, string Name, byte[] Png)
{
    /// <summary>The image itself as an address, for files that refer to nothing else.</summary>
    public string DataAddress => "data:image/png;base64," + Convert.ToBase64String(Png);
}
