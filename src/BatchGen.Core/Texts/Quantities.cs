using System.Globalization;

namespace BatchGen.Core.Texts;

/// <summary>Time spans and sizes in the form in which terminal, pages and reports show them to people.</summary>
public static class Quantities
{
    /// <summary>A time span in one or two units: <c>45 s</c>, <c>12 min</c>, <c>3 h 5 min</c>, <c>4 days</c>; below zero as 0 s.</summary>
    public static string Span(TimeSpan span) =>
        span < TimeSpan.FromSeconds(99.5) ? string.Create(CultureInfo.InvariantCulture, $"{Math.Max(0, span.TotalSeconds):0} s")
        : span < TimeSpan.FromMinutes(99.5) ? string.Create(CultureInfo.InvariantCulture, $"{span.TotalMinutes:0} min")
        : span < TimeSpan.FromDays(3) ? string.Create(CultureInfo.InvariantCulture, $"{(int)span.TotalHours} h {span.Minutes} min")
        : string.Create(CultureInfo.InvariantCulture, $"{span.TotalDays:0} days");

    /// <summary>A number of things: <c>1 job</c>, <c>12 jobs</c>.</summary>
    /// <param name="count">How many.</param>
    /// <param name="one">The word for one of them.</param>
    /// <param name="several">The word for several; null for the same with an s.</param>
    public static string Count(long count, string one, string? several = null) =>
        string.Create(CultureInfo.InvariantCulture, $"{count} {(count == 1 ? one : several ?? one + "s")}");

    /// <summary>A size in its largest decimal unit: <c>6.2 MB</c>.</summary>
    public static string Size(long bytes) => bytes switch
    {
        < 1000 => string.Create(CultureInfo.InvariantCulture, $"{bytes} B"),
        < 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e3:0.#} kB"),
        < 1_000_000_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:0.#} MB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e9:0.##} GB"),
    };
}
