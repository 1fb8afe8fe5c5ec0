using System.Globalization;
using BatchGen.Core.Submitting;

namespace BatchGen.Dashboard.Pages;

/// <summary>Numbers and times as pages show them.</summary>
internal sealed class Show(TimeZoneInfo zone, TimeProvider clock)
{
    /// <summary>With thin groups: <c>12 345</c>.</summary>
    public static string Count(long value) => value.ToString("#,0", CultureInfo.InvariantCulture).Replace(',', '\u202F');

    /// <summary>A span: <c>45 s</c>, <c>12 min</c>, <c>3 h 5 min</c>, <c>4 days</c>.</summary>
    public static string Span(TimeSpan span) =>
        span < TimeSpan.FromSeconds(99.5) ? string.Create(CultureInfo.InvariantCulture, $"{Math.Max(0, span.TotalSeconds):0} s")
        : span < TimeSpan.FromMinutes(99.5) ? string.Create(CultureInfo.InvariantCulture, $"{span.TotalMinutes:0} min")
        : span < TimeSpan.FromDays(3) ? string.Create(CultureInfo.InvariantCulture, $"{(int)span.TotalHours} h {span.Minutes} min")
        : string.Create(CultureInfo.InvariantCulture, $"{span.TotalDays:0} days");

    /// <summary>A size: <c>6.2 MB</c>.</summary>
    public static string Size(long bytes) => bytes switch
    {
        < 1000 => string.Create(CultureInfo.InvariantCulture, $"{bytes} B"),
        < 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e3:0.#} kB"),
        < 1_000_000_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:0.#} MB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e9:0.##} GB"),
    };

    /// <summary>A number with at most so many decimals.</summary>
    public static string Number(double value, int decimals = 1) => value.ToString(decimals == 0 ? "0" : "0." + new string('#', decimals), CultureInfo.InvariantCulture);

    /// <summary>An instant, to the minute, in the dashboard's zone.</summary>
    public string Time(DateTimeOffset instant) => TimeZoneInfo.ConvertTime(instant, zone).ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);

    /// <summary>The clock part of an instant, to the second.</summary>
    public string Clock(DateTimeOffset instant) => TimeZoneInfo.ConvertTime(instant, zone).ToString("HH:mm:ss", CultureInfo.InvariantCulture);

    /// <summary>How long ago.</summary>
    public string Age(DateTimeOffset instant) => Span(clock.GetUtcNow() - instant);

    /// <summary>For the machine-readable attribute of <c>time</c> elements.</summary>
    public static string Iso(DateTimeOffset instant) => instant.ToUniversalTime().ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);

    /// <summary>Cut to a length.</summary>
    public static string Short(string? text, int length) => text is null ? "" : text.Length <= length ? text : text[..(length - 1)] + "…";

    /// <summary>An instant to the second, in the dashboard's zone and with its offset: a form that is filled in with it gives the same instant back.</summary>
    public string Exact(DateTimeOffset instant) => TimeZoneInfo.ConvertTime(instant, zone).ToString("yyyy-MM-ddTHH:mm:sszzz", CultureInfo.InvariantCulture);

    /// <summary>What times refer to that people type: the zone in which they are shown.</summary>
    public TimeReference Times => new(Now, zone);

    /// <summary>The zone in use.</summary>
    public TimeZoneInfo Zone => zone;

    /// <summary>Now.</summary>
    public DateTimeOffset Now => clock.GetUtcNow();
}
