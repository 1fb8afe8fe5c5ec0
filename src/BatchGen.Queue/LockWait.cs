using System.Globalization;
using Npgsql;
using NpgsqlTypes;

namespace BatchGen.Queue;

/// <summary>How long a call that changes jobs waits for what a transaction of somebody else keeps, such as that of a producer who calls
/// SQL and does not commit.</summary>
public static class LockWait
{
    /// <summary>The longest wait for one lock. Every waiting call holds a connection.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    /// <summary>The parameter of queries that set <c>lock_timeout</c> for their own transaction.</summary>
    internal static NpgsqlParameter Parameter() => QueueDatabase.Parameter(
        "lock_timeout", NpgsqlDbType.Text, string.Create(CultureInfo.InvariantCulture, $"{Limit.TotalMilliseconds}ms"));

    /// <summary>Runs a call whose query has <see cref="Parameter"/>.</summary>
    /// <param name="what">What the other transaction keeps, in words of whoever calls.</param>
    /// <param name="call">The call.</param>
    /// <exception cref="BlockedException">The wait was longer than the limit.</exception>
    internal static async Task<T> RunAsync<T>(string what, Func<Task<T>> call)
    {
        try
        {
            return await call();
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.LockNotAvailable)
        {
            throw new BlockedException(string.Create(CultureInfo.InvariantCulture,
                $"Another transaction keeps {what}, and has not ended within {Limit.TotalSeconds} s; nothing of this was done. ")
                + "Try again in a moment; if it stays so, commit or end that transaction.", error);
        }
    }
}
