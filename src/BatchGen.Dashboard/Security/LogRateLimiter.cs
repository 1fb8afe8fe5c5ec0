namespace BatchGen.Dashboard.Security;

/// <summary>Says when a log line that many requests have a reason for is due: at once, and then only after an interval.</summary>
/// <remarks>Thread safe.</remarks>
internal sealed class LogRateLimiter(TimeSpan interval, TimeProvider clock)
{
    private readonly Lock _lock = new();
    private long? _saidAt;

    /// <summary>True when the line is to be written now.</summary>
    public bool IsDue()
    {
        lock (_lock)
        {
            if (_saidAt is { } at && clock.GetElapsedTime(at) < interval) return false;
            _saidAt = clock.GetTimestamp();
            return true;
        }
    }
}
