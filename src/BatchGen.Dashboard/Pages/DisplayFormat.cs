using System.Globalization;
using BatchGen.Core.Submitting;
using BatchGen.Core.Texts;

namespace BatchGen.Dashboard.Pages;

/// <summary>Numbers, sizes and times in the form in which pages and reports show them.</summary>
internal sealed class DisplayFormat(TimeZoneInfo zone, TimeProvider clock)
{
    /// <summary>A whole number with narrow spaces between its thousands: <c>12 345</c>.</summary>
    public static string Count(long value) => value.ToString("#,0", CultureInfo.InvariantCulture).Replace(',', '\u202F');

    /// <summary>A number with at most that many decimals.</summary>
    public static string Number(double value, int decimals = 1) =>
        value.ToString(decimals == 0 ? "0" : "0." + new string('#', decimals), CultureInfo.InvariantCulture);

    /// <summary>An instant in UTC for the machine-readable attribute of <c>time</c> elements.</summary>
    public static string Iso(DateTimeOffset instant) =>
        instant.ToUniversalTime().ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);

    /// <summary>A text cut to a length, with a sign where something was cut off; null counts as empty.</summary>
    public static string Shorten(string? text, int length) =>
        text is null ? "" : text.Length <= length ? text : text[..(length - 1)] + "…";

    /// <summary>An instant, to the minute, in the dashboard's time zone.</summary>
    public string Time(DateTimeOffset instant) => In(zone, instant, "yyyy-MM-dd HH:mm");

    /// <summary>The time of day of an instant, to the second, in the dashboard's time zone.</summary>
    public string Clock(DateTimeOffset instant) => In(zone, instant, "HH:mm:ss");

    /// <summary>The day of an instant in the dashboard's time zone: <c>2026-01-31</c>.</summary>
    public string Day(DateTimeOffset instant) => In(zone, instant, "yyyy-MM-dd");

    /// <summary>An instant to the second, in the dashboard's time zone and with its offset: a form that is filled in with it
    /// means the same instant.</summary>
    public string Exact(DateTimeOffset instant) => In(zone, instant, "yyyy-MM-ddTHH:mm:sszzz");

    /// <summary>The time since an instant.</summary>
    public string Age(DateTimeOffset instant) => Quantities.Span(clock.GetUtcNow() - instant);

    /// <summary>The reference of times that people type: now, and the time zone in which times are shown.</summary>
    public TimeReference Times => new(Now, zone);

    /// <summary>The dashboard's time zone.</summary>
    public TimeZoneInfo Zone => zone;

    /// <summary>The present instant.</summary>
    public DateTimeOffset Now => clock.GetUtcNow();

    private static string In(TimeZoneInfo zone, DateTimeOffset instant, string format) =>
        TimeZoneInfo.ConvertTime(instant, zone).ToString(format, CultureInfo.InvariantCulture);
}
