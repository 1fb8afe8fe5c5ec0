using System.Net.Sockets;
using BatchGen.Core.Failures;
using Npgsql;

namespace BatchGen.Queue.Sql;

/// <summary>Says a database error in words for people; <see cref="SqlErrorTable"/> says what kind it is.</summary>
internal static class SqlErrors
{
    /// <summary>The exception a caller should see, or null when the error should pass as it is (passing ones of the server,
    /// programming errors).</summary>
    public static Exception? Translate(Exception error, NpgsqlDataSource dataSource) => error switch
    {
        PostgresException { SqlState: SqlErrorTable.Refused } refused => new SubmitRefusedException(refused.MessageText, refused),
        PostgresException { SqlState: SqlErrorTable.LeaseLost } lost => new LeaseLostException(lost.MessageText, lost),
        PostgresException { SqlState: SqlErrorTable.UnknownWorker } unknown => new QueueException(unknown.MessageText, unknown),
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
        PostgresException or NpgsqlOperationInProgressException => null,
        _ when SqlErrorTable.KindOf(error) == DatabaseErrorKind.Passing => new QueueException(
            $"No database answers at {Where(dataSource)} ({Reason(error)}). {HowToReach(dataSource)}", error),
        _ => null,
    };

    // With several hosts the driver gives the error of each.
    private static string Reason(Exception error) => error.InnerException switch
    {
        AggregateException several => string.Join("; ", several.InnerExceptions.Select(Reason).Distinct(StringComparer.Ordinal)),
        { } inner => inner.Message,
        null => error.Message.TrimEnd('.'),
    };

    // A socket of this machine is mostly that of a private server, which no setting names.
    private static string HowToReach(NpgsqlDataSource dataSource) =>
        new NpgsqlConnectionStringBuilder(dataSource.ConnectionString).Host!.StartsWith('/')
            ? "Check that the server runs; a private one is started by 'batchgen up' and every other command that uses it."
            : "Check that the server runs and that ConnectionStrings__BatchGen names it.";

    private static string Where(NpgsqlDataSource dataSource)
    {
        var builder = new NpgsqlConnectionStringBuilder(dataSource.ConnectionString);
        // Of several hosts each names its own port, or has the one that is set.
        var hosts = builder.Host!.Split(',').Select(host => host.Contains(':') ? host : $"{host}:{builder.Port}");
        return $"{string.Join(", ", hosts)}, database '{builder.Database ?? builder.Username}'";
    }
}
