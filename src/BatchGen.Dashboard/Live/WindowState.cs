using BatchGen.Queue.Schedules;

namespace BatchGen.Dashboard.Live;

/// <summary>Whether the dispatch windows that apply to all jobs are open at one moment, and when that changes.</summary>
/// <param name="HasWindows">False when jobs may always be claimed.</param>
/// <param name="IsOpen">True while jobs may be claimed.</param>
/// <param name="ChangesAt">When that changes next, or null.</param>
public sealed record WindowState(bool HasWindows, bool IsOpen, DateTimeOffset? ChangesAt)
{
    // One week of minutes is the longest a weekly pattern can go without a change.
    private const int LookAheadMinutes = 8 * 24 * 60;

    /// <summary>The state at an instant.</summary>
    internal static WindowState At(DateTimeOffset now, IReadOnlyList<DispatchWindow> windows)
    {
        var general = windows.Where(window => window.Enabled && window.Tenant is null && window.Model is null)
            .Select(window => (Window: window, Zone: Zone(window.TimeZone))).ToArray();
        if (general.Length == 0) return new WindowState(false, true, null);
        var open = IsAnyOpen(now);
        // Minute by minute, as windows are written: exact across clock changes, and cheap enough to do every 20 seconds.
        var minute = new DateTimeOffset(now.Ticks - (now.Ticks % TimeSpan.TicksPerMinute), now.Offset);
        for (var step = 1; step <= LookAheadMinutes; step++)
        {
            var then = minute.AddMinutes(step);
            if (IsAnyOpen(then) != open) return new WindowState(true, open, then);
        }

        return new WindowState(true, open, null);

        bool IsAnyOpen(DateTimeOffset instant) => general.Any(pair => Covers(pair.Window, pair.Zone, instant));
    }

    /// <summary>Whether a window is open at an instant.</summary>
    internal static bool IsOpenNow(DispatchWindow window, DateTimeOffset instant) => Covers(window, Zone(window.TimeZone), instant);

    /// <summary>The same rule as the database's <c>window_is_open</c>: local clock time, a window across midnight belongs
    /// to the day it opened.</summary>
    internal static bool Covers(DispatchWindow window, TimeZoneInfo zone, DateTimeOffset instant)
    {
        var local = TimeZoneInfo.ConvertTime(instant, zone).DateTime;
        var (time, today) = (local.TimeOfDay, IsoDay(local.DayOfWeek));
        if (window.Opens == window.Closes) return window.Weekdays.Contains(today); // The whole day.
        if (window.Opens < window.Closes) return time >= window.Opens && time < window.Closes && window.Weekdays.Contains(today);
        var yesterday = today == 1 ? 7 : today - 1;
        return (time >= window.Opens && window.Weekdays.Contains(today)) || (time < window.Closes && window.Weekdays.Contains(yesterday));
    }

    private static int IsoDay(DayOfWeek day) => day == DayOfWeek.Sunday ? 7 : (int)day;

    private static TimeZoneInfo Zone(string id) => TimeZoneInfo.TryFindSystemTimeZoneById(id, out var zone) ? zone : TimeZoneInfo.Utc;
}
