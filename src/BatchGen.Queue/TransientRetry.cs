using System.Security.Cryptography;
using BatchGen.Queue.Sql;

namespace BatchGen.Queue;

/// <summary>Repeats a database call until the server takes it: while it is away, busy, full or takes reads only, and while a person has to
/// grant what is denied.</summary>
public static class TransientRetry
{
    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(10);

    /// <summary>True when the same call may succeed a moment later.</summary>
    public static bool IsTransient(Exception error) => KindOf(error) == DatabaseErrorKind.Passing;

    /// <summary>What kind of database error this is; null when it did not come from the database.</summary>
    public static DatabaseErrorKind? KindOf(Exception error)
    {
        ArgumentNullException.ThrowIfNull(error);
        return SqlErrorTable.KindOf(error);
    }

    /// <summary>Runs a call, again after a growing delay with jitter while the error is passing or denied.</summary>
    /// <param name="call">The call; it must be one that may run twice, as every guarded write here may.</param>
    /// <param name="failed">Told of every error that the call is repeated after, and for how long it has failed now.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public static async Task<T> RunAsync<T>(
        Func<CancellationToken, Task<T>> call, Action<Exception, TimeSpan> failed, TimeProvider time, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(call);
        ArgumentNullException.ThrowIfNull(failed);
        ArgumentNullException.ThrowIfNull(time);
        var started = time.GetTimestamp();
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                return await call(cancellationToken);
            }
            catch (Exception error) when (KindOf(error) is DatabaseErrorKind.Passing or DatabaseErrorKind.Denied)
            {
                failed(error, time.GetElapsedTime(started));
                await Task.Delay(DelayOf(attempt), time, cancellationToken);
            }
        }
    }

    /// <summary>The delay before a try: doubling, and half of it by chance, so that many workers do not come back at once.</summary>
    internal static TimeSpan DelayOf(int attempt)
    {
        var full = Math.Min(FirstDelay.TotalMilliseconds * Math.Pow(2, Math.Min(attempt, 20)), LongestDelay.TotalMilliseconds);
        return TimeSpan.FromMilliseconds(full / 2 + full / 2 * RandomNumberGenerator.GetInt32(1000) / 1000.0);
    }
}
