namespace BatchGen.Core.Submitting;

/// <summary>The date and zone that times without them refer to.</summary>
/// <remarks>Every caller says which: the zone of the machine is right for its command line only.</remarks>
/// <param name="Now">The instant after which the next <c>22:00</c> is looked for.</param>
/// <param name="Zone">Time zone of the person who typed the time.</param>
public sealed record TimeReference(DateTimeOffset Now, TimeZoneInfo Zone)
{
    /// <summary>The present time and the zone of a clock.</summary>
    public static TimeReference Of(TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(clock);
        return new(clock.GetUtcNow(), clock.LocalTimeZone);
    }
}
