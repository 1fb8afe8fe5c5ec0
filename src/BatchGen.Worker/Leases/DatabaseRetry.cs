using BatchGen.Queue;

namespace BatchGen.Worker.Leases;

/// <summary>Calls the database again while it cannot be reached, however long that takes: a night's work must survive a
/// restart of the server.</summary>
internal static class DatabaseRetry
{
    /// <summary>Runs a call that returns something, and repeats it while it fails for a passing reason.</summary>
    public static Task<T> RunAsync<T>(Func<CancellationToken, Task<T>> call, CancellationToken cancellationToken) =>
        TransientRetry.RunAsync(call, TimeSpan.MaxValue, TimeProvider.System, cancellationToken);

    /// <summary>Runs a call that returns nothing, and repeats it while it fails for a passing reason.</summary>
    public static Task RunAsync(Func<CancellationToken, Task> call, CancellationToken cancellationToken) => RunAsync(
        async token =>
        {
            await call(token);
            return true;
        },
        cancellationToken);
}
