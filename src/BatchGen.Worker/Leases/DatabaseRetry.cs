using BatchGen.Queue;
using BatchGen.Worker.Monitoring;
using Microsoft.Extensions.Logging;

namespace BatchGen.Worker.Leases;

/// <summary>Calls the database again while it cannot take the call, however long that takes: a night's work must survive a
/// restart of the server.</summary>
internal static class DatabaseRetry
{
    // A wait is worth a line when it begins, when the kind of error changes, and then every minute.
    private static readonly TimeSpan LogInterval = TimeSpan.FromMinutes(1);

    /// <summary>How long a call may fail before the worker is not ready: a deadlock or a dropped connection is over in a moment.</summary>
    public static TimeSpan GracePeriod { get; } = TimeSpan.FromSeconds(1);

    /// <summary>Runs a call that returns something, repeats it while the server cannot take it or denies it, and logs how long that
    /// lasts; the worker is not ready meanwhile.</summary>
    public static async Task<T> RunAsync<T>(
        ILogger log, WorkerHealth health, Func<CancellationToken, Task<T>> call, CancellationToken cancellationToken)
    {
        IDisposable? notReady = null;
        try
        {
            return await RunLoggedAsync(log, elapsed =>
            {
                if (elapsed >= GracePeriod) notReady ??= health.BeginFailingCall();
            }, call, cancellationToken);
        }
        finally
        {
            notReady?.Dispose();
        }
    }

    private static async Task<T> RunLoggedAsync<T>(
        ILogger log, Action<TimeSpan> failed, Func<CancellationToken, Task<T>> call, CancellationToken cancellationToken)
    {
        TimeSpan? failing = null;
        var nextLine = TimeSpan.Zero;
        DatabaseErrorKind? said = null;
        var result = await TransientRetry.RunAsync(
            call,
            (error, elapsed) =>
            {
                failing = elapsed;
                failed(elapsed);
                var kind = TransientRetry.KindOf(error);
                if (kind == said && elapsed < nextLine) return;
                (said, nextLine) = (kind, elapsed + LogInterval);
                if (kind == DatabaseErrorKind.Denied) log.DatabaseDenied(error.Message);
                else log.DatabaseAway(error.Message);
            },
            TimeProvider.System,
            cancellationToken);
        if (failing is { } time) log.DatabaseAnswered(time.TotalSeconds);
        return result;
    }

    /// <summary>Runs a call that returns nothing, repeats it while the server cannot take it or denies it, and logs how long that
    /// lasts; the worker is not ready meanwhile.</summary>
    public static Task RunAsync(
        ILogger log, WorkerHealth health, Func<CancellationToken, Task> call, CancellationToken cancellationToken) =>
        RunAsync(log, health, async token =>
        {
            await call(token);
            return true;
        }, cancellationToken);
}
