namespace BatchGen.Dashboard.Scheduling;

/// <summary>Time zones that people name.</summary>
internal static class TimeZones
{
    /// <summary>A zone by its name.</summary>
    /// <exception cref="FormatException">There is none of that name; the message says what to write.</exception>
    public static TimeZoneInfo Parse(string? id) =>
        TimeZoneInfo.TryFindSystemTimeZoneById(id ?? "", out var zone) ? zone : throw new FormatException(Unknown(id));

    /// <summary>The text that says that there is no such zone, and what to write.</summary>
    public static string Unknown(string? id) => $"'{id}' is not a time zone; write one such as Europe/Berlin.";
}
