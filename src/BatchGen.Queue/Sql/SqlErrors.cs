using System.Net.Sockets;
using BatchGen.Core.Failures;
using Npgsql;

namespace BatchGen.Queue.Sql;

/// <summary>Says what a database error means to a caller.</summary>
internal static class SqlErrors
{
    private const string Refused = "BG001";
    private const string LeaseLost = "BG002";
    private const string UnknownWorker = "BG003";

    /// <summary>The exception a caller should see, or null when the error should pass as it is (transient ones,
    /// programming errors).</summary>
    public static Exception? Translate(NpgsqlException error, NpgsqlDataSource dataSource) => error switch
    {
        PostgresException { SqlState: Refused } refused => new SubmitRefusedException(refused.MessageText, refused),
        PostgresException { SqlState: LeaseLost } lost => new LeaseLostException(lost.MessageText, lost),
        PostgresException { SqlState: UnknownWorker } unknown => new QueueException(unknown.MessageText, unknown),
        PostgresException { SqlState: PostgresErrorCodes.UntranslatableCharacter } untranslatable =>
            new SubmitRefusedException(
                "The text holds a NUL character (\\u0000), which the database cannot store; remove it.", untranslatable),
        PostgresException { SqlState: PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedFunction } missing =>
            new QueueException($"The database at {Where(dataSource)} lacks what this program needs ({missing.MessageText}). "
                + "Bring it up to date with: batchgen migrate", missing),
        PostgresException { SqlState: PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification } denied =>
            new QueueException($"The database at {Where(dataSource)} refused the login ({denied.MessageText}). "
                + "Check user name and password of ConnectionStrings__BatchGen.", denied),
        PostgresException { SqlState: PostgresErrorCodes.InvalidCatalogName } missing =>
            new QueueException($"{Where(dataSource)}: {missing.MessageText}. Create it with: createdb NAME", missing),
        PostgresException { SqlState: PostgresErrorCodes.InsufficientPrivilege } denied =>
            new QueueException($"The database user may not do this ({denied.MessageText}). Roles are explained in docs/queue.md.", denied),
        PostgresException => null,
        { InnerException: SocketException or IOException or TimeoutException } => new QueueException(
            $"No database answers at {Where(dataSource)} ({error.InnerException.Message}). "
                + "Check that the server runs and that ConnectionStrings__BatchGen names it.", error),
        _ => null,
    };

    /// <summary>True when the same call may succeed a moment later: connection lost, deadlock, serialization failure, server
    /// starting or stopping.</summary>
    public static bool IsTransient(Exception error) => error switch
    {
        NpgsqlException { IsTransient: true } => true,
        PostgresException { SqlState: PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown
            or PostgresErrorCodes.CannotConnectNow } => true,
        QueueException { InnerException: NpgsqlException inner } => inner is not PostgresException || IsTransient(inner),
        _ => false,
    };

    private static string Where(NpgsqlDataSource dataSource)
    {
        var builder = new NpgsqlConnectionStringBuilder(dataSource.ConnectionString);
        return $"{builder.Host}:{builder.Port}, database '{builder.Database ?? builder.Username}'";
    }
}
