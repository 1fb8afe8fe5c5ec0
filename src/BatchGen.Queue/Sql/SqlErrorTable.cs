using System.Net.Sockets;
using System.Security.Authentication;
using BatchGen.Core.Failures;
using Npgsql;

namespace BatchGen.Queue.Sql;

/// <summary>The one table that says of each database error what kind it is.</summary>
internal static class SqlErrorTable
{
    /// <summary>Error code of <c>submit_jobs</c>.</summary>
    public const string Refused = "BG001";

    /// <summary>Error code of every write that names batch and epoch.</summary>
    public const string LeaseLost = "BG002";

    /// <summary>Error code of <c>claim_batch</c>.</summary>
    public const string UnknownWorker = "BG003";

    // The server says that a prepared statement is out of date with a code that else means a feature it does not have.
    private const string OutdatedPlan = "cached plan must not change result type";

    private const string DriverName = "Npgsql";
    private const string BrokenBetweenCalls = "Connection is not open";

    /// <summary>
    /// By SQLSTATE, or by its first two characters, which stand for every code of that class that has no row of its own. Any other code is
    /// a <see cref="DatabaseErrorKind.Fault"/>.
    /// </summary>
    public static IReadOnlyDictionary<string, DatabaseErrorKind> Kinds { get; } = new Dictionary<string, DatabaseErrorKind>(
        StringComparer.Ordinal)
    {
        // Connections: broken, refused, or not possible.
        ["08"] = DatabaseErrorKind.Passing,
        // A server that takes reads only: a standby that is not promoted yet, or storage that is used up.
        ["25006"] = DatabaseErrorKind.Passing,
        // Time limits of idle and of long transactions.
        ["25P03"] = DatabaseErrorKind.Passing,
        ["25P04"] = DatabaseErrorKind.Passing,
        // A prepared statement is gone; it is prepared again.
        ["26000"] = DatabaseErrorKind.Passing,
        // Rolled back: deadlock, serialization failure, unknown outcome of a commit.
        ["40"] = DatabaseErrorKind.Passing,
        // Resources: disk full, out of memory, too many connections.
        ["53"] = DatabaseErrorKind.Passing,
        // As many notifications wait as the server can hold, because a session that listens keeps a transaction open. The other codes of
        // the class, such as 54001, say that a statement itself is too much: it never succeeds.
        ["54000"] = DatabaseErrorKind.Passing,
        // In use, locked by another session, or not in a state for the call.
        ["55"] = DatabaseErrorKind.Passing,
        // Somebody intervened: statement_timeout or a cancelled query, shutdown, crash, start, idle session.
        ["57"] = DatabaseErrorKind.Passing,
        // The server's own machine and files, its configuration, a snapshot that is too old, and errors inside the server.
        ["58"] = DatabaseErrorKind.Passing,
        ["72"] = DatabaseErrorKind.Passing,
        ["F0"] = DatabaseErrorKind.Passing,
        ["XX"] = DatabaseErrorKind.Passing,
        // Login, database and rights, which a person has to grant.
        ["28"] = DatabaseErrorKind.Denied,
        ["3D000"] = DatabaseErrorKind.Denied,
        ["42501"] = DatabaseErrorKind.Denied,
        // Without rights on the schema, nothing in it can be seen; so it is while a database is restored, too.
        ["3F000"] = DatabaseErrorKind.Denied,
        [PostgresErrorCodes.UndefinedTable] = DatabaseErrorKind.Denied,
        [PostgresErrorCodes.UndefinedFunction] = DatabaseErrorKind.Denied,
        ["57P04"] = DatabaseErrorKind.Denied,
        // Rules of the queue.
        [Refused] = DatabaseErrorKind.Refused,
        [PostgresErrorCodes.UntranslatableCharacter] = DatabaseErrorKind.Refused,
        [LeaseLost] = DatabaseErrorKind.LeaseLost,
        [UnknownWorker] = DatabaseErrorKind.Fault,
    };

    /// <summary>The kind of an error; null when it did not come from the database.</summary>
    public static DatabaseErrorKind? KindOf(Exception error) => error switch
    {
        LeaseLostException => DatabaseErrorKind.LeaseLost,
        SubmitRefusedException => DatabaseErrorKind.Refused,
        QueueException { InnerException: { } inner } => KindOf(inner),
        PostgresException { SqlState: PostgresErrorCodes.FeatureNotSupported, MessageText: OutdatedPlan } => DatabaseErrorKind.Passing,
        PostgresException refused => KindOf(refused.SqlState),
        NpgsqlOperationInProgressException => DatabaseErrorKind.Fault,
        // The driver's own: no suitable host among several, no free connection, no answer in time, a broken connection.
        NpgsqlException { InnerException: AuthenticationException } => DatabaseErrorKind.Denied,
        NpgsqlException { InnerException: AggregateException several } when several.InnerExceptions.Count > 0 =>
            several.InnerExceptions.All(inner => KindOf(inner) == DatabaseErrorKind.Denied)
                ? DatabaseErrorKind.Denied
                : DatabaseErrorKind.Passing,
        NpgsqlException => DatabaseErrorKind.Passing,
        // The driver lets these through as they are: a host name that is not known now, a connection that takes too long.
        SocketException or TimeoutException => DatabaseErrorKind.Passing,
        // So it says that a connection broke between two calls.
        InvalidOperationException { Source: DriverName, Message: BrokenBetweenCalls } => DatabaseErrorKind.Passing,
        _ => null,
    };

    /// <summary>The kind of a SQLSTATE.</summary>
    public static DatabaseErrorKind KindOf(string sqlState)
    {
        if (Kinds.TryGetValue(sqlState, out var kind)) return kind;
        return sqlState.Length == 5 && Kinds.TryGetValue(sqlState[..2], out kind) ? kind : DatabaseErrorKind.Fault;
    }
}
