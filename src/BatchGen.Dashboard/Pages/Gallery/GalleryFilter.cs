using System.Globalization;
using BatchGen.Dashboard.Requests;
using BatchGen.Queue.Reports;

namespace BatchGen.Dashboard.Pages.Gallery;

/// <summary>The filter of a gallery, as an address carries it.</summary>
/// <param name="Campaign">Name of a campaign; null or empty does not restrict, as with the others.</param>
/// <param name="Signature">Canonical signature.</param>
/// <param name="Day">A day such as 2026-01-31 in the dashboard's time zone.</param>
public sealed record GalleryFilter(string? Campaign, string? Signature, string? Day)
{
    private const string DayFormat = "yyyy-MM-dd";

    // Days at either end of the calendar have no midnight before or after them in some zone.
    private const int FirstYear = 2;
    private const int LastYear = 9998;

    /// <summary>A sentence about a filter that cannot be read.</summary>
    public string Problem => $"'{Day}' is not a day such as 2026-01-31, of a year from {FirstYear} to {LastYear}.";

    /// <summary>The filter as a query, with its question mark; empty when nothing restricts.</summary>
    /// <param name="before">Where the page before ended; null begins with the newest image.</param>
    public string Query(string? before = null) =>
        Page.Address("", new("campaign", Campaign), new("signature", Signature), new("day", Day), new("before", before));

    /// <summary>Reads the filter; null when the day is none.</summary>
    internal ImageFilter? Read(TimeZoneInfo zone)
    {
        // Names are kept as they are: a campaign may begin or end with a space.
        var filter = new ImageFilter(
            string.IsNullOrWhiteSpace(Campaign) ? null : Campaign, string.IsNullOrWhiteSpace(Signature) ? null : Signature);
        if (JobListRequest.NullIfEmpty(Day) is null) return filter;
        if (!DateOnly.TryParseExact(Day, DayFormat, CultureInfo.InvariantCulture, DateTimeStyles.None, out var date)
            || date.Year is < FirstYear or > LastYear)
            return null;
        return filter with { From = Midnight(date, zone), To = Midnight(date.AddDays(1), zone) };
    }

    private static DateTimeOffset Midnight(DateOnly date, TimeZoneInfo zone)
    {
        var local = date.ToDateTime(TimeOnly.MinValue);
        while (zone.IsInvalidTime(local)) local = local.AddMinutes(30); // Some zones skip midnight itself when their clocks go forward.
        return new DateTimeOffset(local, zone.GetUtcOffset(local)).ToUniversalTime();
    }
}
