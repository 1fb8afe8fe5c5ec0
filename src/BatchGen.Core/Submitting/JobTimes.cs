using System.Globalization;

namespace BatchGen.Core.Submitting;

/// <summary>Instants as people type them.</summary>
public static class JobTimes
{
    /// <summary>The forms taken, for help and messages.</summary>
    public const string Forms = "2026-01-31T22:00+01:00, 2026-01-31T22:00 (local time) or 22:00 (the next time the clock shows it)";

    /// <summary>Reads an instant.</summary>
    /// <param name="text">The text.</param>
    /// <param name="reference">What short forms refer to.</param>
    /// <exception cref="FormatException">Not one of the forms.</exception>
    public static DateTimeOffset Parse(string text, TimeReference reference)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(reference);
        var zone = reference.Zone;
        if (TimeOnly.TryParseExact(text, ["HH:mm", "H:mm", "HH:mm:ss"], CultureInfo.InvariantCulture, DateTimeStyles.None, out var time))
        {
            var now = TimeZoneInfo.ConvertTime(reference.Now, zone);
            var day = DateOnly.FromDateTime(now.DateTime);
            var today = AtLocal(day.ToDateTime(time), zone);
            return today > now ? today.ToUniversalTime() : AtLocal(day.AddDays(1).ToDateTime(time), zone).ToUniversalTime();
        }

        // A time without zone parses as unspecified; one with zone says so itself.
        if (DateTime.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out var local) && local.Kind == DateTimeKind.Unspecified)
            return AtLocal(local, zone).ToUniversalTime();
        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var instant)
            ? instant.ToUniversalTime()
            : throw new FormatException($"'{text}' is not a time; write {Forms}.");
    }

    // An hour that the clock skips in spring is taken an hour later; one it shows twice is the first.
    private static DateTimeOffset AtLocal(DateTime local, TimeZoneInfo zone)
    {
        if (zone.IsInvalidTime(local)) local = local.AddHours(1);
        var offset = zone.IsAmbiguousTime(local) ? zone.GetAmbiguousTimeOffsets(local).Max() : zone.GetUtcOffset(local);
        return new DateTimeOffset(local, offset);
    }
}
