using System.Globalization;
using BatchGen.Core.Texts;

namespace BatchGen.Core.Submitting;

/// <summary>Reads instants as people type them.</summary>
public static class JobTimes
{
    /// <summary>The forms that are read, for help texts and messages.</summary>
    public const string Forms = "2026-01-31T22:00+01:00, 2026-01-31T22:00 (local time) or 22:00 (the next time the clock shows it)";

    /// <summary>Reads an instant from text.</summary>
    /// <param name="text">Text in one of the <see cref="Forms"/>.</param>
    /// <param name="reference">The date and zone that short forms refer to.</param>
    /// <exception cref="FormatException">The text is in none of the forms.</exception>
    public static DateTimeOffset Parse(string text, TimeReference reference)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(reference);
        var zone = reference.Zone;
        if (TimeOnly.TryParseExact(text, ["HH:mm", "H:mm", "HH:mm:ss"], CultureInfo.InvariantCulture, DateTimeStyles.None, out var time))
        {
            var now = TimeZoneInfo.ConvertTime(reference.Now, zone);
            var day = DateOnly.FromDateTime(now.DateTime);
            var next = AtLocal(day.ToDateTime(time), zone) is { } today && today > now ? today
                : AtLocal(day.AddDays(1).ToDateTime(time), zone);
            return next?.ToUniversalTime() ?? throw NotATime(text);
        }

        // A time without a zone is parsed as unspecified; a time with a zone is parsed as UTC or local.
        if (DateTime.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out var local)
            && local.Kind == DateTimeKind.Unspecified)
            return AtLocal(local, zone)?.ToUniversalTime() ?? throw NotATime(text);
        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var instant)
            ? instant.ToUniversalTime()
            : throw NotATime(text);
    }

    private static FormatException NotATime(string text) => new(ShortText.Of($"'{text}' is not a time; write {Forms}."));

    // A time that the clock skips in spring is read as an hour later; a time that it shows twice is read as the first.
    // At either end of the calendar a local time may have no instant in UTC: then it is null.
    private static DateTimeOffset? AtLocal(DateTime local, TimeZoneInfo zone)
    {
        if (zone.IsInvalidTime(local)) local = local.AddHours(1);
        var offset = zone.IsAmbiguousTime(local) ? zone.GetAmbiguousTimeOffsets(local).Max() : zone.GetUtcOffset(local);
        var utc = local.Ticks - offset.Ticks;
        return utc < DateTimeOffset.MinValue.UtcTicks || utc > DateTimeOffset.MaxValue.UtcTicks ? null : new DateTimeOffset(local, offset);
    }
}
