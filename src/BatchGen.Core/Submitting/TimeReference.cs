namespace BatchGen.Core.Submitting;

/// <summary>What times without date or zone refer to. Always said by who asks: the zone of the machine is right at its command line, and nowhere else.</summary>
/// <param name="Now">The instant from which on <c>22:00</c> is looked for.</param>
/// <param name="Zone">Where the clock hangs.</param>
public sealed record TimeReference(DateTimeOffset Now, TimeZoneInfo Zone)
{
    /// <summary>A clock's own time and zone.</summary>
    public static TimeReference Of(TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(clock);
        return new(clock.GetUtcNow(), clock.LocalTimeZone);
    }
}
