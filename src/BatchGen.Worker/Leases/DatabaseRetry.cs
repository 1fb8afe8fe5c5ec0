using BatchGen.Queue;

namespace BatchGen.Worker.Leases;

/// <summary>How a worker waits for the database: for as long as it is away, because a night's work must survive a restart of the server.</summary>
internal static class DatabaseRetry
{
    /// <summary>Runs a call, again while it fails for a passing reason.</summary>
    public static Task<T> RunAsync<T>(Func<CancellationToken, Task<T>> call, CancellationToken cancellationToken) =>
        TransientRetry.RunAsync(call, TimeSpan.MaxValue, TimeProvider.System, cancellationToken);

    /// <summary>Runs a call, again while it fails for a passing reason.</summary>
    public static Task RunAsync(Func<CancellationToken, Task> call, CancellationToken cancellationToken) => RunAsync(
        async token =>
        {
            await call(token);
            return true;
        },
        cancellationToken);
}
